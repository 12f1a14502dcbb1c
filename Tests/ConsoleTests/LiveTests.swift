import ConsoleAPI
import HTTPTypes
import ServiceTracing
import ShopAPI
import Synchronization
import TestSupport
import Testing

@testable import Console
@testable import TelemetryBuffer

@Suite("The live stream")
struct LiveTests {
    @Test("Who listens hears of each topic at once, of what changes, and of each trace when it is whole")
    func events() async throws {
        let number = Mutex(1)
        var settings = Bench.Settings()
        settings.topics = [
            LiveTopic("number") { number.withLock { $0 } }, LiveTopic("same") { "still" },
            LiveTopic("broken") { () -> String in throw CancellationLookalike() },
        ]
        settings.limits.repetition = 1_000_000
        try await Bench.run(settings) { bench in
            let stream = try await LineStream("/api/live", of: bench)
            #expect(stream.head.contains("text/event-stream"))
            #expect(await stream.next("number") == "1")
            number.withLock { $0 = 2 }
            var heard: String?
            repeat { heard = await stream.next("number") } while heard == "1"
            #expect(heard == "2")
            try await bench.fill()
            let trace = try #require(await stream.next("trace"))
            #expect(try json(trace)["root_name"].text == "journey checkout")
            // Once at the beginning, and once more by the first look for changes.
            #expect(stream.seen["same"] ?? 0 <= 2 && stream.seen["broken"] == nil)
        }
    }

    @Test("What has not changed is told again now and then")
    func repeated() async throws {
        var settings = Bench.Settings()
        settings.topics = [LiveTopic("same") { "still" }]
        settings.limits.repetition = 2
        try await Bench.run(settings) { bench in
            let stream = try await LineStream("/api/live", of: bench)
            for _ in 0..<4 { #expect(await stream.next("same") == #""still""#) }
        }
    }

    @Test("There is room for so many, and a place that was left is free again")
    func bounded() async throws {
        var settings = Bench.Settings()
        settings.topics = [LiveTopic("one") { 1 }]
        settings.limits.listeners = 2
        try await Bench.run(settings) { bench in
            let first = try await LineStream("/api/live", of: bench)
            let second = try await LineStream("/api/live", of: bench)
            _ = await (first.next("one"), second.next("one"))
            let refused = try await bench.get("/api/live")
            #expect(refused.status == 503 && refused.code == "too_many_streams")
            #expect(refused.headers[.retryAfter] == "5")
            second.hangUp()
            var answer = refused
            while answer.status == 503 { answer = try await bench.send(.head, "/api/live") }
            #expect(answer.status == 200)
            _ = first
        }
    }

    @Test("The stream ends when the shop closes, so that the shop can")
    func shutdown() async throws {
        let streams = Mutex<LineStream?>(nil)
        try await Bench.run { bench in
            let stream = try await LineStream("/api/live", of: bench)
            streams.withLock { $0 = stream }
        }
        let stream = try #require(streams.withLock { $0 })
        #expect(await stream.next("never") == nil)
    }

    @Test("A trace is told once its root is there and no span has come since the last look, and only once")
    func whole() throws {
        func trace(_ id: UInt64, spans: Int, rooted: Bool, ms: UInt64 = 1, failed: Int = 0) throws -> TraceSummary {
            TraceSummary(
                traceID: try #require(TraceID(high: id, low: 1)),
                rootName: "x",
                rootService: "y",
                startTime: noon + id,
                endTime: noon + id + ms * 1_000_000,
                spanCount: spans,
                errorCount: failed,
                services: [],
                isRooted: rooted
            )
        }
        var watch = TraceWatch(limit: 2)
        #expect(watch.whole(in: [try trace(1, spans: 3, rooted: true)]).isEmpty)
        let half = [try trace(2, spans: 1, rooted: false), try trace(1, spans: 3, rooted: true)]
        #expect(watch.whole(in: half).isEmpty)
        let grown = [try trace(2, spans: 4, rooted: true), try trace(1, spans: 3, rooted: true)]
        #expect(watch.whole(in: grown).isEmpty)
        #expect(watch.whole(in: grown).map(\.spanCount) == [4])
        #expect(watch.whole(in: grown).isEmpty)
        let many = [
            try trace(6, spans: 1, rooted: true), try trace(5, spans: 1, rooted: true, ms: 900),
            try trace(4, spans: 1, rooted: true), try trace(3, spans: 1, rooted: true, failed: 1),
        ]
        _ = watch.whole(in: many)
        #expect(watch.whole(in: many).map { $0.traceID.description.prefix(16).suffix(1) } == ["3", "5"])
        #expect(watch.whole(in: many).isEmpty)
    }
}

@Suite("The shop page's way to the services")
struct StorefrontTests {
    @Test("A visitor's action is forwarded, answered with the service's own words, and a trace that begins here")
    func forwarding() async throws {
        let service = try FakeServer.json(#"{"error":"Not enough.","code":"out_of_stock"}"#, status: "409 Conflict")
        var settings = Bench.Settings()
        for name in ServiceName.allCases { settings.services[name] = service.url }
        try await Bench.run(settings) { bench in
            let baggage = try #require(HTTPField.Name("baggage"))
            let answer = try await bench.post("/api/shop/checkout", #"{"cart_id":"c"}"#, [baggage: "session.id=web-1"])
            #expect(answer.status == 409 && answer.code == "out_of_stock")
            let parent = try #require(answer.headers[HTTPField.Name.traceresponse])
            #expect(parent.hasSuffix("-03"))
            try await bench.buffer.flush()
            let id = parent.split(separator: "-")[1]
            let spans = try await bench.get("/api/traces/\(id)").json["spans"]
            #expect(spans.count == 2)
            #expect(spans[0]["name"].text == "POST /api/shop/checkout" && spans[0]["service"].text == "console")
            #expect(spans[1]["name"].text == "POST /checkout" && spans[1]["kind"].text == "client")
            #expect(spans[1]["attributes"]["session.id"].text == "web-1")
            #expect(try await bench.get("/api/shop/products?q=mouse").status == 409)
        }
    }

    @Test("A service that is away is a 502 with a trace, and what the page did not send is refused")
    func failures() async throws {
        try await Bench.run { bench in
            let away = try await bench.get("/api/shop/rates")
            #expect(away.status == 502 && away.code == "downstream_unreachable")
            let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
            for path in ["checkout", "cart/c/add", "convert", "shipping", "ads/1/click"] {
                #expect(try await bench.post("/api/shop/\(path)", "{}", [site: "cross-site"]).code == "cross_origin")
            }
            let text = try await bench.send(.post, "/api/shop/checkout", [.contentType: "text/plain"], "{}")
            #expect(text.status == 415)
        }
    }

    @Test("It needs no admin token: buying changes no demo")
    func noToken() async throws {
        let service = try FakeServer.json("{}")
        var settings = Bench.Settings()
        settings.token = "secret"
        for name in ServiceName.allCases { settings.services[name] = service.url }
        try await Bench.run(settings) { bench in
            let bought = try await bench.post("/api/shop/cart/c/add", #"{"product_id":1}"#)
            let unplugged = try await bench.post("/api/network", #"{"online":true}"#)
            #expect(bought.status == 200 && unplugged.status == 401)
        }
    }
}
