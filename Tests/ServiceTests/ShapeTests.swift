import HTTPTypes
import ShopAPI
import TestSupport
import Testing

/// The contract's JSON, as each service answers it over a socket.
@Suite(.timeLimit(.minutes(15)))
struct ShapeTests {
    @Test("The catalog lists products by price, filters, and finds one")
    func catalog() async throws {
        try await ShopHarness.run { shop in
            let all = try await shop.get(.productCatalog, "/products")
            #expect(all.status == 200 && all.header("content-type") == "application/json")
            #expect(all.json.names == ["products", "count"])
            #expect(all.json["count"].number == 21 && all.json["products"].elements.count == 21)
            let prices = all.json["products"].elements.compactMap(\.["price"].number)
            #expect(prices == prices.sorted() && prices.first == 12.99 && prices.last == 1299.99)
            #expect(
                all.json["products"][0].names
                    == ["id", "name", "category", "price", "description", "stock_quantity"]
            )
            let query = "?category=sports&price_min=29.99&price_max=119.99&limit=2"
            let some = try await shop.get(.productCatalog, "/products" + query)
            #expect(some.json["products"].elements.map(\.["id"]) == [18, 15])
            let one = try await shop.get(.productCatalog, "/products/1")
            #expect(one.json["name"] == "Laptop Pro 15\"" && one.json["price"].number == 1299.99)
        }
    }

    @Test("The catalog searches, recommends and counts categories")
    func search() async throws {
        try await ShopHarness.run { shop in
            let found = try await shop.get(.productCatalog, "/products/search?q=DESK%20chair")
            #expect(found.json["products"].elements.map(\.["id"]) == [6] && found.json["count"] == 1)
            #expect(found.json["performance_warning"].text?.isEmpty == false)
            #expect((found.json["query_duration_ms"].number ?? -1) >= 0)
            // As a form and URLSearchParams write it.
            let form = try await shop.get(.productCatalog, "/products/search?q=Desk+Chair")
            #expect(form.json["products"] == found.json["products"])
            let nothing = try await shop.get(.productCatalog, "/products/search?q=%25")
            #expect(nothing.status == 200 && nothing.json["count"] == 0)
            let recommended = try await shop.get(.productCatalog, "/products/recommendations?category=kitchen&limit=2")
            #expect(recommended.json["recommendations"].elements.map(\.["id"]) == [20, 21])
            let categories = try await shop.get(.productCatalog, "/categories")
            #expect(categories.json["categories"][0] == ["name": "appliances", "count": 4])
            let pool = try await shop.get(.productCatalog, "/admin/pool-stats")
            #expect(
                pool.json["pool_stats"].names
                    == [
                        "active_connections", "max_connections", "available_connections", "waiting",
                        "utilization_percent",
                    ]
            )
        }
    }

    @Test(
        "Between two cents a price range lets nothing pass that is out of it",
        arguments: [
            ("price_min=12.99&price_max=12.99", 1), ("price_max=12.985", 0), ("price_min=12.994&price_max=12.994", 0),
            ("price_min=12.985&price_max=12.995", 1), ("price_min=0.1&price_max=0.3", 0),
        ]
    )
    func priceRange(query: String, count: Int) async throws {
        try await ShopHarness.run { shop in
            let answer = try await shop.get(.productCatalog, "/products?\(query)")
            #expect(answer.status == 200)
            let found = answer.json["products"].elements.filter { $0["price"].number == 12.99 }
            #expect(found.count == count)
        }
    }

    @Test("A cart is added to, taken from and cleared")
    func cart() async throws {
        try await ShopHarness.run { shop in
            let empty = try await shop.get(.cart, "/cart/c-1")
            #expect(empty.status == 200 && empty.json.names == ["success", "cart_id", "cart"])
            #expect(empty.json["cart_id"] == "c-1" && empty.json["cart"]["items"] == .array([]))
            #expect(empty.json["cart"]["total"].number == 0 && empty.json["cart"]["updated_at"].text != nil)
            _ = try await shop.post(.cart, "/cart/c-1/add", #"{"product_id":2}"#)
            let named = #"{"product_id":77,"quantity":3,"product_name":"Own","price":1.5,"colour":"ignored"}"#
            let added = try await shop.post(.cart, "/cart/c-1/add", named)
            #expect(added.json["cart"]["items"][0]["product_name"] == "Wireless Mouse")
            #expect(added.json["cart"]["items"][0]["price"].number == 29.99)
            #expect(
                added.json["cart"]["items"][1]
                    == ["product_id": 77, "product_name": "Own", "price": 1.5, "quantity": 3]
            )
            #expect(added.json["cart"]["total"].number == 34.49)
            let removed = try await shop.post(.cart, "/cart/c-1/remove", #"{"product_id":77}"#)
            #expect(removed.json["cart"]["items"].elements.count == 1)
            let taken = try await shop.post(.cart, "/cart/c-1/clear", #"{"items":[{"product_id":9,"quantity":1}]}"#)
            #expect(taken.status == 200 && taken.json["cart"] == removed.json["cart"])
            let cleared = try await shop.post(.cart, "/cart/c-1/clear")
            #expect(cleared.status == 200 && cleared.json["cart"]["items"] == .array([]))
            let health = try await shop.get(.cart, "/health")
            #expect(health.json["storage"] == "memory" && health.json["degraded"] == false)
        }
    }

    @Test("Concurrent adds to one cart all count")
    func concurrentAdds() async throws {
        try await ShopHarness.run { shop in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await shop.post(.cart, "/cart/busy/add", #"{"product_id":3}"#).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            let cart = try await shop.get(.cart, "/cart/busy")
            #expect(cart.json["cart"]["items"][0]["quantity"] == 50)
        }
    }

    @Test("Currencies are eight, and conversion has the rate beside it")
    func currency() async throws {
        try await ShopHarness.run { shop in
            let rates = try await shop.get(.currency, "/rates")
            #expect(rates.json["base"] == "USD" && rates.json["rates"].names.count == 8)
            #expect(rates.json["rates"]["JPY"].number == 149.5 && rates.json["rates"]["USD"].number == 1)
            let converted = try await shop.post(.currency, "/convert", #"{"amount":1299.99,"to":"JPY"}"#)
            #expect(
                converted.json
                    == ["amount": 1299.99, "from": "USD", "to": "JPY", "converted": 194_349, "rate": 149.5]
            )
        }
    }

    @Test("Shipping says cost and days, with defaults for what is missing")
    func shipping() async throws {
        try await ShopHarness.run { shop in
            for body in [nil, "{}", #"{"weight":null}"#] {
                let answer = try await shop.post(.shipping, "/calculate", body)
                #expect(answer.status == 200 && answer.json["cost"].number == 5.99)
                #expect(answer.json["estimated_days"] == "5-7" && answer.json["weight"].number == 1)
                #expect(answer.json["destination"] == "domestic" && answer.json["method"] == "standard")
                #expect(answer.json["estimated_delivery"].text?.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil)
            }
            let abroad = #"{"weight":5,"destination":"international","method":"express"}"#
            let answer = try await shop.post(.shipping, "/calculate", abroad)
            #expect(answer.json["cost"].number == 28.49)
            let methods = try await shop.get(.shipping, "/methods")
            #expect(methods.json["methods"].elements.map(\.["method"]) == ["standard", "express", "overnight"])
        }
    }

    @Test("Ads come by category, and clicks are counted")
    func ads() async throws {
        try await ShopHarness.run { shop in
            let all = try await shop.get(.ad, "/ads")
            #expect(all.json["count"] == 3 && all.json["ads"].elements.map(\.["id"]) == [4, 1, 5])
            #expect(all.json["ads"][0].names == ["id", "title", "category", "ctr"])
            let some = try await shop.get(.ad, "/ads?category=electronics&limit=1")
            #expect(some.json["ads"].elements.map(\.["id"]) == [4])
            let none = try await shop.get(.ad, "/ads?category=toys")
            #expect(none.status == 200 && none.json["count"] == 0)
            let click = try await shop.post(.ad, "/ads/4/click")
            #expect(click.json == ["success": true, "ad_id": 4])
            let stats = try await shop.get(.ad, "/stats")
            #expect(stats.json["impressions"] == 4 && stats.json["clicks"] == 1 && stats.json["ctr"].number == 0.25)
        }
    }

    @Test("Recommendations are of the category and the price range, and the same for the same input")
    func recommendations() async throws {
        try await ShopHarness.run { shop in
            let body = #"{"user_id":"u-1","category":"sports","price_range":[30,150],"user_context":{"a":[1]}}"#
            let answer = try await shop.post(.recommendation, "/recommendations", body)
            #expect(answer.status == 200 && answer.json["success"] == true && answer.json["user_id"] == "u-1")
            #expect(answer.json["based_on"]["category"] == "sports")
            #expect(answer.json["based_on"]["price_range"].elements.map(\.number) == [30, 150])
            let items = answer.json["recommendations"].elements
            #expect(Set(items.map(\.["product_id"])) == [14, 15, 17])
            #expect(items[0].names == ["product_id", "product_name", "price", "reason", "relevance_score"])
            let scores = items.compactMap(\.["relevance_score"].number)
            #expect(scores == scores.sorted(by: >) && scores.allSatisfy { (0...1).contains($0) })
            #expect(try await shop.post(.recommendation, "/recommendations", body).body == answer.body)
            let query = "/recommendations?user_id=u-1&category=sports&price_range=30,150"
            #expect(try await shop.get(.recommendation, query).json == answer.json)
            let defaults = try await shop.post(.recommendation, "/recommendations", #"{"user_id":"u-1"}"#)
            #expect(defaults.json["based_on"]["category"] == "electronics")
            #expect(defaults.json["based_on"]["price_range"].elements.map(\.number) == [0, 1000])
        }
    }

    @Test("Every service has health, liveness and statistics", arguments: ShopHarness.services)
    func observation(service: ServiceName) async throws {
        try await ShopHarness.run { shop in
            let health = try await shop.get(service, "/health")
            #expect(health.status == 200 && health.json["status"] == "healthy")
            #expect(health.json["service"].text == service.rawValue)
            #expect(try await shop.get(service, "/health/live").status == 200)
            _ = try await shop.get(service, "/nowhere")
            let stats = try await shop.get(service, "/stats")
            #expect(stats.json["requests"] == 3 && stats.json["client_errors"] == 1 && stats.json["errors"] == 0)
        }
    }
}
