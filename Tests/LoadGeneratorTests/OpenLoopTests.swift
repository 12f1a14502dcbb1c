import HTTPClient
import HTTPTypes
import ServiceKit
import ServiceTracing
import ShopAPI
import Testing

@testable import LoadGeneratorService

@Suite(.timeLimit(.minutes(15))) struct OpenLoopTests {
    @Test func aSlowShopDoesNotDelayArrivals() async throws {
        let gate = Gate()
        let bench = try Bench(
            FakeShop { _ throws(HTTPTransportError) in
                try await gate.pass()
                return .ok
            }
        )
        try await bench.running {
            _ = try bench.generator.startRun(.run(60, seconds: 10))
            for begun in 1...10 {
                // No journey has ended, and yet each arrival is there in its second.
                await until { gate.waiting == begun }
                await bench.advance(by: .seconds(1))
            }
            #expect(bench.stats.totals.requests == 10)
            #expect(bench.stats.totals.in_flight == 10)
            #expect(bench.stats.totals.late == 0)
            #expect(bench.stats.totals.max_lateness_ms == 0)
            gate.open()
            await until { bench.stats.runs.first?.status == .complete }
            #expect(bench.stats.totals.in_flight == 0)
        }
    }

    @Test func anArrivalOverTheBoundIsShedAndCounted() async throws {
        let gate = Gate()
        var limits = LoadGenerator.Limits()
        limits.inFlight = 3
        let bench = try Bench(
            FakeShop { _ throws(HTTPTransportError) in
                try await gate.pass()
                return .ok
            },
            limits: limits
        )
        try await bench.running {
            _ = try bench.generator.startRun(.run(60, seconds: 8))
            for _ in 1...8 { await bench.advance(by: .seconds(1)) }
            await until { bench.clock.sleepers == 0 }
            #expect(bench.stats.totals.requests == 3)
            #expect(bench.stats.totals.shed == 5)
            gate.open()
            await until { bench.stats.totals.in_flight == 0 }
            // What was shed is not made up for.
            #expect(bench.stats.totals.requests == 3)
            #expect(bench.stats.runs.first?.totals.shed == 5)
        }
    }

    @Test func aNightInWhichTheProcessWasStoppedIsNotMadeUpFor() async throws {
        let bench = try Bench()
        try await bench.running {
            bench.generator.setBackgroundTraffic(requestsPerMinute: 60)
            await bench.advance(by: .seconds(1))
            await until { bench.stats.totals.requests == 2 }
            await bench.advance(by: .seconds(8 * 3600))
            await until { bench.stats.totals.requests + bench.stats.totals.shed == 2 + 8 * 3600 }
            // Those of the last five seconds are late, and come.
            #expect(bench.stats.totals.requests == 2 + 6)
            await bench.advance(by: .seconds(1))
            await until { bench.stats.totals.requests == 2 + 6 + 1 }
        }
    }

    /// What a seed plays does not depend on how much of it the shop could bear.
    @Test func whatIsShedStaysInTheHash() async throws {
        var hashes: [String?] = []
        for bound in [1, 256] {
            let gate = Gate()
            var limits = LoadGenerator.Limits()
            limits.inFlight = bound
            let bench = try Bench(
                FakeShop { _ throws(HTTPTransportError) in
                    try await gate.pass()
                    return .ok
                },
                limits: limits
            )
            try await bench.running {
                _ = try bench.generator.startRun(.run(60, seconds: 5))
                for _ in 1...5 { await bench.advance(by: .seconds(1)) }
                gate.open()
                await until { bench.stats.runs.first?.status == .complete }
                hashes.append(bench.stats.runs.first?.journey_hash)
            }
        }
        #expect(hashes[0] == hashes[1])
    }

    @Test func latenessIsCountedAndDoesNotAddUp() async throws {
        let bench = try Bench()
        try await bench.running {
            _ = try bench.generator.startRun(.run(60, seconds: 5))
            // The second arrival, due after one second, is noticed after 2.5: so is the third, half a second late.
            await bench.advance(by: .milliseconds(2500))
            await until { bench.stats.totals.requests == 3 }
            #expect(bench.stats.totals.late == 2)
            #expect(bench.stats.totals.max_lateness_ms == 1500)
            await bench.advance(by: .milliseconds(500))
            await until { bench.stats.totals.requests == 4 }
            #expect(bench.stats.totals.late == 2)
        }
    }

    @Test func backgroundTrafficChangesItsRateAndCountsOn() async throws {
        let bench = try Bench()
        try await bench.running {
            #expect(bench.stats.current_rpm == 0)
            bench.generator.setBackgroundTraffic(requestsPerMinute: 60)
            for _ in 1...3 { await bench.advance(by: .seconds(1)) }
            await until { bench.stats.totals.requests == 4 }
            #expect(bench.stats.current_rpm == 60)
            bench.generator.setBackgroundTraffic(requestsPerMinute: 600)
            await until { bench.stats.totals.requests == 5 }
            await bench.advance(by: .milliseconds(100))
            await until { bench.stats.totals.requests == 6 }
            #expect(bench.stats.current_rpm == 600)
            bench.generator.setBackgroundTraffic(requestsPerMinute: 0)
            await until { bench.clock.sleepers == 0 }
            #expect(bench.stats.current_rpm == 0)
            #expect(bench.stats.totals.requests == 6)

            let planner = JourneyPlanner(book: try .fixture(), seed: 7)
            var hash = JourneyHash()
            for arrival in 0..<6 { hash.add(planner.plan(arrival)) }
            #expect(bench.stats.background.journey_hash == hash.description)
        }
    }
}

@Suite(.timeLimit(.minutes(15))) struct RunTests {
    @Test func severalRunsGoOnAtOnce() async throws {
        let bench = try Bench()
        try await bench.running {
            let slow = try bench.generator.startRun(.run(60, seconds: 3))
            let fast = try bench.generator.startRun(.run(120, seconds: 3))
            #expect(bench.stats.current_rpm == 180)
            #expect(bench.stats.runs.map(\.run_id) == [fast.id, slow.id])
            for _ in 1...6 { await bench.advance(by: .milliseconds(500), sleepers: 2) }
            #expect(try await slow.end().totals.requests == 3)
            #expect(try await fast.end().totals.requests == 6)
            #expect(bench.stats.totals.requests == 9)
            #expect(bench.stats.runs.allSatisfy { $0.status == .complete })
        }
    }

    @Test func aRunOverTheBoundIsRefused() async throws {
        var limits = LoadGenerator.Limits()
        limits.runs = 2
        let bench = try Bench(limits: limits)
        try await bench.running {
            for _ in 1...2 { _ = try bench.generator.startRun(.run(1, seconds: 60)) }
            let error = #expect(throws: ServiceError.self) { try bench.generator.startRun(.run(1, seconds: 60)) }
            #expect(error?.status == .conflict)
            #expect(error?.code == "too_many_runs")
        }
    }

    @Test func aRunEndsWithItsLastJourney() async throws {
        let gate = Gate()
        let bench = try Bench(
            FakeShop { _ throws(HTTPTransportError) in
                try await gate.pass()
                return .ok
            }
        )
        try await bench.running {
            let run = try bench.generator.startRun(.run(60, seconds: 1))
            await until { gate.waiting == 1 }
            await bench.advance(by: .seconds(1))
            await until { bench.clock.sleepers == 0 }
            #expect(bench.stats.runs.first?.status == .running)
            gate.open()
            let ended = try await run.end()
            #expect(ended.status == .complete)
            #expect(ended.totals.in_flight == 0)
        }
    }

    @Test func onlyTheLastRunsAreRemembered() async throws {
        let bench = try Bench()
        try await bench.running {
            for _ in 1...25 {
                let run = try bench.generator.startRun(.run(60, seconds: 1))
                await bench.advance(by: .seconds(1))
                _ = try await run.end()
            }
            #expect(bench.stats.runs.map(\.run_id) == (6...25).reversed().map { "run-\($0)" })
            #expect(bench.stats.totals.requests == 25)
        }
    }

    @Test func aRunWithASeedOfItsOwnPlaysTheSameWhateverRanBefore() async throws {
        let bench = try Bench()
        try await bench.running {
            var hashes: [String] = []
            for seed: UInt64? in [99, nil, nil, 99] {
                let run = try bench.generator.startRun(.run(60, seconds: 1), seed: seed)
                await bench.advance(by: .seconds(1))
                hashes.append(try await run.end().journey_hash)
            }
            #expect(hashes[0] == hashes[3])
            #expect(Set(hashes).count == 3)
        }
    }
}
