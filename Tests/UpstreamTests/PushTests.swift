import Commerce
import PostgresClient
import PostgresTestSupport
import ServiceTracing
import Storage
import TestSupport
import Testing
import Tracing
import UpstreamStorage

extension WithPostgres {
    struct PushTests {
        @Test func `an order arrives whole: its row, its items, its receipt, its stock`() async throws {
            try await UpstreamBench.with { bench in
                let upstream = bench.upstream()
                let order = anOrder([(2, 3), (1, 1)])
                let before = try await [bench.stock(1), bench.stock(2)]
                #expect(try await upstream.outcomes([order]) == [.accepted])
                let row = try await bench.watcher.execute(
                    "SELECT * FROM orders WHERE id = $1",
                    [.uuid(order.id.description)]
                ).only()
                #expect(try row.read("user_id") == "user-1")
                #expect(try row.read("status") == "accepted")
                #expect(try row.read("subtotal") == "49.36")
                #expect(try row.read("total") == "55.35")
                #expect(try row.read("edge_id") == "edge-1")
                #expect(try row.read("traceparent") == order.traceParent)
                #expect(try row.read("order_date", as: PostgresTimestamp.self).milliseconds == order.date)
                #expect(try await [bench.stock(1), bench.stock(2)] == [before[0] - 1, before[1] - 3])
                #expect(try await bench.books() == [1, 1, 2])
                await upstream.disconnect()
            }
        }

        @Test func `money of every currency arrives to the last minor unit`() async throws {
            try await UpstreamBench.with { bench in
                let upstream = bench.upstream()
                let orders = Currency.allCases.map { anOrder(currency: $0, shipping: 7) }
                #expect(try await upstream.outcomes(orders).allSatisfy { $0 == .accepted })
                for order in orders {
                    let total = try await bench.watcher.execute(
                        "SELECT total::text AS total FROM orders WHERE id = $1",
                        [.uuid(order.id.description)]
                    ).only().read("total", as: String.self)
                    #expect(total == (order.currency == .jpy ? "1241.00" : "12.41"))
                }
                await upstream.disconnect()
            }
        }

        @Test func `a replay keeps the outcome it has, and changes nothing`() async throws {
            try await UpstreamBench.with { bench in
                try await bench.setStock(1, 1)
                let upstream = bench.upstream()
                let orders = [anOrder(), anOrder(), anOrder([(99, 1)])]
                let first = try await upstream.outcomes(orders)
                #expect(first.map(\.name) == ["accepted", "backordered", "rejected"])
                try await bench.setStock(1, 100)
                let again = try await upstream.outcomes(orders + [anOrder()])
                #expect(again.map(\.name) == ["accepted", "backordered", "rejected", "accepted"])
                #expect(try await bench.stock(1) == 99)
                #expect(try await bench.books() == [3, 4, 3])
                await upstream.disconnect()
            }
        }

        @Test func `the same id with another payload is quarantined, and so is an id from elsewhere`() async throws {
            try await UpstreamBench.with { bench in
                let upstream = bench.upstream()
                let order = anOrder()
                #expect(try await upstream.outcomes([order]) == [.accepted])
                let forged = anOrder([(1, 2)], id: order.id)
                let seed = try #require(
                    OrderID(
                        try await bench.watcher.execute("SELECT id FROM orders WHERE edge_id IS NULL LIMIT 1").only()
                            .read("id")
                    )
                )
                let outcomes = try await upstream.outcomes([forged, anOrder(id: seed), anOrder()])
                #expect(outcomes.map(\.name) == ["quarantined", "quarantined", "accepted"])
                #expect(try await bench.books() == [2, 2, 2])
                await upstream.disconnect()
            }
        }

        @Test func `what Postgres cannot take is rejected alone, with a receipt, and the others arrive`() async throws {
            try await UpstreamBench.with { bench in
                let upstream = bench.upstream()
                var orders = (0..<40).map { _ in anOrder() }
                orders[7] = anOrder(shipping: 1_000_000_000_000_000)
                orders[31] = anOrder(user: "a\0b")
                orders[38] = anOrder([(1, 0)])
                let outcomes = try await upstream.outcomes(orders)
                let bad = outcomes.indices.filter { outcomes[$0].name == "rejected" }
                #expect(bad == [7, 31, 38])
                #expect(outcomes.count { $0 == .accepted } == 37)
                // One of the three has a character that not even its receipt could hold.
                #expect(try await bench.books() == [37, 39, 37])
                #expect(try await upstream.outcomes(orders).map(\.name) == outcomes.map(\.name))
                #expect(try await bench.stock(1) == 50 - 37)
                await upstream.disconnect()
            }
        }

        @Test func `two booths sell the last one: both orders arrive, one is backordered, and the stock is 0`()
            async throws
        {
            try await UpstreamBench.with { bench in
                try await bench.setStock(7, 1)
                let booths = [bench.upstream(), bench.upstream()]
                async let left = booths[0].outcomes([anOrder([(7, 1)], edge: "edge-1")])
                async let right = booths[1].outcomes([anOrder([(7, 1)], edge: "edge-2")])
                #expect(try await (left + right).map(\.name).sorted() == ["accepted", "backordered"])
                #expect(try await bench.stock(7) == 0)
                #expect(try await bench.books() == [2, 2, 2])
                for booth in booths { await booth.disconnect() }
            }
        }

        @Test func `booths that push at once never wait for each other in a circle, and never oversell`() async throws {
            try await UpstreamBench.with { bench in
                for product in 1...4 { try await bench.setStock(product, 100) }
                let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
                    for booth in 0..<6 {
                        group.addTask {
                            let upstream = bench.upstream()
                            var accepted = 0
                            for _ in 0..<10 {
                                let orders = (0..<20).map { _ in
                                    anOrder([(1, 1), (2, 1), (3, 1), (4, 1)].shuffled(), edge: "edge-\(booth)")
                                }
                                accepted += try await upstream.outcomes(orders).count { $0 == .accepted }
                            }
                            await upstream.disconnect()
                            return accepted
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(accepted == 100)
                for product in 1...4 { #expect(try await bench.stock(product) == 0) }
                #expect(try await bench.books() == [1200, 1200, 4800])
            }
        }

        @Test func `two daemons that push the same orders at once give them one effect`() async throws {
            try await UpstreamBench.with { bench in
                let orders = (0..<50).map { _ in anOrder() }
                let outcomes = try await withThrowingTaskGroup(of: [OrderOutcome].self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            let upstream = bench.upstream()
                            let outcomes = try await upstream.outcomes(orders)
                            await upstream.disconnect()
                            return outcomes
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(Set(outcomes).count == 1)
                #expect(try await bench.books() == [50, 50, 50])
                #expect(try await bench.stock(1) == 0)
            }
        }

        @Test func `every statement is a CLIENT span with the server's name, under the push`() async throws {
            try await UpstreamBench.with { bench in
                let upstream = bench.upstream()
                try await ServiceTracer("sync", bench.spans).withSpan("push orders") { _ in
                    _ = try await upstream.outcomes([anOrder()])
                }
                let root = try #require(bench.spans.named("push orders").first)
                let children = bench.spans.spans.filter { $0.parentSpanID == root.context.spanID }
                #expect(
                    children.map(\.name).sorted() == [
                        "INSERT order_items", "INSERT orders", "INSERT receipts", "SELECT products", "SELECT receipts",
                        "UPDATE products",
                    ]
                )
                #expect(children.allSatisfy { $0.kind == .client && $0.text("db.system") == "postgresql" })
                #expect(children.allSatisfy { $0.text("db.statement")?.contains("user-1") == false })
                await upstream.disconnect()
            }
        }
    }
}
