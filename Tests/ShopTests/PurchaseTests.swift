import Commerce
import FoundationEssentials
import HTTPClient
import HTTPTypes
import OTLP
import ServiceTracing
import ShopAPI
import TelemetryBuffer
import Testing
import Tracing

@Suite(.serialized) struct PurchaseTests {
    @Test func `a purchase is one trace over five services, without orphan, with both names on its statements`()
        async throws
    {
        try await EdgeShop.run { shop in
            _ = try await shop.post(.cart, "/cart/c1/add", #"{"product_id": 3, "quantity": 2}"#)
            let answer = try await shop.post(
                .checkout,
                "/checkout",
                #"{"cart_id": "c1", "user_id": "u1", "currency": "EUR"}"#
            )
            #expect(answer.status == .created)
            let order: OrderAnswer = try answer.json()
            #expect(order.currency == .eur)
            #expect(order.trace_id == answer.traceID?.description)
        } after: { shop in
            let summary = try #require(try await shop.traces.traces().first { $0.rootName == "POST /checkout" })
            #expect(
                Set(summary.services) == ["checkout", "cart", "product-catalog", "shipping", "currency"]
            )
            let spans = try await shop.traces.trace(summary.traceID)
            #expect(spans.count == summary.spanCount)
            let ids = Set(spans.map(\.spanID))
            let orphans = spans.filter { $0.parentSpanID.map { !ids.contains($0) } ?? false }
            #expect(orphans.isEmpty)
            #expect(spans.count { $0.parentSpanID == nil } == 1)
            let statements = try spans.filter { $0.kind == .client }.map { try $0.decoded() }
                .filter { $0.attributes["db.system"] != nil }
            let names = Set(statements.map(\.name))
            #expect(names.isSuperset(of: ["SELECT products", "INSERT orders", "INSERT outbox", "COMMIT"]))
            for statement in statements {
                #expect(statement.attributes["db.system.name"] == "sqlite")
                #expect(statement.attributes["db.query.text"] == statement.attributes["db.statement"])
                #expect(statement.attributes["db.operation.name"] == statement.attributes["db.operation"])
            }
        }
    }

    @Test func `what was bought can be read again, paged by user, after a restart of nothing`() async throws {
        try await EdgeShop.run { shop in
            let made = try await shop.post(.checkout, "/orders/create", #"{"user_id": "u2", "product_id": 1}"#)
            #expect(made.status == .created)
            let order: CreateOrderAnswer = try made.json()
            let read: OrderAnswer = try await shop.get(.checkout, "/orders/\(order.order_id)").json()
            #expect(read.status == .placed)
            #expect(read.total == 1299.99)
            let list: OrderList = try await shop.get(.checkout, "/orders?user_id=u2").json()
            #expect(list.orders == [read])
        }
    }

    @Test func `a probe fills no buffer unless the one who asks is traced`() async throws {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        try await EdgeShop.run { shop in
            for service in [ServiceName.cart, .checkout, .productCatalog, .currency] {
                #expect(try await shop.get(service, "/health").status == .ok)
                #expect(try await shop.get(service, "/stats").status == .ok)
            }
            _ = try await shop.get(.cart, "/health", headers: [.traceparent: parent])
        } after: { shop in
            let traces = try await shop.traces.traces()
            #expect(traces.map(\.traceID.description) == ["0af7651916cd43dd8448eb211c80319c"])
        }
    }
}
