public import Commerce
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
    public func demoMode() async throws -> DemoMode {
        do {
            let rows = try await settings.execute(statements.demoMode.text)
            return try rows.first.flatMap { DemoMode(rawValue: try $0.read("value")) } ?? .normal
        } catch {
            throw try StorageError.from(error)
        }
    }

    public func setDemoMode(_ mode: DemoMode) async throws {
        do {
            try await settings.execute(statements.setDemoMode.text, [.string(mode.rawValue)])
        } catch {
            throw try StorageError.from(error)
        }
    }
}
