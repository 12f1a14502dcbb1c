import FoundationEssentials
import Gzip
import PostgresClient
import RedisClient
import ShopAPI

@testable import HTTPClient
@testable import ServiceKit

extension FuzzTarget {
    /// What clients send, and the URLs that somebody has configured.
    static let requests: [FuzzTarget] = [
        FuzzTarget(
            name: "json-bodies",
            seeds: [
                #"{"cart_id":"c","user_id":"u","currency":"EUR","shipping_method":"express"}"#,
                #"{"user_id":"u","price_range":[0,1000.5],"quantity":1e3,"product_id":1}"#,
                #"{"name":"slow-queries","on":true,"strength":7,"services":["cart"],"duration_seconds":0.1}"#,
                #"[null,true,-0.0e+1,"\u00e9\ud83d\ude00\\\"",{"a":{}}]"#,
            ],
            tokens: ["{", "}", "[", "]", ",", ":", "\"", "\\u", "\\", "null", "true", "1e400", "-", "0.", "\u{1}", "é"]
        ) { input in
            let isJSON = (try? InputError.checkJSON(input)) != nil
            let data = Data(input)
            if isJSON {
                // A number that no Double holds is JSON all the same, and nothing that Foundation reads.
                let isReadable = (try? JSON.decoder.decode(JSONValue.self, from: data)) != nil
                let hasGreatNumber = input.contains(UInt8(ascii: "e")) || input.contains(UInt8(ascii: "E"))
                let isLong = input.count { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } > 300
                let hasSurrogate = text(input).contains("\\u")
                let brackets = input.count { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }
                let mayBeDeep = brackets > BoundedJSONDecoder.deepest
                try check(
                    isReadable || hasGreatNumber || isLong || hasSurrogate || mayBeDeep,
                    "JSON that is not read"
                )
            }
            read(CheckoutRequest.self, data)
            read(AddToCart.self, data)
            read(CreateOrderRequest.self, data)
            read(PaymentRequest.self, data)
            read(ConvertRequest.self, data)
            read(ShippingRequest.self, data)
            read(RecommendationRequest.self, data)
            read(FaultRequest.self, data)
            read(GenerateTrafficRequest.self, data)
            read(StartScenarioRequest.self, data)
            read(TrafficRequest.self, data)
        },
        FuzzTarget(
            name: "queries",
            seeds: ["limit=5&category=sports&price_min=1.5&x=%C3%A9+a", "a=&a=2&&=&%", "before=2026-11-22T19:40:00Z"],
            tokens: ["&", "=", "%", "+", "%00", "%FF", "limit", "99999999999999999999", "1e309", "nan", "inf", "-"]
        ) { input in
            let query = Query(text(input))
            for name in ["limit", "a", "category", ""] {
                if let value = try? query.text(name) {
                    try check(value.utf8.count <= 256 && !value.isEmpty, "\(value.utf8.count) bytes")
                }
                if let number = try? query.integer(name, default: 1, in: 1...1000) {
                    try check((1...1000).contains(number), "\(number)")
                }
                if let number = try? query.number(name, in: 0...1e12) {
                    try check((0...1e12).contains(number), "\(number)")
                }
                _ = try? query.flag(name)
            }
            _ = text(input).percentDecoded
        },
        FuzzTarget(
            name: "urls",
            seeds: [
                "https://ingress.eu2.coralogix.com:443/v1/traces", "http://user:pw@[::1]:4318/x?y#z",
                "redis://u:p%40@cache.example:6379/3", "redis+unix://:p@/run/redis.sock?db=2",
                "postgresql://shop:secret@db.example,other:5433/shop?sslmode=require&connect_timeout=3",
                "host=db user=shop password='a b' dbname=shop",
            ],
            tokens: ["://", "@", ":", "/", "?", "[", "]", "%", "%00", "=", "&", "127.0.0.1", "localhost", "65536", ","]
        ) { input in
            let url = text(input)
            if let target = try? TargetURL(url) {
                try check(target.origin.contains("://") && !target.origin.contains("@"), "an origin with a user in it")
            }
            if let redis = try? RedisURL(url) {
                try check((0...65_535).contains(redis.port ?? 0), "port \(redis.port ?? 0)")
                // A socket's path may have one in it, and nobody's name.
                if redis.port != nil { try check(!"\(redis)".contains("@"), "\(redis) may say who") }
            }
            if let postgres = try? PostgresURL(url) { _ = "\(postgres)" }
            let base = BaseURL(url)
            try check(!base.host.contains("@"), "\(base.host) is no host")
        },
        FuzzTarget(
            name: "gzip",
            seeds: [text(Gzip.compress(Array("{\"resourceSpans\":[]}".utf8), level: 6) ?? []), "\u{1f}\u{8b}\u{08}"],
            tokens: ["\u{1f}", "\u{08}", "\u{00}", "\u{ff}"]
        ) { input in
            if let bytes = try? Gzip.decompress(input, upTo: 100_000) {
                try check(bytes.count <= 100_000, "\(bytes.count) bytes")
            }
            if let packed = Gzip.compress(input, level: 1) {
                try check(
                    (try? Gzip.decompress(packed, upTo: input.count + 1)) == input,
                    "it unpacks to something else"
                )
            }
        },
    ]

    private static func read<Message: Decodable>(_ type: Message.Type, _ data: Data) {
        guard let error = failure({ _ = try JSON.decoder.decode(type, from: data) }) else { return }
        // What every handler does with it.
        _ = ServiceError(mapping: error)
    }

    private static func failure(_ body: () throws -> Void) -> (any Error)? {
        do {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
