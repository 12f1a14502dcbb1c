import HTTPClient
import HTTPTypes
import ServiceKit
import ServiceTracing
import ShopAPI
import Storage
import TestSupport
import Testing

struct HealthTests {
    @Test("A service that cannot do its job is unhealthy with 503, alive all the same, and tells nothing from inside")
    func unhealthy() async throws {
        let router = ServiceRouter(.ad, tracer: ServiceTracer("ad", SpanCollector()), gate: AdminGate(token: nil))
        router.addObservation(
            health: { throw StorageError(.corrupt, "/secret/shop.sqlite is malformed") },
            stats: { [:] }
        )
        try await withService(router) { send in
            let answer = try await send(OutgoingRequest(url: "/health"))
            #expect(answer.status == 503 && answer.json["status"] == "unhealthy" && answer.json["service"] == "ad")
            #expect(answer.code == "storage_error" && !answer.text.contains("secret"))
            #expect(answer.json["trace_id"].text != nil && answer.json["trace_id"].text == answer.traceID)
            #expect(answer.header("retry-after") != nil)
            let live = try await send(OutgoingRequest(url: "/health/live"))
            #expect(live.status == 200)
        }
    }

    @Test("What a handler throws and nobody knows is a 500 that tells nothing, with the reason in the span")
    func unknownError() async throws {
        struct Secret: Error {}
        let spans = SpanCollector()
        let router = ServiceRouter(.ad, tracer: ServiceTracer("ad", spans), gate: AdminGate(token: nil))
        router.get("/broken") { _, _ in throw Secret() }
        try await withService(router) { send in
            let answer = try await send(OutgoingRequest(url: "/broken"))
            #expect(answer.status == 500 && answer.code == "internal_error" && !answer.text.contains("Secret"))
            let span = try #require(answer.traceID.flatMap { spans.trace($0) }?.first)
            #expect(span.failure?.contains("Secret") == true && span.text("error.type") == "internal_error")
        }
    }
}

struct TimestampTests {
    @Test("A time is written to the millisecond and read back unchanged")
    func roundTrip() throws {
        #expect(Timestamp.text(1_700_000_000_123) == "2023-11-14T22:13:20.123Z")
        #expect(Timestamp.text(0) == "1970-01-01T00:00:00.000Z")
        for milliseconds in Int64(1_700_000_000_000)..<1_700_000_002_000 {
            let text = Timestamp.text(milliseconds)
            #expect(Timestamp.milliseconds(text) == milliseconds, "\(text)")
        }
        #expect(Timestamp.milliseconds("2023-11-14T22:13:20Z") == 1_700_000_000_000)
        #expect(Timestamp.milliseconds("yesterday") == nil)
    }
}
