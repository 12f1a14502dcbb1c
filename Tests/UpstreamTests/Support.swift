import Commerce
import PostgresClient
import PostgresTestSupport
import ServiceTracing
import Storage
import TestSupport
import Testing
import UpstreamStorage

extension Trait where Self == ConditionTrait {
    static var needsPostgres: Self { .enabled(if: TestServer.url != nil, "\(TestServer.missing)") }
}

/// All that need a server.
@Suite("Pushing to a Postgres", .needsPostgres, .timeLimit(.minutes(15))) struct WithPostgres {}

/// A migrated upstream for the length of a test.
final class UpstreamBench: Sendable {
    static let now: Int64 = 1_769_860_800_000

    let name: String
    let configuration: PostgresConfiguration
    let spans = SpanCollector()
    /// To look at what has happened.
    let watcher: PostgresConnection

    static func with(migrated: Bool = true, _ body: (UpstreamBench) async throws -> Void) async throws {
        try await TestServer.withDatabaseNamed { name in
            let configuration = try TestServer.configuration("dbname=\(name)")
            let watcher = try await PostgresConnection.connect(configuration)
            if migrated { _ = try await UpstreamMigrator.migrate(watcher, now: now) }
            try await body(UpstreamBench(name, configuration, watcher))
            await watcher.close()
        }
    }

    private init(_ name: String, _ configuration: PostgresConfiguration, _ watcher: PostgresConnection) {
        (self.name, self.configuration, self.watcher) = (name, configuration, watcher)
    }

    func upstream(_ configuration: PostgresConfiguration? = nil) -> PostgresOrderUpstream {
        PostgresOrderUpstream(configuration ?? self.configuration, tracer: ServiceTracer("sync", spans))
    }

    func setStock(_ product: Int, _ quantity: Int) async throws {
        try await watcher.execute(
            "UPDATE products SET stock_quantity = $1 WHERE id = $2",
            [.int(quantity), .int(product)]
        )
    }

    func stock(_ product: Int) async throws -> Int {
        try await count("SELECT stock_quantity FROM products WHERE id = \(product)")
    }

    /// The one number that a query answers.
    func count(_ sql: String) async throws -> Int {
        try await watcher.execute("SELECT (\(sql))::bigint AS n").only().read("n")
    }

    /// Orders of booths, receipts, and how many items they have.
    func books() async throws -> [Int] {
        [
            try await count("SELECT count(*) FROM orders WHERE edge_id IS NOT NULL"),
            try await count("SELECT count(*) FROM receipts"),
            try await count(
                "SELECT count(*) FROM order_items i JOIN orders o ON o.id = i.order_id WHERE o.edge_id IS NOT NULL"
            ),
        ]
    }
}

/// An order of a booth.
func anOrder(
    _ items: [(product: Int, quantity: Int)] = [(1, 1)],
    id: OrderID? = nil,
    user: String = "user-1",
    edge: String = "edge-1",
    currency: Currency = .usd,
    shipping: Int64 = 599
) -> Order {
    var random = SystemRandomNumberGenerator()
    func money(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: currency) }
    let lines = items.map { product, quantity in
        Order.Item(
            productID: ProductID(product),
            productName: "Product \(product)",
            quantity: quantity,
            unitPrice: money(1234),
            lineTotal: money(1234 * Int64(clamping: quantity))
        )
    }
    let subtotal = lines.reduce(0) { $0 + $1.lineTotal.minorUnits }
    return Order(
        id: id ?? OrderID(milliseconds: UInt64(UpstreamBench.now), using: &random),
        userID: UserID(rawValue: user),
        status: .placed,
        items: lines,
        subtotal: money(subtotal),
        shipping: money(shipping),
        total: money(subtotal + shipping),
        paymentStatus: "authorized",
        date: UpstreamBench.now + 123,
        edgeID: edge,
        traceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    )
}

extension PostgresOrderUpstream {
    /// What became of orders of which none has to wait.
    func outcomes(_ orders: [Order]) async throws -> [OrderOutcome] {
        try await push(orders).map { try #require($0.outcome) }
    }
}

func failure(_ body: () async throws -> Void) async -> OrderUpstreamError? {
    do { try await body() } catch { return error as? OrderUpstreamError }
    return nil
}
