public import Tracing

/// A wait for a connection or a writer: a span of its own, inside the request, when it was long enough to matter
/// (semantic conventions, *Database client metrics*, for the pool's name).
public struct ConnectionWait: Sendable {
    /// A shorter wait is a queue's own hand-over and would only hide the long ones.
    private static let worthShowing = Duration.milliseconds(1)

    private let since = ContinuousClock.now
    private let span: RecordedSpan?

    /// Begins it.
    ///
    /// - Parameters:
    ///   - pool: As `db.client.connection.pool.name`.
    ///   - tracer: Nil to show nothing.
    public init(for pool: String, _ tracer: ServiceTracer?, _ context: InstrumentationContext? = .current) {
        span = tracer?.startSpan(
            "wait for connection",
            context: context,
            attributes: ["db.client.connection.pool.name": .string(pool)]
        )
    }

    /// The connection is there.
    public func end() {
        let wait = ContinuousClock.now - since
        // A span that is never ended is never recorded.
        guard wait >= Self.worthShowing else { return }
        span?.set("db.client.connection.wait_ms", .double(wait / .milliseconds(1)))
        span?.end()
    }

    /// There is none.
    ///
    /// - Parameters:
    ///   - type: As `error.type`.
    ///   - sentence: For people.
    public func fail(_ type: String, _ sentence: String) {
        span?.set("db.client.connection.wait_ms", .double((ContinuousClock.now - since) / .milliseconds(1)))
        span?.fail(type, sentence)
        span?.end()
    }
}
