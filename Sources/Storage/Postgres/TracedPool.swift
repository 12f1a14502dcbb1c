import PostgresClient
import ServiceTracing
import Storage
import UpstreamStorage

/// A service's connections and the tracer that shows what is done with them.
struct TracedPool: Sendable {
    typealias Step = (statement: TracedStatement, parameters: [PostgresValue])

    let pool: PostgresPool
    let tracer: ServiceTracer

    /// One statement on any connection.
    ///
    /// - Throws: `StorageError`, or `CancellationError`.
    func rows(_ statement: TracedStatement, _ parameters: [PostgresValue]) async throws -> PostgresRows {
        try await withConnection { try await $0.pipeline([(statement, parameters)], tracer)[0] }
    }

    /// Lends a connection; the wait for it is shown when it is long.
    ///
    /// - Throws: `StorageError`, `CancellationError`, or what the closure throws and is no error of the engine's.
    nonisolated(nonsending) func withConnection<Result>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let wait = ConnectionWait(for: pool.name, tracer)
        var isLent = false
        do {
            return try await pool.withConnection { connection in
                isLent = true
                wait.end()
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
            let error = try StorageError.from(error)
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
