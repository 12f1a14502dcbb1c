import HTTPTypes
import ShopAPI
import TestSupport
import Testing

/// A request that must be refused, and how.
struct BadRequest: Sendable, CustomTestStringConvertible {
    var method = HTTPRequest.Method.post
    let service: ServiceName
    let path: String
    var body: String?
    let status: Int
    var code: String?

    var testDescription: String { "\(method.rawValue) \(service.rawValue)\(path.prefix(60)) \(body?.prefix(90) ?? "")" }

    static func post(
        _ service: ServiceName,
        _ path: String,
        _ body: String,
        _ status: Int,
        _ code: String? = nil
    ) -> BadRequest {
        BadRequest(service: service, path: path, body: body, status: status, code: code)
    }

    static func get(_ service: ServiceName, _ path: String, _ status: Int, _ code: String? = nil) -> BadRequest {
        BadRequest(method: .get, service: service, path: path, status: status, code: code)
    }
}

@Suite(.timeLimit(.minutes(15)))
struct BadInputTests {
    @Test("What cannot be read or done is refused with the contract's status and error, and never a 500")
    func refused() async throws {
        try await ShopHarness.run { shop in
            for request in Self.malformed + Self.numbers + Self.texts + Self.queries + Self.unknown {
                let answer = try await shop.send(request.method, request.service, request.path, request.body)
                let what = Comment(rawValue: request.testDescription + " → \(answer.status) \(answer.text.prefix(200))")
                #expect(answer.status == request.status, what)
                if let code = request.code { #expect(answer.code == code, what) }
                try shop.expectContractError(answer, what)
            }
        }
    }

    private static let long = String(repeating: "x", count: 10_240)

    private static let bodies: [(ServiceName, String)] = [
        (.checkout, "/checkout"), (.checkout, "/orders/create"), (.checkout, "/payments/authorize"),
        (.cart, "/cart/c/add"), (.cart, "/cart/c/remove"), (.currency, "/convert"), (.shipping, "/calculate"),
        (.recommendation, "/recommendations"),
    ]

    private static let malformed: [BadRequest] = bodies.flatMap { service, path in
        [
            "{", "}", #"{"a":}"#, "nonsense", #"{"a":1,}"#, "[1,]", #"{"a":01}"#, #"{"a":.5}"#, #"{"a":1.}"#,
            #"{"a":+1}"#, #"{"a":1e}"#, #"{"a":"\x"}"#,
            #"{"a":"\u12"}"#, #"{a:1}"#, "// no", "{\"a\":\"\t\"}", #"{"a" 1}"#, #"{"a":1 "b":2}"#, "{'a':1}",
            #"{"a":NaN}"#, #"{"a":Infinity}"#, "\u{0}",
            "{}{}",
            String(repeating: "[", count: 100_000), #"{"a":"unterminated"#, "nul",
        ].map { .post(service, path, $0, 400, "malformed_json") }
            + ["[]", "1", #""text""#, "true", "[{}]"].map { .post(service, path, $0, 400, "wrong_type") }
    }

    /// Fields that are numbers: with what is no number, what none can hold, and what is out of range.
    private static let numbers: [BadRequest] = {
        let fields: [(ServiceName, String, @Sendable (String) -> String, isInteger: Bool)] = [
            (.currency, "/convert", { #"{"amount":\#($0)}"# }, false),
            (.shipping, "/calculate", { #"{"weight":\#($0)}"# }, false),
            (.checkout, "/payments/authorize", { #"{"order_id":"o","user_id":"u","amount":\#($0)}"# }, false),
            (.cart, "/cart/c/add", { #"{"product_id":2,"product_name":"n","price":\#($0)}"# }, false),
            (.recommendation, "/recommendations", { #"{"user_id":"u","price_range":[0,\#($0)]}"# }, false),
            (.cart, "/cart/c/add", { #"{"product_id":2,"quantity":\#($0)}"# }, true),
            (.cart, "/cart/c/add", { #"{"product_id":\#($0)}"# }, true),
            (.cart, "/cart/c/remove", { #"{"product_id":\#($0)}"# }, true),
            (.checkout, "/orders/create", { #"{"user_id":"u","product_id":1,"quantity":\#($0)}"# }, true),
            (.checkout, "/orders/create", { #"{"user_id":"u","product_id":\#($0)}"# }, true),
        ]
        return fields.flatMap { service, path, body, isInteger in
            let huge = ["1e400", "-1e400", "1e308", "-1e308", "99999999999999999999", "9223372036854775808"]
            let integers = isInteger ? ["0", "-1", "9223372036854775807", "-9223372036854775808"] : []
            let outOfRange = (huge + integers).map {
                BadRequest.post(service, path, body($0), 422, "out_of_range")
            }
            let wrongType = [#""1""#, "true", "[1]", "{}", #""NaN""#].map {
                BadRequest.post(service, path, body($0), 400, "wrong_type")
            }
            return outOfRange + wrongType
        }
    }()

    private static let texts: [BadRequest] =
        ["", long, "a\\u0000b", "a\\nb"].flatMap { text -> [BadRequest] in
            [
                .post(.checkout, "/checkout", #"{"cart_id":"\#(text)","user_id":"u"}"#, 422, "out_of_range"),
                .post(.checkout, "/checkout", #"{"cart_id":"c","user_id":"\#(text)"}"#, 422, "out_of_range"),
                .post(.checkout, "/orders/create", #"{"product_id":1,"user_id":"\#(text)"}"#, 422, "out_of_range"),
                .post(.recommendation, "/recommendations", #"{"user_id":"\#(text)"}"#, 422, "out_of_range"),
                .post(.cart, "/cart/c/add", #"{"product_id":1,"product_name":"\#(text)"}"#, 422, "out_of_range"),
                .post(
                    .checkout,
                    "/checkout",
                    #"{"cart_id":"c","user_id":"u","currency":"\#(text)"}"#,
                    400,
                    "unknown_currency"
                ),
            ]
        } + [
            .post(.checkout, "/checkout", #"{"cart_id":"c"}"#, 400, "missing_field"),
            .post(.checkout, "/checkout", #"{"cart_id":null,"user_id":"u"}"#, 400, "missing_field"),
            .post(.checkout, "/checkout", #"{"cart_id":7,"user_id":"u"}"#, 400, "wrong_type"),
            .post(.currency, "/convert", "{}", 400, "missing_field"),
            .post(.currency, "/convert", #"{"amount":1,"to":7}"#, 400, "wrong_type"),
            .post(.recommendation, "/recommendations", #"{"user_id":"u","price_range":[1]}"#, 400, "wrong_type"),
            .post(.recommendation, "/recommendations", #"{"user_id":"u","price_range":[1,2,3]}"#, 400, "wrong_type"),
            .post(.recommendation, "/recommendations", #"{"user_id":"u","price_range":"0-1"}"#, 400, "wrong_type"),
            .post(.recommendation, "/recommendations", #"{"user_id":"u","price_range":[null,1]}"#, 400, "wrong_type"),
            .post(.recommendation, "/recommendations", #"{"user_id":"u","price_range":[2,1]}"#, 422, "out_of_range"),
            .post(.recommendation, "/recommendations", #"{"user_id":"u","price_range":[-1,1]}"#, 422, "out_of_range"),
            .post(.shipping, "/calculate", #"{"weight":-0.001}"#, 422, "out_of_range"),
            .post(.shipping, "/calculate", #"{"weight":1000.1}"#, 422, "out_of_range"),
        ]

    private static let queries: [BadRequest] = [
        .get(.productCatalog, "/products?limit=0", 422), .get(.productCatalog, "/products?limit=-1", 422),
        .get(.productCatalog, "/products?limit=1001", 422), .get(.productCatalog, "/products?limit=x", 400),
        .get(.productCatalog, "/products?limit=1.5", 400), .get(.productCatalog, "/products?limit=%D9%A3", 400),
        .get(.productCatalog, "/products?limit=99999999999999999999", 422),
        .get(.productCatalog, "/products?price_min=5&price_max=1", 422),
        .get(.productCatalog, "/products?price_min=-1", 422), .get(.productCatalog, "/products?price_max=1e400", 422),
        .get(.productCatalog, "/products?price_max=nan", 422), .get(.productCatalog, "/products?price_min=abc", 400),
        .get(.productCatalog, "/products?category=\(long)", 422),
        .post(.cart, "/cart/c/clear", #"{"items":null}"#, 400), .post(.cart, "/cart/c/clear", #"{"items":{}}"#, 400),
        .post(.cart, "/cart/c/clear", "{", 400), .post(.cart, "/cart/c/clear", #"{"items":[{"product_id":1}]}"#, 400),
        .post(.cart, "/cart/c/clear", #"{"items":[{"product_id":1,"quantity":0}]}"#, 422, "out_of_range"),
        .post(.ad, "/ads/1/click", "[1", 400),
        .get(.productCatalog, "/products/search?q=\(long)", 422),
        .get(.productCatalog, "/products/search?q=a%00b", 422), .get(.productCatalog, "/products/search", 400),
        .get(.productCatalog, "/products/search?q=", 400, "missing_parameter"),
        .get(.checkout, "/orders?user_id=user-1001%00", 422), .get(.checkout, "/orders?limit=501", 422),
        .get(.checkout, "/orders/popular-products?limit=0", 422), .get(.ad, "/ads?limit=101", 422),
        .get(.recommendation, "/recommendations", 400),
        .get(.recommendation, "/recommendations?user_id=u&price_range=1,x", 400),
        .get(.recommendation, "/recommendations?user_id=u&price_range=5,1", 422),
        .get(.cart, "/cart/\(String(repeating: "x", count: 129))", 422), .get(.cart, "/cart/a%0Ab", 422),
        .get(.cart, "/cart/a%00b", 422),
    ]

    private static let unknown: [BadRequest] = [
        .get(.productCatalog, "/products/22", 404, "product_not_found"), .get(.productCatalog, "/products/0", 404),
        .get(.productCatalog, "/products/-1", 404), .get(.productCatalog, "/products/laptop", 404),
        .get(.productCatalog, "/products/99999999999999999999", 404),
        .get(.productCatalog, "/products/%F0%9F%8E%A7", 404),
        .get(.productCatalog, "/products/%FF", 404), .get(.productCatalog, "/products/1%2F2", 404),
        .get(.productCatalog, "/products/\(long)", 404), .get(.productCatalog, "/products/%zz", 404),
        .get(.checkout, "/orders/1", 404, "order_not_found"), .get(.checkout, "/orders/'%20OR%20'1'='1", 404),
        .get(.checkout, "/orders/017f22e2-79b0-7cc3-98c4-dc0c0c07398f", 404, "order_not_found"),
        .post(.checkout, "/orders/create", #"{"user_id":"u","product_id":999}"#, 404, "product_not_found"),
        .post(.cart, "/cart/c/add", #"{"product_id":999}"#, 404, "product_not_found"),
        .post(.ad, "/ads/6/click", "", 404, "ad_not_found"), .post(.ad, "/ads/x/click", "", 404, "ad_not_found"),
        .post(.currency, "/convert", #"{"amount":1,"to":"XXX"}"#, 400, "unknown_to"),
        .post(.currency, "/convert", #"{"amount":1,"from":"usd"}"#, 400, "unknown_from"),
        .post(.shipping, "/calculate", #"{"method":"drone"}"#, 400, "unknown_method"),
        .post(.shipping, "/calculate", #"{"destination":"moon"}"#, 400, "unknown_destination"),
        .post(.checkout, "/checkout", #"{"cart_id":"c","user_id":"u","shipping_method":"x"}"#, 400),
        .get(.cart, "/", 404, "not_found"), .get(.cart, "/nowhere", 404, "not_found"), .get(.cart, "/cart", 404),
        .get(.cart, "/cart/a/b/c", 404), .get(.cart, "//", 404), .get(.checkout, "/%2e%2e/etc/passwd", 404),
    ]
}
