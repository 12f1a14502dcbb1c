import ConnectionPool
import SQLiteStorage
import ServiceTracing
import ShopAPI
import TestSupport
import Testing
import Tracing

/// A neighbour that is dead, slow, or talks nonsense: 502 or 504, with the reason where one looks for it.
@Suite(.timeLimit(.minutes(15)))
struct DownstreamTests {
    @Test("A dead neighbour is a 502 that names it, and a failed CLIENT span")
    func dead() async throws {
        let nobody = try FakeServer(.dead)
        try await shop(.productCatalog, at: nobody.url) { shop in
            let answer = try await shop.post(.recommendation, "/recommendations", #"{"user_id":"u"}"#)
            #expect(answer.status == 502 && answer.code == "downstream_unreachable")
            try expectReason(answer, in: shop, type: "unreachable", of: "GET /products")
        }
    }

    @Test("A neighbour that says nothing is a 504")
    func silent() async throws {
        let server = try FakeServer(.silence)
        try await shop(.productCatalog, at: server.url, timeout: .milliseconds(150)) { shop in
            let answer = try await shop.post(.recommendation, "/recommendations", #"{"user_id":"u"}"#)
            #expect(answer.status == 504 && answer.code == "downstream_timeout")
            try expectReason(answer, in: shop, type: "timeout", of: "GET /products")
        }
    }

    @Test(
        "A neighbour that talks nonsense is a 502",
        arguments: [
            "", "\r\n\r\n", "220 smtp ready\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{\"products\":\"none\",\"count\":0}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 999 What\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ]
    )
    func nonsense(bytes: String) async throws {
        let server = try FakeServer(.answer(bytes))
        try await shop(.productCatalog, at: server.url) { shop in
            let answer = try await shop.post(.recommendation, "/recommendations", #"{"user_id":"u"}"#)
            #expect(answer.status == 502)
            try expectReason(answer, in: shop, type: nil, of: "GET /products")
        }
    }

    @Test(
        "A neighbour's error status is a 502, and its words do not come through",
        arguments: [400, 401, 404, 422, 500, 503, 301]
    )
    func status(status: Int) async throws {
        let server = try FakeServer.json(#"{"error":"SELECT secret","code":"own_code"}"#, status: "\(status) Word")
        try await shop(.productCatalog, at: server.url) { shop in
            let answer = try await shop.post(.recommendation, "/recommendations", #"{"user_id":"u"}"#)
            #expect(answer.status == 502 && answer.code == "downstream_error")
            #expect(!answer.text.contains("secret") && answer.text.contains("\(status)"))
            try expectReason(answer, in: shop, type: "\(status)", of: "GET /products")
        }
    }

    @Test(
        "A product that cannot be is the catalog's fault",
        arguments: [
            #"{"id":1,"name":"x","category":"c","price":-5,"description":"d","stock_quantity":5}"#,
            #"{"id":1,"name":"x","category":"c","price":1e300,"description":"d","stock_quantity":5}"#,
            #"{"id":1,"name":"x","category":"c","price":1e400,"description":"d","stock_quantity":5}"#,
            #"{"id":2,"name":"x","category":"c","price":5,"description":"d","stock_quantity":5}"#,
            #"{"id":1,"name":null,"category":"c","price":5,"description":"d","stock_quantity":5}"#,
        ]
    )
    func impossibleProduct(product: String) async throws {
        let server = try FakeServer.json(product)
        try await shop(.productCatalog, at: server.url) { shop in
            let looked = try await shop.post(.cart, "/cart/c/add", #"{"product_id":1}"#)
            #expect(looked.status == 502)
            // With name and price given, the cart asks nobody; the checkout does.
            let given = #"{"product_id":1,"product_name":"x","price":5}"#
            #expect(try await shop.post(.cart, "/cart/c/add", given).status == 200)
            let order = try await shop.post(.checkout, "/checkout", #"{"cart_id":"c","user_id":"u"}"#)
            #expect(order.status == 502 && order.code == "downstream_bad_answer")
            try shop.expectContractError(order)
        }
    }

    @Test(
        "A cart with numbers that cannot be is a 502, and never a trap",
        arguments: [Int.max, Int.min, 0, -1, 10_001]
    )
    func impossibleCart(quantity: Int) async throws {
        let item = #"{"product_id":1,"product_name":"n","price":1,"quantity":\#(quantity)}"#
        let server = try FakeServer.json(
            #"{"success":true,"cart_id":"c","cart":{"items":[\#(item),\#(item)],"total":2,"updated_at":"x"}}"#
        )
        try await shop(.cart, at: server.url) { shop in
            let answer = try await shop.post(.checkout, "/checkout", #"{"cart_id":"c","user_id":"u"}"#)
            #expect(answer.status == 502 && answer.code == "downstream_bad_answer")
            try shop.expectContractError(answer)
        }
    }

    @Test(
        "Each service the checkout needs can fail it, and nothing is written then",
        arguments: [ServiceName.cart, .productCatalog, .shipping, .currency]
    )
    func checkout(dead: ServiceName) async throws {
        let nobody = try FakeServer(.dead)
        try await shop(dead, at: nobody.url) { shop in
            if dead != .cart {
                let line = #"{"product_id":1,"product_name":"n","price":1}"#
                try #require(try await shop.post(.cart, "/cart/c/add", line).status == 200)
            }
            let answer = try await shop.checkout(#"{"cart_id":"c","user_id":"u"}"#, key: "k")
            #expect(answer.status == 502 && answer.code == "downstream_unreachable")
            #expect(answer.json["error"].text?.contains(dead.rawValue) == true)
            // Not the one that ended last: a neighbour's may end after its answer has come.
            let root = try #require(
                answer.traceID.flatMap { shop.spans.trace($0) }?.first {
                    $0.kind == .server && $0.name == "POST /checkout"
                }
            )
            #expect(root.text("checkout.failure_reason") == "downstream_unreachable" && root.failure != nil)
            #expect(try await shop.get(.checkout, "/orders?user_id=u").json["count"] == 0)
        }
    }

    @Test("A negative price for the way is the shipping service's fault")
    func negativeShipping() async throws {
        let server = try FakeServer.json(
            #"""
            {"method":"standard","cost":-5,"estimated_days":"1","estimated_delivery":"x","weight":1,\#
            "destination":"domestic"}
            """#
        )
        try await shop(.shipping, at: server.url) { shop in
            try await shop.fill("c", [(1, 1)])
            let answer = try await shop.post(.checkout, "/checkout", #"{"cart_id":"c","user_id":"u"}"#)
            #expect(answer.status == 502 && answer.code == "downstream_bad_answer")
        }
    }

    @Test("A pool without a free connection is a 503 with Retry-After, and the wait is in the trace")
    func poolExhausted() async throws {
        var options = ShopHarness.Options()
        options.pool = PoolConfiguration(size: 1, maximumWaiting: 0)
        try await ShopHarness.run(options) { shop in
            let answers = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
                for _ in 0..<60 { group.addTask { try await shop.get(.productCatalog, "/products/search?q=a") } }
                return try await group.reduce(into: [HTTPAnswer]()) { $0.append($1) }
            }
            #expect(answers.contains { $0.status == 200 })
            let refused = answers.filter { $0.status != 200 }
            for answer in refused {
                #expect(answer.status == 503 && answer.code == "pool_exhausted" && answer.header("retry-after") == "1")
                let id = try #require(answer.traceID)
                #expect(shop.spans.trace(id).contains { $0.name == "wait for connection" && $0.failure != nil })
            }
            #expect(!refused.isEmpty)
            #expect(try await shop.get(.productCatalog, "/products/1").status == 200)
        }
    }

    @Test("A shop whose database is closed refuses orders with 503 and Retry-After, and shows nothing from inside")
    func closed() async throws {
        try await ShopHarness.run { shop in
            try await shop.database.close()
            let answer = try await shop.post(.checkout, "/orders/create", #"{"user_id":"u","product_id":1}"#)
            #expect(answer.status == 503 && answer.code == "storage_unavailable")
            #expect(answer.header("retry-after") == "1")
            try shop.expectContractError(answer)
        }
    }

    private func expectReason(_ answer: HTTPAnswer, in shop: ShopHarness, type: String?, of name: String) throws {
        try shop.expectContractError(answer)
        let spans = shop.spans.trace(try #require(answer.traceID))
        let client = try #require(spans.first { $0.kind == .client && $0.name == name })
        #expect(client.failure?.isEmpty == false && client.text("error.type") != nil)
        if let type { #expect(client.text("error.type") == type) }
        let server = try #require(spans.last { $0.kind == .server })
        #expect(server.failure?.contains("product-catalog") == true)
        #expect(server.text("error.type") == answer.code)
    }

    private func shop(
        _ service: ServiceName,
        at url: String,
        timeout: Duration = .seconds(20),
        _ body: (ShopHarness) async throws -> Void
    ) async throws {
        var options = ShopHarness.Options()
        options.elsewhere[service] = url
        options.callTimeout = timeout
        try await ShopHarness.run(options, body)
    }
}
