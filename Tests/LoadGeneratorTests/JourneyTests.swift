import HTTPClient
import HTTPTypes
import Logging
import ServiceLifecycle
import ServiceTracing
import ShopAPI
import Testing
import Tracing

@testable import LoadGeneratorService

@Suite(.timeLimit(.minutes(15))) struct JourneyTests {
    @Test func eachArrivalIsATraceOfItsOwnAndItsBaggageTravels() async throws {
        let bench = try Bench()
        try await bench.running {
            let run = try bench.generator.startRun(.run(60, seconds: 5))
            for _ in 1...5 { await bench.advance(by: .seconds(1)) }
            _ = try await run.end()
        }
        let roots = bench.recorder.journeys
        #expect(roots.count == 5)
        #expect(Set(roots.map(\.context.traceID)).count == 5)
        #expect(roots.allSatisfy { $0.parentSpanID == nil && $0.kind == .internal })
        for root in roots {
            let spans = bench.recorder.spans.filter { $0.context.traceID == root.context.traceID }
            #expect(spans.count > 1)
            for span in spans {
                #expect(span.attributes["session.id"] == root.attributes["session.id"])
                #expect(span.attributes["synthetic_request"] == "true")
                if span.context != root.context {
                    #expect(span.kind == .client)
                    #expect(span.parentSpanID == root.context.spanID)
                }
            }
        }
        let planner = JourneyPlanner(book: try .fixture(), seed: 7).forked(1)
        #expect(
            Set(roots.map(\.name)) == Set((0..<5).map { "journey \(planner.plan($0).name)" })
        )
        #expect(Set(roots.map { $0.attributes["journey.arrival"] }) == Set((0..<5).map { .int($0) }))
        #expect(bench.shop.requests.count == bench.recorder.spans.count - 5)
        for request in bench.shop.requests {
            let context = try #require(SpanContext(traceParent: request.headers[.traceparent] ?? ""))
            let root = try #require(roots.first { $0.context.traceID == context.traceID })
            let baggage = Baggage(headers: request.headers[values: .baggage])
            #expect(baggage["synthetic_request"] == "true")
            #expect(baggage["session.id"].map { .string($0) } == root.attributes["session.id"])
        }
    }

    @Test func aFailingStepEndsTheJourneyAndShowsOnItsRoot() async throws {
        let bench = try Bench(
            FakeShop { request in
                request.url.hasSuffix("/checkout")
                    ? .json(.serviceUnavailable, #"{"error":"No.","code":"pool_exhausted","trace_id":""}"#) : .ok
            }
        )
        let error = await #expect(throws: DownstreamError.self) {
            try await bench.generator.make("checkout", in: .topLevel)
        }
        #expect(error?.status == 503)
        let root = try #require(bench.recorder.journeys.first)
        #expect(root.outcome == .error("checkout: POST /checkout answered 503 pool_exhausted"))
        #expect(root.attributes["error.type"] == "pool_exhausted")
        let totals = bench.stats.totals
        #expect(totals.errors == 1)
        #expect(totals.checkouts_attempted == 1)
        #expect(totals.checkouts_failed == 1)
        #expect(totals.in_flight == 0)
        #expect(totals.journeys == ["checkout": 1])
    }

    @Test func nothingComesAfterAStepThatFailed() async throws {
        let bench = try Bench(
            FakeShop { request in request.url.contains("/cart/") ? .json(.badGateway, "{}") : .ok }
        )
        _ = try? await bench.generator.make("checkout", in: .topLevel)
        #expect(bench.shop.requests.last?.url.hasSuffix("/add") == true)
        // The till was never reached.
        #expect(bench.stats.totals.checkouts_attempted == 0)
        #expect(bench.stats.totals.errors == 1)
    }

    @Test func aServiceThatCannotBeReachedIsNamed() async throws {
        let bench = try Bench(
            FakeShop { _ throws(HTTPTransportError) in throw HTTPTransportError(.connect, "refused") }
        )
        _ = try? await bench.generator.make("browse", in: .topLevel)
        let root = try #require(bench.recorder.journeys.first)
        #expect(root.outcome == .error("product-catalog: refused"))
        #expect(root.attributes["error.type"] == "downstream_unreachable")
    }

    @Test func theShopperThinksWhereTheFileSaysSo() async throws {
        let clock = TestClock()
        let recorder = Recorder()
        let tracer = ServiceTracer(resource: Resource(attributes: [:]), processor: recorder)
        let shop = FakeShop()
        let caller = ServiceCaller(transport: shop, tracer: tracer, urls: ServiceURLs())
        let shopper = Shopper(caller: caller, tracer: tracer, clock: clock)
        let step = PlannedJourney.Step(
            service: .ad,
            method: .get,
            template: "/ads",
            values: [:],
            query: [],
            body: nil,
            think: .seconds(2)
        )
        let journey = PlannedJourney(
            name: "dream",
            arrival: 0,
            sessionID: "s",
            userID: "u",
            cartID: "c",
            draws: [],
            steps: [step]
        )
        async let outcome = shopper.make(journey, in: .topLevel)
        await until { clock.sleepers == 1 }
        #expect(shop.requests.isEmpty)
        clock.advance(by: .seconds(2))
        #expect(await outcome.steps.map(\.path) == ["/ads"])
    }
}

@Suite(.timeLimit(.minutes(15))) struct ShutdownTests {
    /// Runs the generator as the shop does, and asks for a shutdown in the middle of a run.
    private func shutDown(_ bench: Bench, _ gate: Gate, then: () async throws -> Void) async throws {
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: bench.generator)], logger: Logger(label: "test"))
        )
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            _ = try bench.generator.startRun(.run(60, seconds: 60))
            bench.generator.setBackgroundTraffic(requestsPerMinute: 60)
            await until { gate.waiting == 2 }
            await group.triggerGracefulShutdown()
            try await then()
            try await tasks.waitForAll()
        }
    }

    @Test func journeysUnderWayMayEnd() async throws {
        let gate = Gate()
        let bench = try Bench(
            FakeShop { _ throws(HTTPTransportError) in
                try await gate.pass()
                return .ok
            }
        )
        try await shutDown(bench, gate) {
            // One sleeper: the grace. No schedule is followed any more.
            await until { bench.clock.sleepers == 1 && bench.stats.current_rpm == 0 }
            gate.open()
        }
        #expect(bench.stats.totals.requests == 2)
        #expect(bench.stats.totals.errors == 0)
        #expect(bench.stats.totals.in_flight == 0)
        #expect(bench.stats.runs.first?.status == .stopped)
        #expect(throws: (any Error).self) { try bench.generator.startRun(.run(1, seconds: 1)) }
    }

    @Test func journeysThatTakeTooLongAreCancelled() async throws {
        let gate = Gate()
        let bench = try Bench(
            FakeShop { _ throws(HTTPTransportError) in
                try await gate.pass()
                return .ok
            }
        )
        try await shutDown(bench, gate) {
            await until { bench.clock.sleepers == 1 && bench.stats.current_rpm == 0 }
            bench.clock.advance(by: .seconds(3))
        }
        #expect(gate.turnedAway == 2)
        #expect(bench.stats.totals.errors == 2)
        #expect(bench.recorder.journeys.count == 2)
    }
}
