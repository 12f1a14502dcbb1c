import ConnectionPool
import RedisClient
import ServiceTracing
import Storage
import Tracing

/// Lends connections to commands, and makes a CLIENT span of each, in the current task's context.
struct CommandTrace: Sendable {
    /// A shorter wait is the hand-over itself and would only hide the long ones.
    private static let worthShowing = Duration.milliseconds(1)

    let pool: RedisPool
    let tracer: ServiceTracer
    let read: DatabaseOperation
    let change: DatabaseOperation

    init(_ pool: RedisPool, _ tracer: ServiceTracer, _ conventions: DatabaseConventions) {
        let url = pool.configuration.url
        func operation(_ name: String, _ text: String) -> DatabaseOperation {
            DatabaseOperation(
                system: "redis",
                name: name,
                collection: "cart",
                namespace: "\(url.database)",
                text: text,
                server: url.port.map { (url.address, $0) },
                conventions: conventions
            )
        }
        self.pool = pool
        self.tracer = tracer
        read = operation("HGETALL", "HGETALL ?")
        change = operation("EVALSHA", "EVALSHA ? 2 ? ? ?")
    }

    /// Runs what may be done twice: where the connection is lost meanwhile, which may be that one alone, by another.
    ///
    /// - Throws: What the closure throws, `StorageError`, `CancellationError`.
    func run<Result>(
        _ operation: DatabaseOperation,
        _ attributes: Attributes = [:],
        _ body: nonisolated(nonsending) (_ connection: RedisConnection, _ timeLeft: Duration) async throws -> Result
    ) async throws -> Result {
        do {
            do {
                return try await runOnce(operation, attributes, body)
            } catch let error as RedisError where error.code == .connectionLost {
                return try await runOnce(operation, attributes, body)
            }
        } catch {
            throw Self.translate(error)
        }
    }

    private func runOnce<Result>(
        _ operation: DatabaseOperation,
        _ attributes: Attributes,
        _ body: nonisolated(nonsending) (_ connection: RedisConnection, _ timeLeft: Duration) async throws -> Result
    ) async throws -> Result {
        let wait = beginWait()
        let began = ContinuousClock.now
        var hasConnection = false
        do {
            return try await pool.withConnection { connection, timeLeft in
                hasConnection = true
                // A span that is never ended is never recorded.
                if ContinuousClock.now - began >= Self.worthShowing { wait.end() }
                return try await run(operation, attributes) { try await body(connection, timeLeft) }
            }
        } catch {
            if !hasConnection { fail(wait, Self.translate(error)) }
            throw error
        }
    }

    private func run<Result>(
        _ operation: DatabaseOperation,
        _ attributes: Attributes,
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        let span = tracer.startSpan(operation.spanName, kind: .client, attributes: operation.attributes)
        defer { span.end() }
        // A socket on this machine has an address and no port.
        if pool.configuration.url.port == nil { span.set("server.address", .string(pool.configuration.url.address)) }
        if !attributes.all.isEmpty { span.set(attributes) }
        do {
            return try await body()
        } catch {
            if let error = error as? RedisError { span.fail(error.code.description, error.message) }
            if error is UnreadableCart { span.fail(StorageError.Code.corrupt.name, "The hash is none of a cart.") }
            throw error
        }
    }

    private func beginWait() -> RecordedSpan {
        tracer.startSpan(
            "wait for connection",
            attributes: ["db.client.connection.pool.name": .string(pool.name)]
        )
    }

    private func fail(_ wait: RecordedSpan, _ error: any Error) {
        if let error = error as? StorageError {
            wait.fail(error.code.name, error.detail)
        } else {
            wait.fail("cancelled", "The wait was cancelled.")
        }
        wait.end()
    }

    /// What callers are told; a `CartError` and a cancellation stay what they are.
    static func translate(_ error: any Error) -> any Error {
        switch error {
        case let error as PoolError: StorageError(.poolExhausted, error.description)
        case let error as RedisError: StorageError(code(of: error), error.message)
        case is UnreadableCart: StorageError(.corrupt, "The hash is none of a cart.")
        default: error
        }
    }

    private static func code(of error: RedisError) -> StorageError.Code {
        switch error.code {
        case .decoding, .server("WRONGTYPE"): .corrupt
        case .connectionFailed, .connectionLost, .timeout, .protocolViolation: .unavailable
        default: .failed
        }
    }
}
