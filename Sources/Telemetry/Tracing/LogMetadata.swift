public import Logging
import Tracing

extension Logger.MetadataProvider {
    /// Puts `trace_id` and `span_id` of the current span on every log line.
    public static let traceContext = Logger.MetadataProvider {
        guard let span = InstrumentationContext.current?.spanContext else { return [:] }
        return ["trace_id": "\(span.traceID)", "span_id": "\(span.spanID)"]
    }
}
