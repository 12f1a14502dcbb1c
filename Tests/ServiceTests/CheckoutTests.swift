import Commerce
import Faults
import FoundationEssentials
import HTTPTypes
import ServiceKit
import ServiceTracing
import ShopAPI
import TestSupport
import Testing
import Tracing

@Suite(.timeLimit(.minutes(15)))
struct CheckoutTests {
    private static let checkout = #"{"cart_id":"c","user_id":"u-1"}"#

    @Test("A cart becomes an order, which can be read back, and the cart is empty")
    func whole() async throws {
        try await ShopHarness.run { shop in
            try await shop.fill("c", [(1, 1), (2, 2)])
            let answer = try await shop.post(.checkout, "/checkout", Self.checkout)
            #expect(answer.status == 201)
            #expect(
                answer.json.names == [
                    "success", "order_id", "status", "user_id", "items", "subtotal", "shipping", "total", "currency",
                    "payment", "order_date", "trace_id",
                ]
            )
            #expect(answer.json["status"] == "placed" && answer.json["currency"] == "USD")
            #expect(answer.json["success"] == true && answer.json["payment"] == ["status": "authorized"])
            #expect(
                answer.json["items"][1] == [
                    "product_id": 2, "product_name": "Wireless Mouse", "quantity": 2, "unit_price": 29.99,
                    "line_total": 59.98,
                ]
            )
            #expect(answer.json["subtotal"].number == 1359.97 && answer.json["shipping"].number == 5.99)
            #expect(answer.json["total"].number == 1365.96)
            #expect(answer.json["trace_id"].text == answer.traceID)
            let id = try #require(answer.json["order_id"].text)
            #expect(OrderID(id) != nil && Array(id)[14] == "7")
            let read = try await shop.get(.checkout, "/orders/\(id)")
            #expect(read.status == 200 && read.json == answer.json)
            #expect(try await shop.get(.checkout, "/orders/\(id.uppercased())").json == answer.json)
            #expect(try await shop.get(.cart, "/cart/c").json["cart"]["items"] == .array([]))
            #expect(try await shop.get(.productCatalog, "/products/2").json["stock_quantity"] == 198)
            let orders = try await shop.get(.checkout, "/orders?user_id=u-1")
            #expect(orders.json["orders"].elements == [answer.json] && orders.json["count"] == 1)
        }
    }

    @Test("An order in another currency abroad is converted line by line, in that currency's units")
    func yen() async throws {
        try await ShopHarness.run { shop in
            try await shop.fill("c", [(1, 1), (3, 3)])
            let body = """
                {"cart_id":"c","user_id":"u","currency":"JPY","shipping_method":"express","destination":"international"}
                """
            let answer = try await shop.post(.checkout, "/checkout", body)
            #expect(answer.json["items"].elements.map(\.["unit_price"]) == [194_349, 1942])
            #expect(answer.json["subtotal"] == 200_175 && answer.json["shipping"] == 2914)
            #expect(answer.json["total"] == 203_089 && answer.json["currency"] == "JPY")
        }
    }

    @Test("The whole purchase is one trace over real HTTP, each service's span below its caller's")
    func oneTrace() async throws {
        try await ShopHarness.run { shop in
            try await shop.fill("c", [(1, 1)])
            let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            let answer = try await shop.send(
                .post,
                .checkout,
                "/checkout",
                Self.checkout,
                headers: ["traceparent": parent, "baggage": "session.id=s-1,other=x"]
            )
            #expect(answer.traceID == "4bf92f3577b34da6a3ce929d0e0e4736" && answer.traceFlags == "01")
            let spans = shop.spans.trace("4bf92f3577b34da6a3ce929d0e0e4736")
            let services = Set(spans.filter { $0.kind == .server }.map(\.resource.serviceName))
            #expect(services == ["checkout", "cart", "product-catalog", "currency", "shipping"])
            let ids = Dictionary(uniqueKeysWithValues: spans.map { ($0.context.spanID, $0) })
            let roots = spans.filter { $0.parentSpanID.flatMap { ids[$0] } == nil }
            #expect(roots.map(\.name) == ["POST /checkout"])
            #expect(roots.first?.parentSpanID?.description == "00f067aa0ba902b7")
            for server in spans where server.kind == .server && server.name != "POST /checkout" {
                let client = try #require(server.parentSpanID.flatMap { ids[$0] })
                #expect(client.kind == .client && client.name == server.name)
            }
            #expect(spans.allSatisfy { $0.text("session.id") == "s-1" })
            let root = try #require(roots.first)
            #expect(root.text("checkout.user_id") == "u-1" && root.attributes["checkout.total"] == .double(1305.98))
            #expect(root.text("checkout.order_id") == answer.json["order_id"].text)
        }
    }

    @Test("A replayed key gives 200 and the same body, also after the cart was cleared")
    func replay() async throws {
        try await ShopHarness.run { shop in
            try await shop.fill("c", [(2, 1)])
            let first = try await shop.checkout(Self.checkout, key: "key-1")
            let second = try await shop.checkout(Self.checkout, key: "key-1")
            #expect(first.status == 201 && second.status == 200 && first.body == second.body)
            let reordered = #"{ "user_id":"u-1", "destination":"domestic", "cart_id":"c", "unknown":1 }"#
            #expect(try await shop.checkout(reordered, key: "key-1").body == first.body)
            #expect(try await shop.get(.productCatalog, "/products/2").json["stock_quantity"] == 199)
            #expect(shop.spans.named("POST /payments/authorize").count { $0.kind == .server } == 1)
        }
    }

    @Test("A key with another request is 422, and writes nothing")
    func reusedKey() async throws {
        try await ShopHarness.run { shop in
            try await shop.fill("c", [(2, 1)])
            _ = try await shop.checkout(Self.checkout, key: "key-1")
            try await shop.fill("c", [(2, 1)])
            for other in [#""currency":"EUR""#, #""destination":"international""#, #""shipping_method":"express""#] {
                let answer = try await shop.checkout(#"{"cart_id":"c","user_id":"u-1",\#(other)}"#, key: "key-1")
                #expect(answer.status == 422 && answer.code == "idempotency_key_reused")
            }
            #expect(try await shop.get(.checkout, "/orders?user_id=u-1").json["count"] == 1)
            #expect(try await shop.checkout(Self.checkout, key: "key-2").status == 201)
        }
    }

    @Test("Concurrent requests with one key make one order")
    func concurrentKey() async throws {
        try await ShopHarness.run { shop in
            try await shop.fill("c", [(2, 1)])
            let answers = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
                for _ in 0..<8 { group.addTask { try await shop.checkout(Self.checkout, key: "k") } }
                return try await group.reduce(into: [HTTPAnswer]()) { $0.append($1) }
            }
            // Also one that has looked for the key before the order was there, and for the cart after it was cleared.
            #expect(answers.map(\.status).sorted() == [200, 200, 200, 200, 200, 200, 200, 201])
            #expect(Set(answers.map(\.body)).count == 1)
            #expect(try await shop.get(.checkout, "/orders?user_id=u-1").json["count"] == 1)
            #expect(shop.spans.named("POST /payments/authorize").count { $0.kind == .server } == 1)
        }
    }

    @Test("Concurrent requests with one key for the last one in stock are one purchase")
    func concurrentLast() async throws {
        var options = ShopHarness.Options()
        options.restocks = false
        try await ShopHarness.run(options) { shop in
            let stock = try #require(try await shop.get(.productCatalog, "/products/1").json["stock_quantity"].number)
            try await shop.fill("c", [(1, Int(stock))])
            let answers = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
                for _ in 0..<8 { group.addTask { try await shop.checkout(Self.checkout, key: "k") } }
                return try await group.reduce(into: [HTTPAnswer]()) { $0.append($1) }
            }
            #expect(answers.map(\.status).sorted() == [200, 200, 200, 200, 200, 200, 200, 201])
        }
    }

    @Test("What is added while a checkout runs stays in the cart, also after a replay")
    func addedMeanwhile() async throws {
        try await ShopHarness.run { shop in
            try await shop.fill("c", [(1, 1), (2, 2)])
            // The catalog is asked for each line, and is slow: long enough for another request to come between.
            let slow = try FaultSetting.checked(.slowQueries, strength: 300, setBy: .presenter, now: 0)
            try await shop.mode.set(slow.filter { $0.service == "product-catalog" })
            async let bought = shop.checkout(Self.checkout, key: "k")
            while shop.spans.named("GET /cart/{cart_id}").isEmpty { await Task.yield() }
            let added = try await shop.post(
                .cart,
                "/cart/c/add",
                #"{"product_id":2,"product_name":"Wireless Mouse","price":29.99}"#
            )
            #expect(added.status == 200)
            #expect(try await bought.status == 201)
            let left = try await shop.get(.cart, "/cart/c").json["cart"]["items"]
            #expect(left.elements.count == 1 && left[0]["product_id"] == 2 && left[0]["quantity"] == 1)
            #expect(try await shop.checkout(Self.checkout, key: "k").status == 200)
            #expect(try await shop.get(.cart, "/cart/c").json["cart"]["items"] == left)
        }
    }

    @Test("A key that is no UTF-8 is 422, since two such would be one")
    func foreignKey() async throws {
        try await ShopHarness.run { shop in
            try await shop.fill("c", [(2, 1)])
            var bytes = Array("POST /checkout HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k".utf8) + [0xe9]
            bytes += Array("\r\nContent-Type: application/json\r\nConnection: close\r\n".utf8)
            bytes += Array("Content-Length: \(Self.checkout.utf8.count)\r\n\r\n\(Self.checkout)".utf8)
            #expect(await RawConnection.exchange(bytes, port: shop.port(.checkout)).hasPrefix("HTTP/1.1 422"))
        }
    }

    @Test("A key must be a text of fitting length", arguments: [String(repeating: "k", count: 129)])
    func badKey(key: String) async throws {
        try await ShopHarness.run { shop in
            let answer = try await shop.checkout(Self.checkout, key: key)
            #expect(answer.status == 422 && answer.code == "out_of_range")
        }
    }

    @Test("An empty cart is 409 and a declined card 402, and both say so in the span")
    func refusals() async throws {
        try await ShopHarness.run { shop in
            let empty = try await shop.post(.checkout, "/checkout", Self.checkout)
            #expect(empty.status == 409 && empty.code == "cart_empty")
            try await shop.fill("c", [(2, 1)])
            let declined = try await shop.checkout(#"{"cart_id":"c","user_id":"user-declined"}"#, key: "k")
            #expect(declined.status == 402 && declined.code == "payment_declined")
            let id = try #require(declined.traceID)
            let root = try #require(shop.spans.trace(id).first { $0.name == "POST /checkout" })
            #expect(root.outcome == .unset && root.text("checkout.failure_reason") == "payment_declined")
            #expect(root.attributes["checkout.failed"] == true && root.attributes["checkout.cart_abandoned"] == true)
            #expect(try await shop.get(.checkout, "/orders?user_id=user-declined").json["count"] == 0)
            #expect(try await shop.get(.cart, "/cart/c").json["cart"]["items"].elements.count == 1)
            #expect(try await shop.get(.productCatalog, "/products/2").json["stock_quantity"] == 200)
            // The key was not used up: the same purchase with a better card is another request.
            #expect(try await shop.checkout(Self.checkout, key: "k").status == 201)
        }
    }

    @Test("The payment provider refuses what is over its limit")
    func limit() async throws {
        try await ShopHarness.run { shop in
            func pay(_ amount: Int) async throws -> HTTPAnswer {
                let body = #"{"order_id":"o","user_id":"u","amount":\#(amount),"currency":"GBP"}"#
                return try await shop.post(.checkout, "/payments/authorize", body)
            }
            let fine = try await pay(80_000)
            #expect(fine.json == ["status": "authorized", "order_id": "o", "amount": 80_000, "currency": "GBP"])
            let refused = try await pay(80_001)
            #expect(refused.status == 402 && refused.code == "payment_declined")
        }
    }

    @Test("The supplier delivers what the stock cannot fill, and the span says so")
    func restock() async throws {
        try await ShopHarness.run { shop in
            let body = #"{"user_id":"u","product_id":7,"quantity":40}"#
            let answer = try await shop.post(.checkout, "/orders/create", body)
            #expect(answer.status == 201)
            #expect(
                answer.json.names == ["success", "order_id", "user_id", "product_id", "quantity", "order_date"]
            )
            #expect(answer.json["product_id"] == 7 && answer.json["quantity"] == 40)
            let span = try #require(shop.spans.named("POST /orders/create").first)
            let event = try #require(span.events.first { $0.name == "restock" })
            #expect(event.attributes["product.id"] == 7 && event.attributes["quantity"] == 30)
        }
    }

    @Test("Without restocking an order beyond the stock is 409, whichever way it comes")
    func noRestock() async throws {
        var options = ShopHarness.Options()
        options.restocks = false
        try await ShopHarness.run(options) { shop in
            let short = try await shop.post(
                .checkout,
                "/orders/create",
                #"{"user_id":"u","product_id":7,"quantity":16}"#
            )
            #expect(short.status == 409 && short.code == "out_of_stock")
            try await shop.fill("c", [(7, 16)])
            let whole = try await shop.post(.checkout, "/checkout", Self.checkout)
            #expect(whole.status == 409 && whole.code == "out_of_stock")
            #expect(shop.spans.named("POST /payments/authorize").isEmpty)
            #expect(try await shop.get(.productCatalog, "/products/7").json["stock_quantity"] == 15)
        }
    }

    @Test("Popular products and seed orders are there from the start")
    func seeded() async throws {
        try await ShopHarness.run { shop in
            let popular = try await shop.get(.checkout, "/orders/popular-products?limit=2")
            #expect(popular.json["count"] == 2)
            #expect(
                popular.json["popular_products"][0]
                    == ["product_id": 1, "product_name": "Laptop Pro 15\"", "order_count": 3]
            )
            let orders = try await shop.get(.checkout, "/orders?limit=500")
            #expect(orders.json["count"] == 10)
            let id = try #require(orders.json["orders"][0]["order_id"].text)
            #expect(try await shop.get(.checkout, "/orders/\(id)").status == 200)
            #expect(orders.json["orders"].elements.allSatisfy { !$0.names.contains("trace_id") })
        }
    }

    @Test(
        "A cart by any name can be bought",
        arguments: ["käse 商 🎧", "a/b?c#d", "..", "a%20b", "'; DROP TABLE orders;--", "+"]
    )
    func names(name: String) async throws {
        try await ShopHarness.run { shop in
            let path = "/cart/" + name.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let added = try await shop.post(.cart, path + "/add", #"{"product_id":2}"#)
            #expect(added.status == 200 && added.json["cart_id"].text == name)
            let body = JSONValue.object(["cart_id": .string(name), "user_id": .string(name)])
            let text = String(decoding: try JSON.encoder.encode(body), as: UTF8.self)
            let answer = try await shop.post(.checkout, "/checkout", text)
            #expect(answer.status == 201 && answer.json["user_id"].text == name)
            #expect(try await shop.get(.cart, path).json["cart"]["items"] == .array([]))
        }
    }
}

extension ShopHarness {
    /// Puts products into a cart.
    func fill(_ cart: String, _ products: [(id: Int, quantity: Int)]) async throws {
        for (id, quantity) in products {
            let body = #"{"product_id":\#(id),"quantity":\#(quantity)}"#
            try #require(try await post(.cart, "/cart/\(cart)/add", body).status == 200)
        }
    }

    func checkout(_ body: String, key: String) async throws -> HTTPAnswer {
        try await send(.post, .checkout, "/checkout", body, headers: ["Idempotency-Key": key])
    }
}
