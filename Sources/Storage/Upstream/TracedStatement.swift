package import PostgresClient
package import ServiceTracing
package import Tracing

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

/// One statement of a pipeline with its parameters.
package struct TracedStep: Sendable {
    package var statement: TracedStatement
    package var parameters: [PostgresValue]
    /// On whose behalf it is executed: each gets a CLIENT span of it. More than one where requests share a transaction.
    package var contexts: [InstrumentationContext?]
    /// What its spans have besides the operation's own attributes.
    package var attributes: Attributes = [:]

    /// - Parameter contexts: The current task's alone when nothing else is said.
    package init(
        _ statement: TracedStatement,
        _ parameters: [PostgresValue] = [],
        for contexts: [InstrumentationContext?] = [.current]
    ) {
        self.statement = statement
        self.parameters = parameters
        self.contexts = contexts
    }

    fileprivate func startSpans(_ tracer: ServiceTracer) -> [RecordedSpan] {
        guard let operation = statement.operation else { return [] }
        return contexts.map { context in
            let span = tracer.startSpan(
                operation.spanName,
                kind: .client,
                context: context,
                attributes: operation.attributes
            )
            // Semantic conventions, *Database client spans*: not for a batch of one.
            if contexts.count > 1 { span.set("db.operation.batch.size", .int(contexts.count)) }
            span.set(attributes)
            return span
        }
    }
}

extension PostgresConnection {
    /// Sends all at once; each statement has its CLIENT spans, which last until the answers are there.
    ///
    /// - Parameter beforeEnd: Called for each span when the answers are there.
    package nonisolated(nonsending) func pipeline(
        _ steps: [TracedStep],
        _ tracer: ServiceTracer,
        beforeEnd: (_ step: Int, RecordedSpan) -> Void = { _, _ in }
    ) async throws(PostgresError) -> [PostgresRows] {
        let spans = steps.map { $0.startSpans(tracer) }
        defer {
            for (index, spans) in spans.enumerated() {
                for span in spans {
                    beforeEnd(index, span)
                    span.end()
                }
            }
        }
        do {
            return try await pipeline(steps.map { PostgresStatement($0.statement.text, $0.parameters) })
        } catch {
            for span in spans.joined() { span.fail(error.sqlState ?? "\(error.code)", error.message) }
            throw error
        }
    }
}
