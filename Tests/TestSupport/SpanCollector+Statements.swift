import ServiceTracing
public import StorageConformance
import Tracing

extension SpanCollector {
    /// The database's spans, as conformance looks at them.
    public var statements: [SlowQuerySubject.Statement] {
        spans.filter { $0.kind == .client }.map { span in
            SlowQuerySubject.Statement(
                name: span.name,
                milliseconds: Double(span.endTime - span.startTime) / 1e6,
                isMarkedSlow: span.attributes["db.slow_query"] == .bool(true),
                rowsScanned: span.int("db.rows_scanned")
            )
        }
    }
}
