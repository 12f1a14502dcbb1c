public import ConnectionPool
public import PostgresClient
public import ServiceTracing
public import Storage
import UpstreamStorage

/// A shop's database on Postgres, shared by all its processes. Nothing is connected before it is needed: a server that is
/// away at the start, or goes and comes back, costs the requests of that time and no restart.
public final class PostgresShop: Sendable {
    let configuration: PostgresConfiguration
    let statements: ShopStatements
    /// For what is polled and shows no span; two, so that a look does not wait for a write.
    private let settings: PostgresPool

    /// - Parameter conventions: Which names the spans of its statements carry.
    public init(_ configuration: PostgresConfiguration, conventions: DatabaseConventions = .both) {
        self.configuration = configuration
        statements = ShopStatements(configuration.url, conventions)
        settings = PostgresPool(configuration, pool: PoolConfiguration(size: 2), name: "settings")
    }

    /// A service's own connections, each with its statements prepared.
    public func pool(_ name: String, _ configuration: PoolConfiguration) -> PostgresPool {
        let texts = statements.prepared
        return PostgresPool(self.configuration, pool: configuration, name: name) { connection in
            if let advice = try await UpstreamMigrator.schemaVersion(connection, .shop).advice(.shop) {
                throw StorageError(.unavailable, advice)
            }
            // A statement is planned once and not before each execution: for an order that was a fifth of what it cost
            // the server. None of them is worth another plan for other values.
            try await connection.executeScript("SET plan_cache_mode TO force_generic_plan")
            try await connection.prepare(texts)
        }
    }

    /// Brings the database up to date and names the steps taken.
    ///
    /// - Parameter now: Milliseconds since 1970; the seed orders lie before it.
    /// - Throws: `PostgresError`, `UpstreamSchemaError`.
    public static func migrate(_ configuration: PostgresConfiguration, now: Int64) async throws -> [String] {
        let connection = try await PostgresConnection.connect(configuration)
        do {
            let taken = try await UpstreamMigrator.migrate(connection, to: .shop, now: now)
            await connection.close()
            return taken
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Hangs up what is not lent.
    public func close() async { await settings.closeIdle() }
}

extension PostgresShop: SettingsStore {
    public func settings(prefix: String) async throws -> [String: String] {
        do {
            let rows = try await settings.execute(statements.settings.text, [.string(prefix)])
            var values: [String: String] = [:]
            for row in rows { values[try row.read("name")] = try row.read("value", as: String.self) }
            return values
        } catch {
            throw try StorageError.from(error)
        }
    }

    public func change(_ changes: [String: String?]) async throws {
        do {
            try await settings.withTransaction { connection in
                // In one order everywhere, so that two hands never wait for each other in a circle.
                for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
                    if let value {
                        try await connection.execute(statements.setSetting.text, [.string(name), .string(value)])
                    } else {
                        try await connection.execute(statements.removeSetting.text, [.string(name)])
                    }
                }
            }
        } catch {
            throw try StorageError.from(error)
        }
    }
}

extension PostgresShop: ScanTable {
    private static let step = 50_000

    public func resizeScanTable(to rows: Int) async throws {
        do {
            let found = try await settings.execute("SELECT coalesce(max(id), 0) AS count FROM price_history")
            var count = try found.first?.read("count", as: Int.self) ?? 0
            if count > rows {
                try await settings.execute("DELETE FROM price_history WHERE id > $1::bigint", [.int(rows)])
            }
            while count < rows {
                try Task.checkCancellation()
                let next = min(rows, count + Self.step)
                try await settings.execute(Self.grow, [.int(count + 1), .int(next)])
                count = next
            }
        } catch {
            throw try StorageError.from(error)
        }
    }

    /// Of replicas that grow it at the same time each finds the other's rows there.
    private static let grow = """
        INSERT INTO price_history (id, product_id, price, note) \
        SELECT n, 1 + n % 21, 10 + n % 997, 'price list ' || n / 21 || ', reviewed, no change' \
        FROM generate_series($1::bigint, $2::bigint) AS n ON CONFLICT (id) DO NOTHING
        """
}
