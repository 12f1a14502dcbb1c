public import Faults
import ServiceKit
public import ServiceLifecycle
public import ShopAPI

/// Plays scenarios, one at a time: the load generator makes the traffic, and this switches the faults that belong to
/// each moment.
///
/// Faults follow what should be on, one change after the other in one loop: whatever is pressed meanwhile, the last
/// word counts, and a store that does not answer is asked again.
public actor ScenarioPlayer: Service {
    /// Between two tries when the faults cannot be switched.
    private static let retry = Duration.seconds(1)

    private let generator: LoadGenerator
    private let faults: any FaultControl
    private let clock: any Clock<Duration>
    /// What this has switched on.
    private var applied = FaultSet()
    private var lastError: String?

    /// - Parameters:
    ///   - clock: The generator's.
    public init(
        generator: LoadGenerator,
        faults: any FaultControl,
        clock: any Clock<Duration> = SuspendingClock()
    ) {
        self.generator = generator
        self.faults = faults
        self.clock = clock
    }

    /// Begins a scenario; the background traffic waits until it is over.
    ///
    /// - Throws: `ServiceError` 409 when one is being played.
    public func start(_ timeline: ScenarioTimeline, seed: UInt64?) throws -> ScenarioStatus {
        try change { () throws(ServiceError) in try generator.startShow(timeline, seed: seed) }
    }

    /// Time and traffic stand still; the faults stay as they are.
    ///
    /// - Throws: `ServiceError` 409 when none is played, or it is paused.
    public func pause() throws -> ScenarioStatus {
        try change { () throws(ServiceError) in try generator.pauseShow() }
    }

    /// Goes on where it was paused.
    ///
    /// - Throws: `ServiceError` 409 when none is played, or it is not paused.
    public func resume() throws -> ScenarioStatus {
        try change { () throws(ServiceError) in try generator.resumeShow() }
    }

    /// Goes on at the beginning of a phase, before or after where it is.
    ///
    /// - Throws: `ServiceError` 409 when none is played, or it is paused; 400 for an unknown phase.
    public func jump(to phase: String) throws -> ScenarioStatus {
        try change { () throws(ServiceError) in try generator.jumpShow(to: phase) }
    }

    /// Ends it and what it has switched on.
    ///
    /// - Throws: `ServiceError` 409 when none is played.
    public func stop() throws -> ScenarioStatus {
        try change { () throws(ServiceError) in try generator.stopShow() }
    }

    /// As if none had ever been played.
    public func reset() -> ScenarioStatus {
        generator.forgetShow()
        generator.showNews.signal()
        return status
    }

    /// Where it stands.
    public var status: ScenarioStatus {
        var status = generator.show.map(ScenarioStatus.init) ?? ScenarioStatus()
        status.last_error = lastError
        return status
    }

    /// Keeps the faults as the scenario has them, until the service stops; then none of them is left on.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.follow() }
        try? await faults.clear(setBy: .scenario)
    }

    private func change(_ command: () throws(ServiceError) -> Void) throws -> ScenarioStatus {
        try command()
        generator.showNews.signal()
        return status
    }

    private func follow() async {
        // A load generator that was killed has left its faults behind, and nobody else would end them.
        while await !succeeds({ try await faults.clear(setBy: .scenario) }) {
            await generator.showNews.wait(for: Self.retry, clock)
            if Task.isCancelled { return }
        }
        while !Task.isCancelled {
            let wait = await adjust()
            await generator.showNews.wait(for: wait, clock)
        }
    }

    /// Makes the faults what they should be now.
    ///
    /// - Returns: How long they stay so; nil until there is news.
    private func adjust() async -> Duration? {
        let report = generator.show
        let wanted = report.map { $0.show.isOn ? $0.show.timeline.faults(at: $0.position) : FaultSet() } ?? FaultSet()
        if wanted != applied {
            guard await succeeds({ try await switchFaults(to: wanted) }) else { return Self.retry }
        }
        guard let report, report.show.state == .running else { return nil }
        let change = report.show.timeline.change(after: report.position) ?? report.show.timeline.duration
        // The last one may take a moment more: its end is news.
        return max(.milliseconds(1), change - report.position)
    }

    private func switchFaults(to wanted: FaultSet) async throws {
        if wanted.isEmpty {
            try await faults.clear(setBy: .scenario)
        } else {
            let isOver = applied.all.filter { wanted[$0.name, $0.service] == nil }
            // What a presenter has set of the same meanwhile is the presenter's.
            if !isOver.isEmpty { try await faults.clear(isOver) }
            let new = wanted.all.filter { applied[$0.name, $0.service] != $0 }
            if !new.isEmpty { try await faults.set(new) }
        }
        applied = wanted
    }

    private func succeeds(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            lastError = nil
            return true
        } catch {
            lastError = "The faults cannot be switched: \(ServiceError(mapping: error).message)"
            return false
        }
    }
}

extension ScenarioStatus {
    fileprivate init(_ report: ShowReport) {
        self.init()
        let (show, scenario) = (report.show, report.show.timeline.scenario)
        running = show.isOn
        paused = show.state == .paused
        self.scenario = scenario.name
        seed = show.seed
        if show.isOn {
            let phase = scenario.phases[show.timeline.phase(at: report.position)]
            self.phase = phase.name
            talking_point = phase.talkingPoint
        }
        elapsed_seconds = rounded(report.position.inSeconds)
        duration_seconds = rounded(show.timeline.duration.inSeconds)
        current_rpm = rounded(show.rate)
        requests_sent = report.totals.requests
        errors = report.totals.errors
        checkouts_attempted = report.totals.checkouts_attempted
        checkouts_failed = report.totals.checkouts_failed
        in_flight = report.totals.in_flight
        late = report.totals.late
        shed = report.totals.shed
        p95_ms = report.p95
        journey_hash = report.hash
        minutes = show.minutes
    }
}

/// To the thousandth.
private func rounded(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }

extension Scenario {
    /// For a list.
    public var summary: ScenarioSummary {
        var begun = 0.0
        return ScenarioSummary(
            name: name,
            title: title,
            description: description,
            duration_minutes: durationMinutes,
            peak_rpm: peakRPM,
            phases: phases.map { phase in
                let from = begun
                begun += phase.minutes
                return ScenarioSummary.Phase(
                    name: phase.name,
                    from: share(from),
                    to: share(begun),
                    talking_point: phase.talkingPoint
                )
            }
        )
    }

    private func share(_ minutes: Double) -> Double { (minutes / durationMinutes * 1e4).rounded() / 1e4 }
}
