import Commerce
import GRDB
import ServiceTracing
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

/// The waiting end of the orders on SQLite.
struct OutboxTests {
    @Test func `orders wait in the order in which they were placed, with their items`() async throws {
        let shop = try SQLiteShop()
        let orders = try await shop.place(12)
        let outbox = try shop.database.outbox()
        let pending = try await outbox.pending(limit: 10)
        #expect(pending.map(\.order) == orders.prefix(10).map { $0 })
        #expect(try await outbox.pending(limit: 100).map(\.id) == orders.map(\.id))
        try await shop.database.close()
    }

    @Test func `what the upstream has decided is the order's status, and the books balance`() async throws {
        let shop = try SQLiteShop()
        let orders = try await shop.place(5)
        let outbox = try shop.database.outbox()
        let outcomes: [OrderOutcome] = [
            .accepted, .backordered, .rejected(reason: "No such product."), .quarantined(reason: "Another payload."),
        ]
        try await outbox.settle(zip(orders, outcomes).map { OrderSettlement(id: $0.id, outcome: $1) })
        var statuses: [Order.Status?] = []
        for order in orders { statuses.append(try await shop.orders.order(order.id)?.status) }
        #expect(statuses == [.accepted, .backordered, .rejected, .placed, .placed])
        let counts = try await outbox.outboxCounts()
        #expect(counts.balances)
        #expect(
            [counts.pending, counts.accepted, counts.backordered, counts.rejected, counts.quarantined] == [
                1, 1, 1, 1, 1,
            ]
        )
        #expect(try await outbox.pending(limit: 10).map(\.id) == [orders[4].id])
        try await shop.database.close()
    }

    @Test func `what was answered can be looked up: the latest, the refused, and one`() async throws {
        let shop = try SQLiteShop()
        let orders = try await shop.place(3)
        let outcomes: [OrderOutcome] = [.accepted, .rejected(reason: "No such product."), .backordered]
        let push = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        try await shop.database.outbox().settle(
            zip(orders, outcomes).map { OrderSettlement(id: $0.id, outcome: $1, traceParent: push) }
        )
        let latest = try await shop.database.settledOrders(.latest(limit: 10))
        #expect(Set(latest.map(\.id)) == Set(orders.map(\.id)))
        #expect(try await shop.database.settledOrders(.latest(limit: 2)).count == 2)
        let refused = try await shop.database.settledOrders(.refused(limit: 10))
        #expect(refused.map(\.outcome) == [.rejected(reason: "No such product.")])
        let one = try #require(try await shop.database.settledOrders(.order(orders[2].id)).first)
        #expect(one.outcome == .backordered && one.pushTraceParent == push)
        #expect(one.total == orders[2].total && one.date == orders[2].date)
        #expect(one.purchaseTraceParent == orders[2].traceParent)
        try await shop.database.close()
    }

    @Test func `an order is settled once, by whichever came first`() async throws {
        let shop = try SQLiteShop()
        let order = try await shop.place(1)[0]
        let outbox = try shop.database.outbox()
        try await outbox.settle([OrderSettlement(id: order.id, outcome: .backordered)])
        try await outbox.settle([OrderSettlement(id: order.id, outcome: .accepted)])
        #expect(try await shop.orders.order(order.id)?.status == .backordered)
        let counts = try await outbox.outboxCounts()
        #expect(counts.balances && counts.accepted == 0 && counts.backordered == 1)
        try await shop.database.close()
    }

    @Test func `an order that does not read is lent without it, and holds up no other`() async throws {
        let shop = try SQLiteShop()
        let orders = try await shop.place(3)
        let writer = try DatabaseQueue(path: shop.path)
        try await writer.write { db in
            try db.execute(
                sql: "UPDATE orders SET currency = 'XXX' WHERE id = ?",
                arguments: [orders[1].id.description]
            )
        }
        let pending = try await shop.database.outbox().pending(limit: 10)
        #expect(pending.map { $0.order != nil } == [true, false, true])
        #expect(pending.map(\.id) == orders.map(\.id))
        try await shop.database.close()
    }

    @Test func `settling shows its statements in the trace it belongs to, and looking shows none`() async throws {
        let shop = try SQLiteShop()
        let order = try await shop.place(1)[0]
        let outbox = try shop.database.outbox(tracer: shop.tracer)
        let before = shop.spans.spans.count
        _ = try await outbox.pending(limit: 10)
        #expect(shop.spans.spans.count == before)
        try await shop.tracer.withSpan("push orders") { _ in
            try await outbox.settle([OrderSettlement(id: order.id, outcome: .accepted)])
        }
        let spans = shop.spans.spans.dropFirst(before)
        let parent = try #require(spans.first { $0.name == "push orders" })
        #expect(spans.contains { $0.name == "DELETE outbox" && $0.parentSpanID == parent.context.spanID })
        #expect(spans.contains { $0.name == "COMMIT" && $0.parentSpanID == parent.context.spanID })
        try await shop.database.close()
    }
}

extension SQLiteShop {
    /// Places orders, one after the other.
    func place(_ count: Int) async throws -> [Order] {
        var orders: [Order] = []
        for _ in 0..<count {
            let draft = OrderDraft(order: Purchases.order(), restocks: true)
            orders.append(try await self.orders.place(draft).order)
        }
        return orders
    }
}
