import Foundation
import HTTPClient
import HTTPTypes
import ShopAPI
import Testing

/// Every text that a client may give, as somebody gives it who hopes that it becomes a part of a statement.
@Suite(.timeLimit(.minutes(15)))
struct InjectionTests {
    private static let attacks = [
        "' OR '1'='1", "'; DROP TABLE products; --", "\" OR \"\"=\"", "%' OR 1=1 --", "1; ATTACH DATABASE 'x' AS x",
        "\\'; SELECT pg_sleep(10); --", "$1", "?1", ":id", "{where}", "{slow}", "') UNION SELECT * FROM orders --", "%",
        "_", "*", "\\", "Laptop%", "NULL", "🎧'", "\u{202e}'--",
    ]

    @Test("It is a text like any other: it matches itself, changes nothing, and fails nobody")
    func attacks() async throws {
        try await EdgeShop.run { shop in
            for attack in Self.attacks { try await attackAll(shop, attack) }
            let products = try await shop.get(.productCatalog, "/products").json(ProductList.self)
            #expect(products.count == 21)
            #expect(try await shop.get(.productCatalog, "/products/search?q=Laptop").json(SearchAnswer.self).count == 1)
            for service in ServiceName.allCases {
                #expect(try await shop.get(service, "/health").status == .ok, "\(service)")
            }
        }
    }

    private func attackAll(_ shop: EdgeShop, _ attack: String) async throws {
        let text = try #require(attack.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let quoted = String(decoding: try JSONEncoder().encode(attack), as: UTF8.self)
        let what = Comment(rawValue: attack)
        func count(_ service: ServiceName, _ path: String, _ list: String) async throws -> Int? {
            let answer = try await shop.get(service, path)
            #expect(answer.status == .ok, "\(path): \(String(decoding: answer.body, as: UTF8.self))")
            guard case .object(let fields) = try answer.json(JSONValue.self), case .array(let all)? = fields[list]
            else {
                return nil
            }
            return all.count
        }
        #expect(try await count(.productCatalog, "/products?category=\(text)", "products") == 0, what)
        #expect(try await count(.productCatalog, "/products/search?q=\(text)", "products") == 0, what)
        #expect(
            try await count(.productCatalog, "/products/recommendations?category=\(text)", "recommendations") == 0,
            what
        )
        #expect(try await count(.ad, "/ads?category=\(text)", "ads") == 0, what)
        let recommended = "/recommendations?user_id=\(text)&category=\(text)"
        #expect(try await count(.recommendation, recommended, "recommendations") == 0, what)
        #expect(try await count(.console, "/api/shop/products?category=\(text)", "products") == 0, what)
        for filter in ["service", "route"] {
            #expect(try await count(.console, "/api/traces?\(filter)=\(text)", "traces") == 0, what)
        }
        #expect(try await count(.console, "/api/traces?q=\(text)&limit=1", "traces") != nil, what)
        for (service, path) in [
            (ServiceName.productCatalog, "/products/\(text)"), (.checkout, "/orders/\(text)"),
            (.console, "/api/pushes?order_id=\(text)"), (.console, "/api/shop/orders/\(text)"),
        ] {
            #expect(try await shop.get(service, path).status == .notFound, "\(path)")
        }
        #expect(try await shop.post(.ad, "/ads/\(text)/click").status == .notFound, what)

        #expect(try await count(.checkout, "/orders?user_id=\(text)", "orders") == 0, what)
        let create = #"{"user_id":\#(quoted),"product_id":2}"#
        #expect(try await shop.post(.checkout, "/orders/create", create).status == .created, what)
        let add = #"{"product_id":3,"product_name":\#(quoted),"price":1}"#
        let cart = try await shop.post(.cart, "/cart/\(text)/add", add).json(CartAnswer.self)
        #expect(cart.cart_id == attack && cart.cart.items.map(\.product_name) == [attack], what)
        var headers: HTTPFields = [:]
        let isASCII = attack.utf8.allSatisfy { $0 < 0x80 }
        if isASCII, let key = HTTPField.Name("Idempotency-Key") { headers[key] = attack }
        let checkout = #"{"cart_id":\#(quoted),"user_id":\#(quoted)}"#
        let placed = try await shop.post(.checkout, "/checkout", checkout, headers: headers)
        #expect(placed.status == .created, what)
        if isASCII {
            let again = try await shop.post(.checkout, "/checkout", checkout, headers: headers)
            #expect(again.status == .ok && again.body == placed.body, what)
        }
        let orders = try await shop.get(.checkout, "/orders?user_id=\(text)").json(OrderList.self)
        #expect(orders.count == 2 && orders.orders.allSatisfy { $0.user_id == attack }, what)
    }
}
