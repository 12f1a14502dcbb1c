import ConnectionPool
import Faults
import PostgresClient
import PostgresStorage
import PostgresTestSupport
import ServiceTracing
import Storage
import Synchronization
import TestSupport
import Testing

extension Trait where Self == ConditionTrait {
    static var needsPostgres: Self { .enabled(if: TestServer.url != nil, "\(TestServer.missing)") }
}

/// All that need a server.
@Suite("A shop on Postgres", .needsPostgres, .timeLimit(.minutes(15))) struct WithPostgres {}

/// A shop in a database of its own.
struct PostgresTestShop: Sendable {
    let configuration: PostgresConfiguration
    let database: PostgresShop
    let pool: PostgresPool
    let catalog: PostgresCatalogStore
    let orders: PostgresOrderStore
    let spans = SpanCollector()
    let faults = ServiceFaults("checkout", LiveFaults())

    init(_ configuration: PostgresConfiguration, pool size: PoolConfiguration) {
        self.configuration = configuration
        database = PostgresShop(configuration)
        pool = database.pool("checkout", size)
        let tracer = ServiceTracer("checkout", spans)
        catalog = PostgresCatalogStore(database, pool: pool, tracer: tracer, faults: faults)
        orders = PostgresOrderStore(database, pool: pool, tracer: tracer, faults: faults)
    }

    func close() async {
        await pool.closeIdle()
        await database.close()
    }
}

/// A migrated database, and copies of it.
final class Template: Sendable {
    static let now: Int64 = 1_769_860_800_000

    private let name: String
    private let administrator: PostgresConnection
    private let shops = Mutex<[(name: String, shop: PostgresTestShop)]>([])

    /// Lends one for as long as the closure runs; its copies go with it.
    static func with(_ body: (Template) async throws -> Void) async throws {
        try await TestServer.withDatabaseNamed { name in
            let configuration = try TestServer.configuration("dbname=\(name)")
            _ = try await PostgresShop.migrate(configuration, now: now)
            let template = Template(name, try await TestServer.connect())
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(template)) } catch { outcome = .failure(error) }
            try await template.drop()
            try outcome.get()
        }
    }

    private init(_ name: String, _ administrator: PostgresConnection) {
        (self.name, self.administrator) = (name, administrator)
    }

    func shop(
        pool: PoolConfiguration = PoolConfiguration(size: 8, acquireTimeout: .seconds(120))
    ) async throws -> PostgresTestShop {
        let copy = "\(name)_\(shops.withLock { $0.count })"
        try await administrator.executeScript("CREATE DATABASE \(copy) TEMPLATE \(name)")
        let shop = PostgresTestShop(try TestServer.configuration("dbname=\(copy)"), pool: pool)
        shops.withLock { $0.append((copy, shop)) }
        return shop
    }

    private func drop() async throws {
        for (name, shop) in shops.withLock({ $0 }) {
            await shop.close()
            try await administrator.executeScript("DROP DATABASE \(name) WITH (FORCE)")
        }
        await administrator.close()
    }
}
