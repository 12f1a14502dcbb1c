import Commerce
import ConnectionPool
import PostgresClient
import PostgresTestSupport
import ServiceTracing
import Storage
import TestSupport
import Testing
import Tracing

@testable import PostgresStorage

extension WithPostgres {
    /// Orders that share a transaction. One after the other, since each has a dozen connections.
    @Suite(.serialized) struct OrderGroupTests {
        @Test func `orders that wait at the same moment share a transaction, and each has its own spans`() async throws
        {
            try await Template.with { template in
                let shop = try await template.shop(pool: Self.pool)
                let outcomes = try await shop.together((0..<6).map { _ in .draft(3) })
                #expect(outcomes.allSatisfy { $0.isCreated })
                // The two that were there first are a group each, and the six behind them one.
                let sizes = shop.spans.named("COMMIT").compactMap { $0.int("popshop.commit.group_size") }
                #expect(sizes.sorted() == [1, 1, 6, 6, 6, 6, 6, 6])
                let requests = shop.spans.named("request")
                #expect(requests.count == 8)
                for request in requests {
                    let statements = shop.spans.spans.filter {
                        $0.kind == .client && $0.parentSpanID == request.context.spanID
                    }
                    #expect(
                        statements.map(\.name)
                            == ["SELECT products", "UPDATE products", "INSERT orders", "INSERT order_items", "COMMIT"]
                    )
                    let size = statements.last?.int("popshop.commit.group_size")
                    #expect(statements.allSatisfy { $0.int("db.operation.batch.size") == (size == 1 ? nil : size) })
                }
                #expect(try await shop.catalog.product(ProductID(3))?.stockQuantity == 500 - 8)
                #expect(shop.pool.statistics.active == 0)
            }
        }

        @Test func `an order that is refused in a group is refused alone`() async throws {
            try await Template.with { template in
                let shop = try await template.shop(pool: Self.pool)
                let outcomes = try await shop.together([
                    .draft(7, quantity: 16), .draft(7, quantity: 15), .draft(7), .draft(999), .draft(3, user: "user-9"),
                ])
                #expect(
                    outcomes.map(\.refusal) == [
                        .outOfStock(ProductID(7), available: 15), nil, .outOfStock(ProductID(7), available: 0),
                        .unknownProduct(ProductID(999)), nil,
                    ]
                )
                #expect(try await shop.catalog.product(ProductID(7))?.stockQuantity == 0)
                #expect(try await shop.orders.orders(of: UserID(rawValue: "user-9"), limit: 9).count == 1)
            }
        }

        @Test func `an order that the server refuses takes no other with it`() async throws {
            try await Template.with { template in
                let shop = try await template.shop(pool: Self.pool)
                let first = OrderDraft.draft(1)
                _ = try await shop.orders.place(first)
                let twin = OrderDraft.draft(1, user: "twin", id: first.order.id)
                let outcomes = try await shop.together([.draft(3), twin, .draft(3), .draft(4)])
                #expect(outcomes.map(\.isCreated) == [true, false, true, true])
                #expect(try await shop.orders.orders(of: UserID(rawValue: "twin"), limit: 9).isEmpty)
                #expect(try await shop.catalog.product(ProductID(3))?.stockQuantity == 500 - 4)
                #expect(try await shop.catalog.product(ProductID(1))?.stockQuantity == 50 - 1)
            }
        }

        @Test func `one key in a group makes one order`() async throws {
            try await Template.with { template in
                let shop = try await template.shop(pool: Self.pool)
                var drafts = (0..<3).map { _ in OrderDraft.draft(3, key: "k") }
                drafts.append(.draft(3, key: "k", fingerprint: "another"))
                drafts.append(.draft(3, key: "l"))
                let outcomes = try await shop.together(drafts)
                #expect(outcomes.map(\.isCreated) == [true, false, false, false, true])
                #expect(Set(outcomes[0...2].compactMap { try? $0.get().order.id }).count == 1)
                #expect(outcomes[3].refusal == .keyReused)
                #expect(try await shop.catalog.product(ProductID(3))?.stockQuantity == 500 - 4)
            }
        }

        @Test func `a server that hangs up on a group does not hold up the next`() async throws {
            try await Template.with { template in
                let shop = try await template.shop(pool: Self.pool)
                let outcomes = try await shop.together([.draft(3), .draft(3)], hangingUp: true)
                #expect(outcomes.map(\.isCreated) == [true, true])
                #expect(try await shop.orders.place(.draft(3)).order.items.first?.productID == ProductID(3))
                #expect(try await shop.catalog.product(ProductID(3))?.stockQuantity == 500 - 3)
            }
        }

        private static let pool = PoolConfiguration(size: 8, acquireTimeout: .seconds(120))
    }
}

extension PostgresTestShop {
    /// Places drafts so that they are one group: two others stand before them, held up by a lock on their product.
    ///
    /// - Parameter hangingUp: The server hangs up on those two, in place of giving them the lock.
    fileprivate func together(
        _ drafts: [OrderDraft],
        hangingUp: Bool = false
    ) async throws -> [Result<PlacedOrder, any Error>] {
        let locker = try await PostgresConnection.connect(configuration)
        try await locker.executeScript("BEGIN; SELECT id FROM products WHERE id = 3 FOR UPDATE")
        let first = [place(.draft(3)), place(.draft(3))]
        let watcher = try await PostgresConnection.connect(configuration)
        let held = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while try await watcher.execute("SELECT count(*) AS n \(held)").only().read("n", as: Int.self) < 2 {}
        var others: [Task<PlacedOrder, any Error>] = []
        for (index, draft) in drafts.enumerated() {
            others.append(place(draft))
            // In this order.
            while orders.committer.waiting <= index { await Task.yield() }
        }
        if hangingUp { try await watcher.execute("SELECT pg_terminate_backend(pid) \(held)") }
        try await locker.executeScript("COMMIT")
        for task in first {
            let outcome = await task.result
            #expect(outcome.isCreated != hangingUp)
        }
        var outcomes: [Result<PlacedOrder, any Error>] = []
        for task in others { outcomes.append(await task.result) }
        await locker.close()
        await watcher.close()
        return outcomes
    }

    private func place(_ draft: OrderDraft) -> Task<PlacedOrder, any Error> {
        Task {
            try await ServiceTracer("test", spans).withSpan("request", kind: .server) { _ in
                try await orders.place(draft)
            }
        }
    }
}

extension Result where Success == PlacedOrder {
    fileprivate var isCreated: Bool { if case .success(.created) = self { true } else { false } }

    fileprivate var refusal: OrderRefusal? {
        if case .failure(let error) = self { error as? OrderRefusal } else { nil }
    }
}

extension OrderDraft {
    fileprivate static func draft(
        _ product: Int,
        quantity: Int = 1,
        user: String = "user-1",
        key: String? = nil,
        fingerprint: String = "f",
        id: OrderID? = nil
    ) -> OrderDraft {
        var random = SystemRandomNumberGenerator()
        let total = Money(minorUnits: 1000 * Int64(quantity), currency: .usd)
        let item = Order.Item(
            productID: ProductID(product),
            productName: "Product",
            quantity: quantity,
            unitPrice: Money(minorUnits: 1000, currency: .usd),
            lineTotal: total
        )
        let order = Order(
            id: id ?? OrderID(milliseconds: 1_700_000_000_000, using: &random),
            userID: UserID(rawValue: user),
            status: .placed,
            items: [item],
            subtotal: total,
            shipping: .zero(.usd),
            total: total,
            paymentStatus: "authorized",
            date: 1_700_000_000_000,
            edgeID: nil,
            traceParent: nil
        )
        return OrderDraft(
            order: order,
            key: key.map { IdempotencyKey(key: $0, fingerprint: fingerprint) },
            restocks: false
        )
    }
}
