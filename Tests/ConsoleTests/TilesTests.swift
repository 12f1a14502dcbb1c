import Console
import ConsoleAPI
import HTTPClient
import ServiceTracing
import ShopAPI
import TelemetryBuffer
import TestSupport
import Testing

@Suite("The tiles")
struct TilesTests {
    /// A moment after the checkout of `Bench.fill`.
    private struct Later: TraceClock {
        let wall = noon + 30_000_000_000
        var monotonic: UInt64 { 0 }
    }

    @Test("They show the last minute as shoppers saw it, and each service's health and pool")
    func tiles() async throws {
        let pool = #"{"active_connections":3,"max_connections":20,"available_connections":17,"waiting":2,"#
        let service = try FakeServer.json(#"{"status":"healthy","pool":\#(pool)"utilization_percent":15}}"#)
        try await Bench.run { bench in
            try await bench.fill()
            var urls = ServiceURLs(portOffset: -7_000)
            urls[.checkout] = service.url
            let tracer = ServiceTracer(
                resource: Resource(attributes: [:]),
                processor: bench.buffer,
                sampler: .alwaysOff
            )
            let reader = TilesReader(
                traces: bench.reader,
                prober: ServiceCaller(transport: bench.client, tracer: tracer, urls: urls),
                clock: Later()
            )
            let tiles = try await reader.tiles()
            #expect(tiles.time == Int64(Later().wall / 1_000_000))
            // One call in the minute up to now; the statement below it is not a shopper's.
            #expect(tiles.requests_per_minute == 1 && tiles.error_rate == 0 && tiles.p95_ms == 800)
            #expect(tiles.services.count == ServiceName.allCases.count - 1)
            let checkout = try #require(tiles.services.first { $0.name == "checkout" })
            #expect(checkout.healthy && checkout.pool?.active_connections == 3 && checkout.pool?.waiting == 2)
            let cart = try #require(tiles.services.first { $0.name == "cart" })
            #expect(!cart.healthy && cart.pool == nil)
        }
    }

    @Test("The pulse is of the callers that are named, from the moment on that is named")
    func pulse() async throws {
        try await Bench.run { bench in
            try await bench.fill()
            let all = try await bench.reader.pulse(of: ["load-generator", "checkout"], since: noon)
            #expect(all.requests == 1 && all.errors == 0 && all.p95Milliseconds == 800 && all.since == noon)
            let later = try await bench.reader.pulse(of: ["load-generator"], since: noon + 2_000_000)
            #expect(later.requests == 0 && later.p95Milliseconds == 0)
            let nobody = try await bench.reader.pulse(of: [], since: 0)
            #expect(nobody.requests == 0)
        }
    }
}
