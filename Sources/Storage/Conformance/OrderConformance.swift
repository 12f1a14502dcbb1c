import Commerce
import Storage

/// What every `OrderStore` does, on the seed data.
public enum OrderConformance {
    public static let suite = ConformanceSuite<OrderSubject>(reading + placing + keys)

    private typealias Case = ConformanceSuite<OrderSubject>.Case

    private static let reading: [Case] = [
        Case(name: "the 10 seeded orders are there, and not in the outbox") { subject in
            let orders = try await subject.orders.orders(of: nil, limit: 100)
            try expectEqual(orders.count, 10, "the number of orders")
            for order in orders {
                try expectEqual(order.edgeID, nil, "a seed order's edge")
                try expectEqual(order.items.count, 1, "a seed order's lines")
                try expectEqual(try await subject.orders.order(order.id), order, "the same order by its id")
            }
            try expectEqual(try await subject.orders.outboxCounts(), OutboxCounts(), "the outbox")
            let first = try some(orders.first { $0.userID.rawValue == "user-1004" }, "order of user-1004")
            try expectEqual(first.items.first?.productID, ProductID(14), "its product")
            try expectEqual(first.items.first?.quantity, 2, "its quantity")
        },
        Case(name: "an unknown order is none") { subject in
            try expectEqual(try await subject.orders.order(Draft.order().id), nil, "an id never used")
        },
        Case(name: "orders come newest first, of one shopper or of all") { subject in
            var made: [Order] = []
            for offset in [5, 1, 9, 3] {
                made.append(Draft.order(user: "user-a", at: Draft.date + Int64(offset)))
            }
            let other = Draft.order(user: "user-b", at: Draft.date + 4)
            for order in made + [other] { _ = try await subject.orders.place(Draft.of(order)) }
            let wanted = made.sorted { $0.date > $1.date }
            let ofUser = try await subject.orders.orders(of: UserID(rawValue: "user-a"), limit: 100)
            try expectEqual(ofUser, wanted, "the orders of user-a")
            let two = try await subject.orders.orders(of: UserID(rawValue: "user-a"), limit: 2)
            try expectEqual(two, Array(wanted.prefix(2)), "the newest two")
            let all = try await subject.orders.orders(of: nil, limit: 100)
            try expectEqual(Array(all.prefix(5)), (made + [other]).sorted { $0.date > $1.date }, "the newest of all")
            try expectEqual(all.count, 15, "the number of all")
            try expectEqual(all.map(\.date), all.map(\.date).sorted(by: >), "the dates of all")
        },
        Case(name: "the most ordered products come first, then by id") { subject in
            let seeded = try await subject.orders.popularProducts(limit: 100)
            try expectEqual(
                seeded.map { [$0.id.rawValue, $0.orderCount] },
                [[1, 3], [4, 2], [14, 2], [15, 2], [10, 1]],
                "the seeded popularity"
            )
            for _ in 0..<3 { _ = try await subject.orders.place(Draft.of(Draft.order([(10, 2), (21, 1)]))) }
            let popular = try await subject.orders.popularProducts(limit: 3)
            try expectEqual(popular.map(\.id.rawValue), [10, 1, 21], "the three most popular")
            try expectEqual(popular.map(\.orderCount), [4, 3, 3], "their counts")
            try expectEqual(popular.first?.name, "Coffee Maker", "the first one's name")
            try expectEqual(try await subject.orders.popularProducts(limit: 0), [], "none of them")
        },
    ]

    private static let placing: [Case] = [
        Case(name: "an order is read back as it was placed") { subject in
            for currency in Currency.allCases {
                let order = Draft.order([(3, 2), (2, 1)], currency: currency)
                let placed = try await subject.orders.place(Draft.of(order))
                try expectEqual(placed, .created(order, restocked: []), "what was placed")
                try expectEqual(try await subject.orders.order(order.id), order, "what was read")
            }
        },
        Case(name: "an order takes its stock and enters the outbox") { subject in
            let order = Draft.order([(1, 3), (2, 10)])
            _ = try await subject.orders.place(Draft.of(order))
            try expectEqual([try await subject.stock(1), try await subject.stock(2)], [47, 190], "the stock")
            try await subject.expectOutbox(1, oldest: order.date)
        },
        Case(name: "an order for all of the stock empties the shelf, and one more is refused") { subject in
            _ = try await subject.orders.place(Draft.of(Draft.order([(7, 15)])))
            try expectEqual(try await subject.stock(7), 0, "the stock")
            try await expectThrown(OrderRefusal.outOfStock(ProductID(7), available: 0)) {
                try await subject.orders.place(Draft.of(Draft.order([(7, 1)])))
            }
        },
        Case(name: "a refused order leaves nothing") { subject in
            let before = try await subject.traces()
            let order = Draft.order([(1, 1), (2, 5), (7, 16)])
            try await expectThrown(OrderRefusal.outOfStock(ProductID(7), available: 15)) {
                try await subject.orders.place(Draft.of(order, key: "k"))
            }
            try expectEqual(try await subject.traces(), before, "what is stored")
            try expectEqual(try await subject.orders.order(order.id), nil, "the order")
            let key = IdempotencyKey(key: "k", fingerprint: "another")
            try expectEqual(try await subject.orders.order(forKey: key), nil, "the order of the key")
            _ = try await subject.orders.place(Draft.of(Draft.order(), key: "k", fingerprint: "another"))
            try await subject.expectOutbox(1)
        },
        Case(name: "an order for an unknown product leaves nothing") { subject in
            let before = try await subject.traces()
            for restocks in [true, false] {
                try await expectThrown(OrderRefusal.unknownProduct(ProductID(999))) {
                    try await subject.orders.place(Draft.of(Draft.order([(1, 1), (999, 1)]), restocks: restocks))
                }
            }
            try expectEqual(try await subject.traces(), before, "what is stored")
        },
        Case(name: "a restock brings whole deliveries, as many as the order needs") { subject in
            // 15 are there and 15 a delivery: 40 need two more.
            let placed = try await subject.orders.place(Draft.of(Draft.order([(7, 40)]), restocks: true))
            try expectEqual(placed.restocked, [Restock(productID: ProductID(7), quantity: 30)], "the delivery")
            try expectEqual(try await subject.stock(7), 5, "the stock")
            let exact = try await subject.orders.place(Draft.of(Draft.order([(7, 20)]), restocks: true))
            try expectEqual(exact.restocked, [Restock(productID: ProductID(7), quantity: 15)], "the exact delivery")
            try expectEqual(try await subject.stock(7), 0, "the stock after the exact one")
            let most = try await subject.orders.place(Draft.of(Draft.order([(7, 10_000)]), restocks: true))
            try expectEqual(most.restocked, [Restock(productID: ProductID(7), quantity: 10_005)], "667 deliveries")
            let enough = try await subject.orders.place(Draft.of(Draft.order([(7, 5)]), restocks: true))
            try expectEqual(enough.restocked, [], "no delivery where there is enough")
        },
        Case(name: "200 concurrent orders of one product never take what is not there") { subject in
            let outcomes = try await concurrently(200) { _ in
                do {
                    _ = try await subject.orders.place(Draft.of(Draft.order([(1, 1)])))
                    return true
                } catch OrderRefusal.outOfStock(ProductID(1), available: 0) {
                    return false
                }
            }
            try expectEqual(outcomes.count { $0 }, 50, "the orders taken of a stock of 50")
            try expectEqual(try await subject.stock(1), 0, "the stock")
            try await subject.expectOutbox(50)
        },
        Case(name: "200 concurrent orders with restocking are all taken, and the stock adds up") { subject in
            let delivered = try await concurrently(200) { _ in
                let placed = try await subject.orders.place(Draft.of(Draft.order([(7, 2)]), restocks: true))
                return placed.restocked.reduce(0) { $0 + $1.quantity }
            }
            try expectEqual(try await subject.stock(7), 15 + delivered.reduce(0, +) - 400, "the stock")
            try expect(try await subject.orders.outboxCounts().balances, "the books balance")
        },
        Case(name: "names that look like SQL are names") { subject in
            for user in ["'; DROP TABLE orders; --", "' OR '1'='1", "%", "\"", "\\", "üser 商 🎧", "user-_"] {
                let order = Draft.order(user: user)
                _ = try await subject.orders.place(Draft.of(order, key: user, fingerprint: user))
                let found = try await subject.orders.orders(of: UserID(rawValue: user), limit: 100)
                try expectEqual(found, [order], "the orders of \(user)")
                let byKey = try await subject.orders.order(
                    forKey: IdempotencyKey(key: user, fingerprint: user)
                )
                try expectEqual(byKey, order, "the order of the key \(user)")
            }
        },
    ]

    private static let keys: [Case] = [
        Case(name: "a key used again gives the first order and writes nothing") { subject in
            let first = Draft.order([(1, 2)])
            _ = try await subject.orders.place(Draft.of(first, key: "k"))
            let before = try await subject.traces()
            let again = try await subject.orders.place(Draft.of(Draft.order([(1, 2)]), key: "k"))
            try expectEqual(again, .replayed(first), "the second answer")
            try expectEqual(try await subject.traces(), before, "what is stored")
            let key = IdempotencyKey(key: "k", fingerprint: "f")
            try expectEqual(try await subject.orders.order(forKey: key), first, "the order of the key")
        },
        Case(name: "a key used again with another request is refused") { subject in
            _ = try await subject.orders.place(Draft.of(Draft.order(), key: "k"))
            let before = try await subject.traces()
            try await expectThrown(OrderRefusal.keyReused) {
                try await subject.orders.place(Draft.of(Draft.order(), key: "k", fingerprint: "g"))
            }
            try await expectThrown(OrderRefusal.keyReused) {
                try await subject.orders.order(forKey: IdempotencyKey(key: "k", fingerprint: "g"))
            }
            try expectEqual(try await subject.traces(), before, "what is stored")
        },
        Case(name: "a key never used has no order") { subject in
            let key = IdempotencyKey(key: "k", fingerprint: "f")
            try expectEqual(try await subject.orders.order(forKey: key), nil, "the order of the key")
        },
        Case(name: "concurrent requests with one key make one order") { subject in
            let placed = try await concurrently(20) { _ in
                try await subject.orders.place(Draft.of(Draft.order([(1, 1)]), key: "k"))
            }
            try expectEqual(placed.count { !$0.isReplay }, 1, "the orders created")
            try expectEqual(Set(placed.map(\.order.id)).count, 1, "the orders answered")
            try expectEqual(try await subject.stock(1), 49, "the stock")
            try await subject.expectOutbox(1)
        },
    ]

    private static func concurrently<Result: Sendable>(
        _ count: Int,
        _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: Result.self) { group in
            for index in 0..<count { group.addTask { try await body(index) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
