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

    /// So far, in milliseconds.
    public var milliseconds: Double { (ContinuousClock.now - since) / .milliseconds(1) }

    /// The connection is there.
    ///
    /// - Returns: Whether the wait was long enough to be shown.
    @discardableResult
    public func end() -> Bool {
        let wait = ContinuousClock.now - since
        // A span that is never ended is never recorded.
        guard wait >= Self.worthShowing else { return false }
        span?.set("db.client.connection.wait_ms", .double(wait / .milliseconds(1)))
        span?.end()
        return true
    }

    /// Before `fail`: says that it was the pool that had none, by the names that alerts look for.
    ///
    /// - Parameter rejected: How many it has turned away since the service started.
    public func setExhausted(size: Int, rejected: Int) {
        span?.set([
            "db.connection.pool.exhausted": true,
            "db.connection.pool.size": .int(size),
            "db.connection.pool.wait_time_ms": .double(milliseconds),
            "db.connection.pool.rejected_count": .int(rejected),
        ])
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
