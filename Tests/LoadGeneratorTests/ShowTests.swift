import HTTPClient
import ServiceKit
import ServiceTracing
import ShopAPI
import Testing
import Tracing

@testable import LoadGeneratorService

/// What a scenario plays: it depends on its seed, and not on the machine.
@Suite(.timeLimit(.minutes(15))) struct ShowTests {
    private let timeline: ScenarioTimeline
    /// At 90 seconds.
    private let arrivals = 0..<158

    init() throws { timeline = try Bench.blackFriday() }

    @Test(arguments: [1.0, 7.0, 200.0])
    func `the same seed plays the same journeys, however late they are`(step: Double) async throws {
        let bench = try Bench()
        try await bench.running {
            try bench.generator.startShow(timeline, seed: 42)
            await bench.playToTheEnd(by: .seconds(step))
            let report = try #require(bench.show)
            #expect(report.totals.requests == arrivals.count)
            #expect(report.hash == (try Bench.hash(timeline, seed: 42, arrivals)))
            #expect(report.show.seed == 42)
            // Turned by more than the time between two arrivals, some come after their time, and it is said.
            #expect(report.totals.late > 0)
            #expect(report.show.minutes.map(\.requests).reduce(0, +) == arrivals.count)
            #expect(report.show.minutes.count == 30)
        }
    }

    @Test func `another seed plays others, and no seed is the generator's`() async throws {
        let bench = try Bench(seed: 7)
        try await bench.running {
            try bench.generator.startShow(timeline, seed: nil)
            await bench.playToTheEnd()
            #expect(bench.show?.hash == (try Bench.hash(timeline, seed: 7, arrivals)))
            try bench.generator.startShow(timeline, seed: 8)
            await bench.playToTheEnd()
            #expect(bench.show?.hash == (try Bench.hash(timeline, seed: 8, arrivals)))
            #expect(bench.show?.totals.requests == arrivals.count)
        }
    }

    @Test func `what the shop cannot bear is left out of the traffic and not of the sequence`() async throws {
        let gate = Gate()
        var limits = LoadGenerator.Limits()
        limits.inFlight = 5
        let bench = try Bench(
            FakeShop { _ throws(HTTPTransportError) in
                try await gate.pass()
                return .ok
            },
            limits: limits
        )
        try await bench.running {
            try bench.generator.startShow(timeline, seed: 1)
            while bench.generator.isPlaying {
                await until { bench.clock.sleepers == 1 || !bench.generator.isPlaying }
                bench.clock.advance(by: .seconds(1))
            }
            #expect(bench.show?.totals.requests == 5)
            #expect(bench.show?.totals.in_flight == 5)
            #expect(bench.show?.totals.shed == arrivals.count - 5)
            #expect(bench.show?.hash == (try Bench.hash(timeline, seed: 1, arrivals)))
            gate.open()
            await until { bench.generator.inFlight == 0 }
        }
    }

    @Test func `a pause leaves nothing out and repeats nothing`() async throws {
        let bench = try Bench()
        try await bench.running {
            try bench.generator.startShow(timeline, seed: 1)
            for _ in 1...20 { await bench.advance(by: .seconds(1)) }
            await until { bench.clock.sleepers == 1 }
            try bench.generator.pauseShow()
            await until { bench.clock.sleepers == 0 }
            let sent = try #require(bench.show?.totals.requests)
            bench.clock.advance(by: .seconds(600))
            #expect(bench.show?.position == .seconds(20))
            #expect(bench.show?.totals.requests == sent)
            #expect(bench.stats.current_rpm == 0)
            try bench.generator.resumeShow()
            await bench.playToTheEnd()
            #expect(bench.show?.hash == (try Bench.hash(timeline, seed: 1, arrivals)))
            #expect(bench.show?.totals.requests == arrivals.count)
        }
    }

    /// A machine too slow to send them before the pause sends them after it.
    @Test func `arrivals that were due before a pause come after it`() async throws {
        let bench = try Bench()
        // Nobody follows the schedule yet.
        try bench.generator.startShow(timeline, seed: 1)
        bench.clock.advance(by: .seconds(5))
        try bench.generator.pauseShow()
        bench.clock.advance(by: .seconds(5))
        try bench.generator.resumeShow()
        try await bench.running {
            await until { bench.show?.totals.requests == 4 }
            #expect(bench.show?.totals.late == 4)
            #expect(bench.show?.totals.requests == 4)
            await bench.playToTheEnd()
            let whole = try Bench.hash(timeline, seed: 1, arrivals)
            #expect(bench.show?.hash == whole)
        }
    }

    @Test func `a jump plays what the phase would have played`() async throws {
        let bench = try Bench()
        let peak = timeline.schedule.firstArrival(inSegment: 1)
        try await bench.running {
            try bench.generator.startShow(timeline, seed: 1)
            await until { bench.show?.totals.requests == 1 }
            try bench.generator.jumpShow(to: "peak")
            #expect(bench.show?.position == .seconds(30))
            await bench.playToTheEnd()
            #expect(bench.show?.hash == (try Bench.hash(timeline, seed: 1, 0..<1, peak..<arrivals.upperBound)))
            #expect(bench.show?.position == .seconds(90))
        }
    }

    @Test func `a jump back plays it again`() async throws {
        let bench = try Bench()
        let peak = timeline.schedule.firstArrival(inSegment: 1)
        try await bench.running {
            try bench.generator.startShow(timeline, seed: 1)
            await until { bench.show?.totals.requests == 1 }
            for phase in ["peak", "ramp"] {
                let sent = try #require(bench.show?.totals.requests)
                try bench.generator.jumpShow(to: phase)
                // The first of a phase need not come at its very beginning.
                await bench.advance(by: .milliseconds(300))
                await until { bench.show?.totals.requests == sent + 1 }
            }
            await bench.playToTheEnd()
            #expect(bench.show?.hash == (try Bench.hash(timeline, seed: 1, 0..<1, peak..<peak + 1, arrivals)))
        }
    }

    @Test func `the background traffic waits until it is over`() async throws {
        let bench = try Bench()
        try await bench.running {
            bench.generator.setBackgroundTraffic(requestsPerMinute: 60)
            await until { bench.stats.totals.requests == 1 }
            try bench.generator.startShow(timeline, seed: 1)
            #expect(bench.generator.backgroundTraffic == .init(requests_per_minute: 60, running: false))
            #expect(bench.stats.current_rpm == 30)
            bench.generator.setBackgroundTraffic(requestsPerMinute: 120)
            #expect(bench.stats.current_rpm == 30)
            try bench.generator.stopShow()
            #expect(bench.generator.backgroundTraffic == .init(requests_per_minute: 120, running: true))
            #expect(bench.stats.current_rpm == 120)
            await until { bench.stats.background.totals.requests == 2 }
        }
    }

    @Test func `the background traffic comes back at the scenario's own end`() async throws {
        let bench = try Bench()
        try await bench.running {
            bench.generator.setBackgroundTraffic(requestsPerMinute: 60)
            try bench.generator.startShow(timeline, seed: 1)
            let before = bench.stats.background.totals.requests
            await bench.playToTheEnd()
            await until { bench.stats.background.totals.requests > before }
            #expect(bench.generator.backgroundTraffic.running)
        }
    }

    @Test func `every span of its journeys says where in the show it is`() async throws {
        let bench = try Bench()
        try await bench.running {
            try bench.generator.startShow(timeline, seed: 1)
            await bench.playToTheEnd()
            let spans = bench.recorder.spans
            #expect(spans.contains { $0.kind == .client })
            for span in spans {
                #expect(span.attributes["service.demo_phase"] != nil)
                #expect(span.attributes["demo.minute"] != nil)
            }
            let first = try #require(bench.recorder.journeys.first { $0.attributes["journey.arrival"] == .int(0) })
            #expect(first.attributes["service.demo_phase"] == .string("ramp"))
            #expect(first.attributes["demo.minute"] == .int(0))
            let last = try #require(bench.recorder.journeys.first { $0.attributes["journey.arrival"] == .int(157) })
            #expect(last.attributes["service.demo_phase"] == .string("critical"))
            #expect(last.attributes["demo.minute"] == .int(29))
        }
    }
}

@Suite struct RecentLatenciesTests {
    @Test func `95 of 100 are not slower`() {
        var latencies = RecentLatencies()
        #expect(latencies.p95(at: .zero) == nil)
        for milliseconds in 1...100 { latencies.add(.milliseconds(milliseconds), at: .seconds(1)) }
        #expect(latencies.p95(at: .seconds(1)) == 95)
    }

    @Test func `what is long past counts no more`() {
        var latencies = RecentLatencies()
        latencies.add(.seconds(9), at: .zero)
        latencies.add(.milliseconds(5), at: .seconds(10))
        #expect(latencies.p95(at: .seconds(15)) == 9000)
        #expect(latencies.p95(at: .seconds(16)) == 5)
        #expect(latencies.p95(at: .seconds(26)) == nil)
    }

    @Test func `the newest are kept`() {
        var latencies = RecentLatencies()
        for _ in 0..<2048 { latencies.add(.seconds(9), at: .zero) }
        for _ in 0..<2048 { latencies.add(.milliseconds(1), at: .zero) }
        #expect(latencies.p95(at: .zero) == 1)
    }
}
