package import PostgresClient
package import ServiceTracing
import Tracing

/// A statement's text, and how a span shows it.
package struct TracedStatement: Sendable {
    package let text: String
    /// Nil for what shows nothing of the work.
    package let operation: DatabaseOperation?

    package init(text: String) { (self.text, operation) = (text, nil) }

    /// - Parameters:
    ///   - name: The operation, such as `SELECT`.
    ///   - table: Nil where there is none.
    package init(
        _ name: String,
        _ table: String?,
        _ text: String,
        _ url: PostgresURL,
        _ conventions: DatabaseConventions
    ) {
        self.text = text
        operation = DatabaseOperation(
            system: "postgresql",
            name: name,
            collection: table,
            namespace: url.database ?? "postgres",
            text: text,
            server: (url.host, url.port),
            conventions: conventions
        )
    }
}

extension PostgresConnection {
    /// Sends all at once; each statement has its CLIENT span in the current task's context, which lasts until the answers
    /// are there.
    ///
    /// - Parameter beforeEnd: Called for each step that has a span, when the answers are there.
    package nonisolated(nonsending) func pipeline(
        _ steps: [(statement: TracedStatement, parameters: [PostgresValue])],
        _ tracer: ServiceTracer,
        beforeEnd: (_ step: Int, RecordedSpan) -> Void = { _, _ in }
    ) async throws(PostgresError) -> [PostgresRows] {
        let spans = steps.map { step in
            step.statement.operation.map { operation in
                tracer.startSpan(operation.spanName, kind: .client, attributes: operation.attributes)
            }
        }
        defer {
            for (index, span) in spans.enumerated() {
                guard let span else { continue }
                beforeEnd(index, span)
                span.end()
            }
        }
        do {
            return try await pipeline(steps.map { PostgresStatement($0.statement.text, $0.parameters) })
        } catch {
            for case let span? in spans { span.fail(error.sqlState ?? "\(error.code)", error.message) }
            throw error
        }
    }
}
