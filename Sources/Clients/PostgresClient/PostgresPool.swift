public import ConnectionPool

/// Connections to one Postgres, lent by closure. One that is broken, or is given back with a transaction open, is not
/// lent again.
public final class PostgresPool: Sendable {
    public let configuration: PostgresConfiguration
    private let pool: ConnectionPool<PostgresConnection>
    private let size: Int

    /// - Parameter setUp: What is done with each new connection before it is lent.
    public init(
        _ configuration: PostgresConfiguration,
        pool: PoolConfiguration = PoolConfiguration(),
        name: String = "postgres",
        setUp: (@Sendable (PostgresConnection) async throws -> Void)? = nil
    ) {
        self.configuration = configuration
        size = pool.size
        self.pool = ConnectionPool(name: name, configuration: pool) {
            let connection = try await PostgresConnection.connect(configuration)
            do {
                try await setUp?(connection)
            } catch {
                await connection.close()
                throw error
            }
            return connection
        }
    }

    /// As `db.client.connection.pool.name` on spans.
    public var name: String { pool.name }

    /// As `ConnectionPool` counts it.
    public var statistics: PoolStatistics { pool.statistics }

    /// Lends a connection to the closure, made when there is none; one that the server has left meanwhile is replaced.
    ///
    /// - Throws: `PoolError`, `PostgresError`, `CancellationError` from waiting in line, or what the closure throws.
    public nonisolated(nonsending) func withConnection<Result>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let lease = try await lease()
        defer { giveBack(lease) }
        return try await body(lease.connection)
    }

    /// Lends a connection with a transaction open; see `PostgresConnection.withTransaction`.
    public nonisolated(nonsending) func withTransaction<Result>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await withConnection { try await $0.withTransaction(body) }
    }

    /// One statement on any connection.
    @discardableResult
    public func execute(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> PostgresRows {
        try await withConnection { try await $0.execute(sql, parameters) }
    }

    /// Takes a connection without a use for it, until the closure that is returned is called: for showing an empty pool.
    ///
    /// - Throws: As `withConnection`.
    public func hold() async throws -> @Sendable () -> Void {
        let lease = try await lease()
        return { self.giveBack(lease) }
    }

    /// Hangs up what is not lent. The pool can be used again afterwards.
    public func closeIdle() async {
        while let lease = pool.leaseIfIdle() {
            await lease.connection.close()
            lease.discard()
        }
    }

    private nonisolated(nonsending) func lease() async throws -> Lease<PostgresConnection> {
        // At most all of them are stale, and the one after those is new.
        for _ in 0..<size {
            let lease = try await pool.lease()
            if lease.connection.isReusable { return lease }
            if await lease.connection.readUnasked() { return lease }
            lease.connection.closeSoon()
            lease.discard()
        }
        return try await pool.lease()
    }

    private func giveBack(_ lease: Lease<PostgresConnection>) {
        if lease.connection.isIdle { return lease.release() }
        lease.connection.closeSoon()
        lease.discard()
    }
}
