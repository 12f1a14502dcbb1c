public import ConnectionPool

/// Connections to one Redis, lent by closure. One that is broken, or that the server has left, is not lent again.
public final class RedisPool: Sendable {
    public let configuration: RedisConfiguration
    private let pool: ConnectionPool<RedisConnection>
    private let size: Int

    /// - Parameters:
    ///   - size: The most connections.
    ///   - maximumWaiting: The most who wait for one, for half of the configuration's time-out at most.
    ///   - name: As `db.client.connection.pool.name` on spans.
    public init(
        _ configuration: RedisConfiguration,
        size: Int = 8,
        maximumWaiting: Int = 1024,
        name: String = "redis"
    ) {
        self.configuration = configuration
        let bounds = PoolConfiguration(
            size: size,
            maximumWaiting: maximumWaiting,
            acquireTimeout: configuration.timeout / 2
        )
        self.size = bounds.size
        pool = ConnectionPool(name: name, configuration: bounds) { try await RedisConnection.connect(configuration) }
    }

    /// As `db.client.connection.pool.name` on spans.
    public var name: String { pool.name }

    /// As `ConnectionPool` counts it.
    public var statistics: PoolStatistics { pool.statistics }

    /// Lends a connection to the closure, made when there is none, and says how much of the time-out is left; one that
    /// the server has left meanwhile is replaced.
    ///
    /// - Throws: `PoolError`, `RedisError`, `CancellationError` from waiting in line, or what the closure throws.
    public nonisolated(nonsending) func withConnection<Result>(
        _ body: nonisolated(nonsending) (_ connection: RedisConnection, _ timeLeft: Duration) async throws -> Result
    ) async throws -> Result {
        let deadline = ContinuousClock.now + configuration.timeout
        let lease = try await lease()
        defer { giveBack(lease) }
        return try await body(lease.connection, max(deadline - .now, configuration.timeout / 4))
    }

    /// One command on any connection.
    ///
    /// - Throws: As `withConnection`.
    @discardableResult
    public func execute(_ command: RedisCommand) async throws -> RedisReply {
        try await withConnection { try await $0.execute(command, timeout: $1) }
    }

    /// Hangs up what is not lent. The pool can be used again afterwards.
    public func closeIdle() async {
        while let lease = pool.leaseIfIdle() {
            await lease.connection.close()
            lease.discard()
        }
    }

    private nonisolated(nonsending) func lease() async throws -> Lease<RedisConnection> {
        // At most all of them are stale, and the one after those is new.
        for _ in 0..<size {
            let lease = try await pool.lease()
            if lease.connection.isReusable { return lease }
            discard(lease)
        }
        return try await pool.lease()
    }

    private func giveBack(_ lease: Lease<RedisConnection>) {
        if lease.connection.isReusable { lease.release() } else { discard(lease) }
    }

    private func discard(_ lease: Lease<RedisConnection>) {
        lease.connection.closeSoon()
        lease.discard()
    }
}
