import Commerce
public import Storage

/// A store of orders, and the catalog whose stock it takes.
public struct OrderSubject: Sendable {
    public let orders: any OrderStore
    public let catalog: any CatalogStore
    /// False for an engine that is where orders would go: its books stay empty.
    public let hasOutbox: Bool

    public init(orders: any OrderStore, catalog: any CatalogStore, hasOutbox: Bool = true) {
        self.orders = orders
        self.catalog = catalog
        self.hasOutbox = hasOutbox
    }

    /// Whether so many orders wait in the outbox, and were all that ever did.
    func expectOutbox(_ count: Int, oldest: Int64? = nil) async throws {
        let counts = try await orders.outboxCounts()
        let wanted = hasOutbox ? count : 0
        try expectEqual([counts.enqueued, counts.pending], [wanted, wanted], "the orders enqueued and pending")
        try expect(counts.balances, "the books balance")
        if let oldest, hasOutbox { try expectEqual(counts.oldestPending, oldest, "the oldest one's date") }
    }

    func stock(_ product: Int) async throws -> Int {
        try some(try await catalog.product(ProductID(product)), "product \(product)").stockQuantity
    }

    /// What an order leaves behind: taken before and after a refusal, the two must be the same.
    func traces() async throws -> Traces {
        Traces(
            stock: try await catalog.products(matching: ProductQuery()).map(\.stockQuantity),
            orders: try await orders.orders(of: nil, limit: 1000),
            popular: try await orders.popularProducts(limit: 100),
            outbox: try await orders.outboxCounts()
        )
    }

    struct Traces: Equatable {
        let stock: [Int]
        let orders: [Order]
        let popular: [PopularProduct]
        let outbox: OutboxCounts
    }
}

/// Makes purchases that differ in nothing but what a case is about.
enum Draft {
    /// Later than every seed order.
    static let date: Int64 = 4_000_000_000_000

    static func order(
        _ items: [(product: Int, quantity: Int)] = [(1, 1)],
        user: String = "user-1",
        at date: Int64 = date,
        currency: Currency = .usd
    ) -> Order {
        var random = SystemRandomNumberGenerator()
        func money(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: currency) }
        let lines = items.map { product, quantity in
            Order.Item(
                productID: ProductID(product),
                productName: "Product \(product)",
                quantity: quantity,
                unitPrice: money(1000),
                lineTotal: money(1000 * Int64(quantity))
            )
        }
        let subtotal = lines.reduce(0) { $0 + $1.lineTotal.minorUnits }
        return Order(
            id: OrderID(milliseconds: UInt64(date), using: &random),
            userID: UserID(rawValue: user),
            status: .placed,
            items: lines,
            subtotal: money(subtotal),
            shipping: money(599),
            total: money(subtotal + 599),
            paymentStatus: "authorized",
            date: date,
            edgeID: "edge-7",
            traceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        )
    }

    static func of(_ order: Order, key: String? = nil, fingerprint: String = "f", restocks: Bool = false) -> OrderDraft
    {
        OrderDraft(
            order: order,
            key: key.map { IdempotencyKey(key: $0, fingerprint: fingerprint) },
            restocks: restocks
        )
    }
}

extension PlacedOrder {
    var isReplay: Bool { if case .replayed = self { true } else { false } }

    var restocked: [Restock] { if case .created(_, let restocked) = self { restocked } else { [] } }
}
