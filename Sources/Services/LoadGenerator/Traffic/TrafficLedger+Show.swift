import HTTPTypes
import ServiceKit
import ShopAPI

/// A scenario that is played, or was: where it stands, and what it has done so far.
struct Show: Sendable {
    enum State: Hashable, Sendable {
        case running, paused, over
    }

    let source: TrafficSource
    let timeline: ScenarioTimeline
    let seed: UInt64
    fileprivate(set) var state = State.running
    /// Where it stood when it was last set going.
    fileprivate var origin = Duration.zero
    /// Since then; nil while it stands still.
    fileprivate var watch: Stopwatch?
    /// What happened in each minute of the scenario's file.
    fileprivate(set) var minutes: [ScenarioStatus.Minute] = []
    var latencies = RecentLatencies()

    /// Whether it goes on, now or after a pause.
    var isOn: Bool { state != .over }

    var position: Duration { min(timeline.duration, origin + (watch?.elapsed ?? .zero)) }

    /// Journeys a minute that it asks for now.
    var rate: Double { state == .running ? timeline.schedule.rate(at: position) : 0 }

    /// Counts what has happened in a minute, by default in the one that is now.
    mutating func count(
        _ source: TrafficSource,
        inMinute minute: Int? = nil,
        _ change: (inout ScenarioStatus.Minute) -> Void
    ) {
        guard source == self.source else { return }
        let minute = minute ?? timeline.minute(at: position)
        while minutes.count <= minute { minutes.append(ScenarioStatus.Minute(minute: minutes.count)) }
        change(&minutes[minute])
    }

    /// Stands still where it is.
    mutating func hold() {
        origin = position
        watch = nil
        state = .paused
    }

    mutating func end() {
        hold()
        state = .over
    }

    /// Goes on from a moment.
    fileprivate mutating func go(from origin: Duration, _ watch: Stopwatch) {
        self.origin = origin
        self.watch = watch
        state = .running
    }
}

/// A show at one moment.
struct ShowReport: Sendable {
    let show: Show
    let position: Duration
    let totals: TrafficTotals
    let hash: String
    fileprivate let now: Duration

    /// Of the requests of the last moments, in milliseconds.
    var p95: Double? { show.latencies.p95(at: now) }
}

// Shows: one at a time. Its arrivals are those of its schedule, in order and none left out, however late: what a seed
// plays depends on the scenario, its length, its rate and the jumps that are made, and on nothing else.
extension TrafficLedger {
    /// - Throws: `ServiceError` 409 when one is on, 503 when the service stops.
    mutating func startShow(_ timeline: ScenarioTimeline, seed: UInt64?, _ watch: Stopwatch) throws(ServiceError) {
        try refuseWhenStopping()
        if let show, show.isOn {
            throw ServiceError(.conflict, "scenario_running", "\(show.timeline.scenario.name) is being played already.")
        }
        if let last = show?.source { traffic[last] = nil }
        shows += 1
        let planner = seed.map(planner.reseeded) ?? planner
        let source = TrafficSource.show(shows)
        traffic[source] = Traffic(planner: planner)
        var show = Show(source: source, timeline: timeline, seed: planner.seed)
        show.go(from: .zero, watch)
        self.show = show
        end(.background)
        followShow(watch)
    }

    mutating func pauseShow() throws(ServiceError) {
        let show = try showThatGoes()
        self.show?.hold()
        end(show.source)
    }

    mutating func resumeShow(_ watch: Stopwatch) throws(ServiceError) {
        let show = try showThatIsOn()
        guard show.state == .paused else {
            throw ServiceError(.conflict, "scenario_running", "\(show.timeline.scenario.name) is not paused.")
        }
        self.show?.go(from: show.position, watch)
        followShow(watch)
    }

    mutating func jumpShow(to name: String, _ watch: Stopwatch) throws(ServiceError) {
        let show = try showThatIsOn()
        guard let phase = show.timeline.phase(named: name) else {
            let names = show.timeline.scenario.phases.map(\.name).joined(separator: ", ")
            throw ServiceError(.badRequest, "unknown_phase", "phase must be one of \(names).")
        }
        _ = try showThatGoes()
        end(show.source)
        traffic[show.source]?.next = show.timeline.schedule.firstArrival(inSegment: phase)
        self.show?.go(from: show.timeline.start(ofPhase: phase), watch)
        followShow(watch)
    }

    mutating func stopShow(_ watch: Stopwatch) throws(ServiceError) {
        let show = try showThatIsOn()
        end(show.source)
        showIsOver(watch)
    }

    /// Ends it if one is on, and forgets it.
    mutating func forgetShow(_ watch: Stopwatch) {
        if let show {
            end(show.source)
            traffic[show.source] = nil
        }
        let wasOn = show?.isOn ?? false
        show = nil
        if wasOn { setBackground(backgroundRate, watch) }
    }

    /// The background traffic has its turn again.
    mutating func showIsOver(_ watch: Stopwatch) {
        guard show?.isOn == true else { return }
        show?.end()
        setBackground(backgroundRate, watch.restarted)
    }

    /// - Parameter now: As `stepped` was told.
    func showReport(now: Duration) -> ShowReport? {
        guard let show, let traffic = traffic[show.source] else { return nil }
        return ShowReport(
            show: show,
            position: show.position,
            totals: traffic.totals,
            hash: traffic.hash.description,
            now: now
        )
    }

    private mutating func followShow(_ watch: Stopwatch) {
        guard let show, let next = traffic[show.source]?.next else { return }
        let course = Course(
            schedule: show.timeline.schedule,
            origin: show.position,
            firstArrival: next,
            timeline: show.timeline
        )
        follow(course, show.source, watch)
    }

    private func showThatIsOn() throws(ServiceError) -> Show {
        guard let show, show.isOn else {
            throw ServiceError(.conflict, "scenario_not_running", "No scenario is being played.")
        }
        return show
    }

    private func showThatGoes() throws(ServiceError) -> Show {
        let show = try showThatIsOn()
        guard show.state == .running else {
            throw ServiceError(
                .conflict,
                "scenario_paused",
                "\(show.timeline.scenario.name) is paused: resume it first."
            )
        }
        return show
    }
}
