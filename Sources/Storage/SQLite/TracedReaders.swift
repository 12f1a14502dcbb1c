import ConnectionPool
import GRDB
import ServiceTracing
import Storage

/// A service's reading connections and the tracer that shows what is done with them.
struct TracedReaders: Sendable {
    let pool: ConnectionPool<Reader>
    let tracer: ServiceTracer
    let conventions: DatabaseConventions

    /// Lends a connection to a closure on the connection's own queue. Each statement sees the last commit before it.
    func read<Result: Sendable>(
        _ body: @escaping @Sendable (Database, StatementTrace) throws -> Result
    ) async throws(StorageError) -> Result {
        let trace = StatementTrace(tracer, conventions)
        let lease = try await lease(trace)
        defer { lease.release() }
        do {
            return try await lease.connection.queue.unsafeRead { db in try body(db, trace) }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    private func lease(_ trace: StatementTrace) async throws(StorageError) -> Lease<Reader> {
        if let lease = pool.leaseIfIdle() { return lease }
        let wait = trace.beginWait(pool.name)
        do {
            let lease = try await pool.lease()
            wait.end()
            return lease
        } catch {
            let poolError = (error as? PoolError).map { StorageError(.poolExhausted, $0.description) }
            let error = poolError ?? StorageError(sqlite: error, path: "shop")
            wait.fail(error.code.name, error.detail)
            throw error
        }
    }
}
