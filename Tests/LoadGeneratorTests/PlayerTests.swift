import Faults
import ServiceKit
import ShopAPI
import Testing

@testable import LoadGeneratorService

/// The faults of a scenario follow it.
@Suite(.timeLimit(.minutes(15))) struct PlayerTests {
    private let bench: Bench
    private let timeline: ScenarioTimeline

    init() throws {
        bench = try Bench()
        timeline = try Bench.blackFriday()
    }

    /// Runs generator and player beside a test.
    private func playing(_ faults: FakeFaults, _ test: (ScenarioPlayer) async throws -> Void) async throws {
        let player = ScenarioPlayer(generator: bench.generator, faults: faults, clock: bench.clock)
        try await bench.running {
            try await withThrowingTaskGroup { group in
                group.addTask { try await player.run() }
                try await test(player)
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    @Test func `each phase has its faults, and the end has none`() async throws {
        let faults = FakeFaults()
        try await playing(faults) { player in
            _ = try await player.start(timeline, seed: 1)
            for second in 0..<90 {
                let wanted = timeline.faults(at: .seconds(second))
                await until { faults.now == wanted }
                #expect(faults.now == wanted)
                await until { bench.clock.sleepers == 2 }
                bench.clock.advance(by: .seconds(1))
            }
            await until { faults.now.isEmpty }
            #expect(faults.now.isEmpty)
            #expect(await player.status.running == false)
        }
    }

    @Test func `a stop switches them off`() async throws {
        let faults = FakeFaults()
        try await playing(faults) { player in
            _ = try await player.start(timeline, seed: 1)
            await until { !faults.now.isEmpty }
            #expect(try await player.stop().running == false)
            await until { faults.now.isEmpty }
            #expect(faults.now.isEmpty)
        }
    }

    @Test func `a pause leaves them on, and a jump brings the others`() async throws {
        let faults = FakeFaults()
        try await playing(faults) { player in
            _ = try await player.start(timeline, seed: 1)
            await until { !faults.now.isEmpty }
            let ramp = faults.now
            _ = try await player.pause()
            await until { bench.clock.sleepers == 0 }
            bench.clock.advance(by: .seconds(60))
            #expect(faults.now == ramp)
            _ = try await player.resume()
            _ = try await player.jump(to: "critical")
            let critical = timeline.faults(at: .seconds(60))
            await until { faults.now == critical }
            #expect(faults.now == critical)
            _ = try await player.jump(to: "peak")
            await until { faults.now == timeline.faults(at: .seconds(30)) }
            // What the earlier phase has not is off again.
            #expect(faults.now[.poolExhaustion, "checkout"] == nil)
        }
    }

    @Test func `what the presenter has switched on is left alone`() async throws {
        let mine = FaultSetting(.adCPU, service: "ad", setBy: .presenter)
        let faults = FakeFaults([mine])
        try await playing(faults) { player in
            _ = try await player.start(timeline, seed: 1)
            await until { faults.now.all.count == 2 }
            _ = try await player.jump(to: "critical")
            await until { faults.now.all.count == 3 }
            // Taken over from the scenario.
            let taken = FaultSetting(.poolExhaustion, service: "checkout", strength: 90, setBy: .presenter)
            try await faults.set([taken])
            _ = try await player.jump(to: "ramp")
            await until { faults.now[.slowQueries, "product-catalog"]?.strength == 500 }
            _ = try await player.stop()
            await until { faults.now.all.count == 2 }
            #expect(faults.now == FaultSet([mine, taken]))
        }
    }

    @Test func `a store that does not answer is asked again`() async throws {
        let faults = FakeFaults()
        try await playing(faults) { player in
            await until { faults.tries == 1 }
            faults.isBroken = true
            _ = try await player.start(timeline, seed: 1)
            await until { faults.tries == 2 }
            await until { bench.clock.sleepers == 2 }
            #expect(await player.status.last_error?.contains("cannot be switched") == true)
            #expect(await player.status.running)
            faults.isBroken = false
            bench.clock.advance(by: .seconds(1))
            await until { !faults.now.isEmpty }
            await until { bench.clock.sleepers == 2 }
            #expect(await player.status.last_error == nil)
        }
    }

    @Test func `what a killed load generator has left on is switched off`() async throws {
        let left = FaultSetting(.slowQueries, service: "product-catalog", setBy: .scenario)
        let mine = FaultSetting(.adCPU, service: "ad", setBy: .presenter)
        let faults = FakeFaults([left, mine])
        try await playing(faults) { _ in
            await until { faults.now.all.count == 1 }
            #expect(faults.now == FaultSet([mine]))
        }
    }

    @Test func `the service's end is the end of its faults`() async throws {
        let faults = FakeFaults()
        try await playing(faults) { player in
            _ = try await player.start(timeline, seed: 1)
            await until { !faults.now.isEmpty }
        }
        #expect(faults.now.isEmpty)
    }

    @Test func `a reset forgets it`() async throws {
        let faults = FakeFaults()
        try await playing(faults) { player in
            _ = try await player.start(timeline, seed: 1)
            await until { !faults.now.isEmpty }
            #expect(await player.reset() == ScenarioStatus())
            await until { faults.now.isEmpty }
            // And nothing stands in the way of the next one.
            #expect(try await player.start(timeline, seed: 1).running)
        }
    }
}
