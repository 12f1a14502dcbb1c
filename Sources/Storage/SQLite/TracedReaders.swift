import ConnectionPool
import Faults
import GRDB
import ServiceTracing
import Storage

/// A service's reading connections and the tracer that shows what is done with them.
struct TracedReaders: Sendable {
    let pool: ConnectionPool<Reader>
    let tracer: ServiceTracer
    let conventions: DatabaseConventions
    let faults: ServiceFaults?

    /// Lends a connection to a closure on the connection's own queue. Each statement sees the last commit before it.
    func read<Result: Sendable>(
        _ body: @escaping @Sendable (Database, StatementTrace) throws -> Result
    ) async throws(StorageError) -> Result {
        let trace = StatementTrace(tracer, conventions, slowedBy: faults)
        let lease = try await lease(trace)
        defer { lease.release() }
        return try await read(lease, trace, body)
    }

    /// Runs a closure on a connection that is lent already.
    func read<Result: Sendable>(
        _ lease: Lease<Reader>,
        _ trace: StatementTrace,
        _ body: @escaping @Sendable (Database, StatementTrace) throws -> Result
    ) async throws(StorageError) -> Result {
        do {
            return try await lease.connection.queue.unsafeRead { db in try body(db, trace) }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    /// A connection, to be released; the wait for it is shown when it is long.
    func lease(_ trace: StatementTrace) async throws(StorageError) -> Lease<Reader> {
        if let lease = pool.leaseIfIdle() { return lease }
        let counted = trace.isOfWatcher ? nil : faults.flatMap { $0[.poolExhaustion] == nil ? nil : $0 }
        let wait = trace.beginWait(pool.name)
        do {
            let lease = try await pool.lease()
            if wait.end() { counted?.count(.poolExhaustion, milliseconds: wait.milliseconds) }
            return lease
        } catch {
            if error is PoolError {
                wait.setExhausted(size: pool.statistics.maximum, rejected: pool.statistics.turnedAway)
                counted?.count(.poolExhaustion, milliseconds: wait.milliseconds, isError: true)
            }
            let poolError = (error as? PoolError).map { StorageError(.poolExhausted, $0.description) }
            let error = poolError ?? StorageError(sqlite: error, path: "shop")
            wait.fail(error.code.name, error.detail)
            throw error
        }
    }
}
