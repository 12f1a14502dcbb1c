import Commerce
import Faults
import ShopAPI
import Storage
import Synchronization

@testable import LoadGeneratorService

extension FaultSetting {
    /// Whether both are of one fault in one service, by one hand.
    fileprivate func isSwitch(of other: FaultSetting) -> Bool {
        (name, service, setBy) == (other.name, other.service, other.setBy)
    }
}

/// Fault switches that nobody else has, in memory.
final class FakeFaults: FaultControl {
    private struct State {
        var set: [FaultSetting] = []
        var mode = DemoMode.normal
        var isBroken = false
        var tries = 0
    }

    private let state = Mutex(State())

    init(_ settings: [FaultSetting] = []) {
        state.withLock { $0.set = settings }
    }

    var now: FaultSet { state.withLock { DemoState(mode: $0.mode, layers: $0.set).faults } }
    /// How often somebody has tried to change something.
    var tries: Int { state.withLock { $0.tries } }
    var isBroken: Bool {
        get { state.withLock { $0.isBroken } }
        set { state.withLock { $0.isBroken = newValue } }
    }

    func settings() async throws -> FaultSet { now }

    func set(_ settings: [FaultSetting]) async throws {
        try change { set in
            for setting in settings {
                set.removeAll { $0.isSwitch(of: setting) }
                set.append(setting)
            }
        }
    }

    func clear(_ name: FaultName, services: [String]?) async throws {
        try change { set in
            set.removeAll { $0.name == name && services.map(Set.init)?.contains($0.service) != false }
        }
    }

    func clear(_ settings: [FaultSetting]) async throws {
        try change { set in set.removeAll { one in settings.contains { $0.isSwitch(of: one) } } }
    }

    func clear(setBy origin: FaultOrigin) async throws {
        try change { set in set.removeAll { $0.setBy == origin } }
    }

    func reset() async throws { try change { $0 = [] } }
    func mode() async throws -> DemoMode { state.withLock { $0.mode } }
    func setMode(_ mode: DemoMode) async throws { state.withLock { $0.mode = mode } }

    private func change(_ body: (inout [FaultSetting]) -> Void) throws {
        try state.withLock { state in
            state.tries += 1
            if state.isBroken { throw StorageError(.unavailable, "gone") }
            body(&state.set)
        }
    }
}

extension Bench {
    static func blackFriday(minutes: Double = 1.5) throws -> ScenarioTimeline {
        guard let scenario = try ScenarioBook.fixture(.fixture())["blackfriday"] else { throw CancellationError() }
        return ScenarioTimeline(scenario, minutes: minutes)
    }

    var show: ShowReport? { generator.show }

    /// Turns the clock by so much at a time until the show is over.
    func playToTheEnd(by step: Duration = .seconds(1)) async {
        while generator.isPlaying, !Task.isCancelled {
            await until { clock.sleepers > 0 || !generator.isPlaying }
            if generator.isPlaying { clock.advance(by: step) }
        }
        await until { generator.inFlight == 0 }
    }

    /// What the arrivals of a timeline come to.
    static func hash(_ timeline: ScenarioTimeline, seed: UInt64, _ arrivals: Range<Int>...) throws -> String {
        let planner = JourneyPlanner(book: try .fixture(), seed: seed)
        var hash = JourneyHash()
        for arrival in arrivals.joined() {
            guard let place = timeline.schedule.place(ofArrival: arrival) else { break }
            hash.add(planner.plan(arrival, mix: timeline.scenario.phases[place.segment].mix))
        }
        return hash.description
    }
}
