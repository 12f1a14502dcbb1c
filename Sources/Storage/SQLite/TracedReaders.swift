import ConnectionPool
import Faults
import GRDB
import ServiceTracing
import Storage

/// A service's reading connections and the tracer that shows what is done with them.
struct TracedReaders: Sendable {
    /// How long a closure's statements may take.
    enum Work {
        /// A row, or a few by an index: some microseconds. It is done on the caller's thread, unless a fault slows it:
        /// handing it to the connection's queue and back is two wake-ups of a thread, and took several times as long as
        /// the statement.
        case brief
        /// As long as the tables are large. It is done on the connection's own queue, and nobody else waits.
        case open
    }

    let pool: ConnectionPool<Reader>
    let tracer: ServiceTracer
    let conventions: DatabaseConventions
    let faults: ServiceFaults?

    /// Lends a connection to a closure. Each statement sees the last commit before it.
    func read<Result: Sendable>(
        _ work: Work = .open,
        _ body: @escaping @Sendable (Database, StatementTrace) throws -> Result
    ) async throws(StorageError) -> Result {
        let trace = StatementTrace(tracer, conventions, slowedBy: faults)
        let lease = try await lease(trace)
        defer { lease.release() }
        return try await read(lease, trace, work, body)
    }

    /// Runs a closure on a connection that is lent already.
    func read<Result: Sendable>(
        _ lease: Lease<Reader>,
        _ trace: StatementTrace,
        _ work: Work = .open,
        _ body: @escaping @Sendable (Database, StatementTrace) throws -> Result
    ) async throws(StorageError) -> Result {
        do {
            if work == .brief, !trace.isSlowed { return try readHere(lease, trace, body) }
            return try await lease.connection.queue.unsafeRead { db in try body(db, trace) }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    /// The connection is this caller's alone, so that its queue is empty and runs the closure at once, on this thread.
    private func readHere<Result>(
        _ lease: Lease<Reader>,
        _ trace: StatementTrace,
        _ body: (Database, StatementTrace) throws -> Result
    ) throws -> Result {
        try lease.connection.queue.unsafeRead { db in try body(db, trace) }
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
