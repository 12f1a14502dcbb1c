import ConnectionPool
import Faults
import PostgresClient
import ServiceTracing
import Storage
import Tracing
import UpstreamStorage

/// A service's connections and the tracer that shows what is done with them.
struct TracedPool: Sendable {
    let pool: PostgresPool
    let tracer: ServiceTracer
    let statements: ShopStatements
    let faults: ServiceFaults?

    /// One statement on any connection.
    ///
    /// - Throws: `StorageError`, or `CancellationError`.
    func rows(_ statement: TracedStatement, _ parameters: [PostgresValue]) async throws -> PostgresRows {
        try await withConnection { try await run([TracedStep(statement, parameters)], on: $0)[0] }
    }

    /// Sends all at once. The first of them that can be slowed is, while that fault is on.
    nonisolated(nonsending) func run(
        _ steps: [TracedStep],
        on connection: PostgresConnection
    ) async throws(PostgresError) -> [PostgresRows] {
        guard let slow = slowQuery,
            let index = steps.firstIndex(where: { statements.slowed($0.statement, slow.way) != nil }),
            let slowed = statements.slowed(steps[index].statement, slow.way)
        else { return try await connection.pipeline(steps, tracer) }
        var steps = steps
        var scanned: Int?
        if slow.way == .scan {
            let count = try await connection.execute("SELECT coalesce(max(id), 0) AS count FROM price_history")
            scanned = try? count.first?.read("count", as: Int.self)
        } else {
            steps[index].parameters.append(.int(slow.strength))
        }
        steps[index].statement = slowed
        let begun = ContinuousClock.now
        defer { slow.count(milliseconds: (ContinuousClock.now - begun) / .milliseconds(1)) }
        return try await connection.pipeline(steps, tracer) { step, span in
            guard step == index else { return }
            span.setSlowQuery(milliseconds: (ContinuousClock.now - begun) / .milliseconds(1), rowsScanned: scanned)
        }
    }

    /// How queries of this service are slowed now; nil when they are not.
    var slowQuery: SlowQuery? { isOfWatcher ? nil : SlowQuery(faults) }

    /// Who only watches is neither slowed nor counted.
    private var isOfWatcher: Bool { InstrumentationContext.current?.isSuppressed ?? false }

    /// Lends a connection; the wait for it is shown when it is long.
    ///
    /// - Throws: `StorageError`, `CancellationError`, or what the closure throws and is no error of the engine's.
    nonisolated(nonsending) func withConnection<Result>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let wait = ConnectionWait(for: pool.name, tracer)
        let counted = isOfWatcher ? nil : faults.flatMap { $0[.poolExhaustion] == nil ? nil : $0 }
        var isLent = false
        do {
            return try await pool.withConnection { connection in
                isLent = true
                if wait.end() { counted?.count(.poolExhaustion, milliseconds: wait.milliseconds) }
                do {
                    return try await body(connection)
                } catch let error as PostgresError where error.isOfStalePlans {
                    // Prepared before the schema changed: another connection prepares anew.
                    await connection.close()
                    throw error
                }
            }
        } catch let refusal as OrderRefusal {
            throw refusal
        } catch {
            let isExhausted = !isLent && error is PoolError
            let error = try StorageError.from(error)
            if isExhausted {
                let statistics = pool.statistics
                wait.setExhausted(size: statistics.maximum, rejected: statistics.turnedAway)
                counted?.count(.poolExhaustion, milliseconds: wait.milliseconds, isError: true)
            }
            if !isLent { wait.fail(error.code.name, error.detail) }
            throw error
        }
    }
}

extension PostgresError {
    /// `feature_not_supported` ("cached plan must not change result type") and `invalid_sql_statement_name`.
    fileprivate var isOfStalePlans: Bool { ["0A000", "26000"].contains(sqlState) }

    /// `unique_violation`.
    var isDuplicate: Bool { sqlState == "23505" }
}
