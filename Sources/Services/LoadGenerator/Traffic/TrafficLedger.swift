import HTTPTypes
import ServiceKit
import ShopAPI

/// What makes shoppers arrive.
enum TrafficSource: Hashable, Sendable {
    /// The traffic that is always there, at a rate that may change.
    case background
    /// A run, by its number.
    case run(Int)
    /// A show of a scenario, by its number.
    case show(Int)
    /// Scripts that ask for one journey.
    case request
}

/// A schedule to be followed.
struct Drive: Sendable {
    let source: TrafficSource
    /// Tells it from an earlier one of the same source.
    let number: Int
    let course: Course
    let watch: Stopwatch
    /// Ends when the drive shall.
    let stopped: AsyncStream<Void>
}

/// A schedule, and from where on it is followed.
struct Course: Sendable {
    let schedule: ArrivalSchedule
    /// How far into the schedule the watch's start is.
    var origin = Duration.zero
    /// The first arrival that is still to come; it may have been due before `origin`.
    var firstArrival = 0
    /// What is played, where it is a show.
    var timeline: ScenarioTimeline?
}

/// The books of the load generator: which traffic there is and what it has done. Counters only, so that days of
/// traffic take no more memory than a minute. Time and tasks are the caller's.
struct TrafficLedger: Sendable {
    /// What becomes of an arrival.
    enum Admission {
        case journey(PlannedJourney, ShowMoment?)
        case shed
        /// The drive it came from is over.
        case refused
    }

    struct Traffic {
        let planner: JourneyPlanner
        /// The number of the arrival that comes next.
        var next = 0
        var hash = JourneyHash()
        var totals = TrafficTotals()
        /// The last schedule there was.
        var drive: Drive?
        /// Whether it is still being followed.
        var isDriven = false
        var stop: AsyncStream<Void>.Continuation?
        var wasStopped = false
        var done: AsyncStream<TrafficRun>.Continuation?
    }

    /// An arrival that begins later than this is counted as late.
    static let tolerance = Duration.milliseconds(50)
    static let finishedRunsKept = 20

    let planner: JourneyPlanner
    private let limits: LoadGenerator.Limits
    var traffic: [TrafficSource: Traffic]
    private var finished: [TrafficRun] = []
    private(set) var totals = TrafficTotals()
    private var pending: [Drive] = []
    private var drives = 0
    private var runs = 0
    private(set) var isStopping = false
    /// Journeys a minute that the background traffic shall have; while a show is on, it waits.
    private(set) var backgroundRate = 0
    /// The scenario that is on, or the last that was.
    var show: Show?
    var shows = 0

    init(planner: JourneyPlanner, limits: LoadGenerator.Limits) {
        self.planner = planner
        self.limits = limits
        traffic = [.background: Traffic(planner: planner), .request: Traffic(planner: planner.forked(0))]
    }

    /// Whether nothing is under way and nothing will be.
    var isOver: Bool { isStopping && totals.in_flight == 0 }

    // MARK: Schedules

    /// Adds a run.
    ///
    /// - Parameter planner: Where the run is a show of its own; otherwise its journeys follow from the generator's seed
    ///   and the run's number.
    /// - Throws: `ServiceError` 409 when there are too many, 503 when the service stops.
    mutating func startRun(
        _ schedule: ArrivalSchedule,
        _ watch: Stopwatch,
        planner: JourneyPlanner? = nil
    ) throws(ServiceError) -> (id: String, done: AsyncStream<TrafficRun>) {
        try refuseWhenStopping()
        guard activeRuns.count < limits.runs else {
            throw ServiceError(.conflict, "too_many_runs", "\(limits.runs) runs are active already.")
        }
        runs += 1
        let (done, continuation) = AsyncStream.makeStream(of: TrafficRun.self, bufferingPolicy: .bufferingNewest(1))
        traffic[.run(runs)] = Traffic(planner: planner ?? self.planner.forked(runs), done: continuation)
        follow(Course(schedule: schedule), .run(runs), watch)
        return (Self.id(of: .run(runs)), done)
    }

    /// Gives the background traffic another rate. Its arrivals are counted on. While a show is on, there is none: the
    /// show's rates are the shop's.
    ///
    /// - Parameter rate: Journeys a minute; 0 is none.
    mutating func setBackground(_ rate: Int, _ watch: Stopwatch) {
        backgroundRate = rate
        end(.background)
        guard rate > 0, !isStopping, show?.isOn != true else { return }
        follow(Course(schedule: .constant(requestsPerMinute: rate, seconds: nil)), .background, watch)
    }

    /// The schedules to be followed that nobody follows yet.
    mutating func takePending() -> [Drive] {
        defer { pending = [] }
        return pending
    }

    /// No more arrivals.
    mutating func stop() {
        isStopping = true
        show?.end()
        for source in traffic.keys { end(source) }
    }

    /// A schedule was followed to its end.
    mutating func ended(_ drive: Drive) {
        guard let known = traffic[drive.source], known.isDriven, known.drive?.number == drive.number else { return }
        traffic[drive.source]?.isDriven = false
        settle(drive.source)
        if drive.source == show?.source { showIsOver(drive.watch) }
    }

    mutating func end(_ source: TrafficSource) {
        guard let known = traffic[source], known.isDriven else { return }
        known.stop?.finish()
        traffic[source]?.isDriven = false
        traffic[source]?.wasStopped = true
        settle(source)
    }

    mutating func follow(_ course: Course, _ source: TrafficSource, _ watch: Stopwatch) {
        drives += 1
        let (stopped, stop) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let drive = Drive(source: source, number: drives, course: course, watch: watch, stopped: stopped)
        traffic[source]?.drive = drive
        traffic[source]?.isDriven = true
        traffic[source]?.stop = stop
        pending.append(drive)
    }

    /// Files a run whose schedule is over and whose last journey has ended.
    private mutating func settle(_ source: TrafficSource) {
        guard case .run = source, let run = traffic[source], !run.isDriven, run.totals.in_flight == 0 else { return }
        traffic[source] = nil
        let report = report(source, run)
        finished.insert(report, at: 0)
        finished.removeLast(max(0, finished.count - Self.finishedRunsKept))
        run.done?.yield(report)
        run.done?.finish()
    }
}

// What arrives.
extension TrafficLedger {
    /// Plans the next arrival of a drive, at its time. One over the bound, or far too late, is counted and dropped, but
    /// stays in the hash: what a seed plays must not depend on how fast the shop is.
    ///
    /// - Parameter segment: Of the schedule, in which it comes.
    mutating func admit(_ drive: Drive, segment: Int = 0, at offset: Duration, lateness: Duration) -> Admission {
        guard let known = traffic[drive.source], known.isDriven, known.drive?.number == drive.number else {
            return .refused
        }
        let timeline = drive.course.timeline
        let plan = known.planner.plan(known.next, mix: timeline?.scenario.phases[segment].mix)
        traffic[drive.source]?.next += 1
        traffic[drive.source]?.hash.add(plan)
        count(drive.source) { totals in
            if lateness > Self.tolerance { totals.late += 1 }
            totals.max_lateness_ms = max(totals.max_lateness_ms, lateness.milliseconds)
        }
        let bearable = if case .background = drive.source { limits.lateness } else { limits.plannedLateness }
        guard totals.in_flight < limits.inFlight, lateness <= bearable else {
            count(drive.source) { $0.shed += 1 }
            return .shed
        }
        begin(plan, of: drive.source)
        let moment = timeline.map { ShowMoment($0, segment: segment, at: offset) }
        if let moment { show?.count(drive.source, inMinute: moment.minute) { $0.requests += 1 } }
        return .journey(plan, moment)
    }

    /// Plans a journey that a script asks for.
    ///
    /// - Throws: `ServiceError` 503 when too many journeys are under way or the service stops.
    mutating func admitRequest(for journey: String) throws(ServiceError) -> PlannedJourney {
        try refuseWhenStopping()
        guard totals.in_flight < limits.inFlight, let known = traffic[.request] else {
            throw ServiceError(
                .serviceUnavailable,
                "too_many_journeys",
                "\(limits.inFlight) journeys are under way already.",
                headers: [.retryAfter: "1"]
            )
        }
        let plan = known.planner.plan(known.next, journey: journey)
        traffic[.request]?.next += 1
        begin(plan, of: .request)
        return plan
    }

    /// A journey that was admitted has ended.
    mutating func finished(_ outcome: JourneyOutcome, of source: TrafficSource) {
        count(source) { totals in
            totals.in_flight -= 1
            if outcome.failure != nil { totals.errors += 1 }
        }
        if outcome.failure != nil { show?.count(source) { $0.errors += 1 } }
        settle(source)
    }

    /// A step of a journey has ended: counted at once, since what it says is about this moment.
    ///
    /// - Parameter now: On a clock that goes on while a show is paused.
    mutating func stepped(_ step: StepOutcome, of source: TrafficSource, now: Duration) {
        if step.isCheckout {
            count(source) { totals in
                totals.checkouts_attempted += 1
                if step.hasFailed { totals.checkouts_failed += 1 }
            }
            show?.count(source) { minute in
                minute.checkouts_attempted += 1
                if step.hasFailed { minute.checkouts_failed += 1 }
            }
        }
        if source == show?.source { show?.latencies.add(step.duration, at: now) }
    }

    private mutating func begin(_ plan: PlannedJourney, of source: TrafficSource) {
        count(source) { totals in
            totals.journeys[plan.name, default: 0] += 1
            totals.requests += 1
            totals.in_flight += 1
        }
    }

    /// Changes the source's own counters and those of all together.
    private mutating func count(_ source: TrafficSource, _ change: (inout TrafficTotals) -> Void) {
        change(&totals)
        if var known = traffic[source] {
            change(&known.totals)
            traffic[source] = known
        }
    }

    func refuseWhenStopping() throws(ServiceError) {
        guard isStopping else { return }
        throw ServiceError(
            .serviceUnavailable,
            "shutting_down",
            "The load generator is shutting down.",
            headers: [.retryAfter: "5"]
        )
    }
}

// What is told of it.
extension TrafficLedger {
    var stats: LoadGeneratorStats {
        let active = activeRuns.compactMap { source in traffic[source].map { report(source, $0) } }
        let background = report(.background, traffic[.background] ?? Traffic(planner: planner))
        return LoadGeneratorStats(
            totals: totals,
            current_rpm: active.reduce(background.current_rpm + (show?.rate ?? 0)) { $0 + $1.current_rpm },
            seed: planner.seed,
            background: background,
            runs: active + finished
        )
    }

    /// The latest first.
    private var activeRuns: [TrafficSource] {
        let numbers = traffic.keys.compactMap { source in if case .run(let number) = source { number } else { nil } }
        return numbers.sorted(by: >).map(TrafficSource.run)
    }

    private func report(_ source: TrafficSource, _ traffic: Traffic) -> TrafficRun {
        let elapsed = traffic.drive?.watch.elapsed ?? .zero
        let rate = traffic.isDriven ? traffic.drive?.course.schedule.rate(at: elapsed) ?? 0 : 0
        let isUnderWay = traffic.isDriven || traffic.totals.in_flight > 0
        return TrafficRun(
            run_id: Self.id(of: source),
            status: isUnderWay ? .running : traffic.wasStopped ? .stopped : .complete,
            elapsed_seconds: (elapsed.inSeconds * 1000).rounded() / 1000,
            duration_seconds: traffic.drive?.course.schedule.duration?.inSeconds,
            current_rpm: (rate * 1000).rounded() / 1000,
            journey_hash: traffic.hash.description,
            totals: traffic.totals
        )
    }

    private static func id(of source: TrafficSource) -> String {
        switch source {
        case .background: "background"
        case .run(let number): "run-\(number)"
        case .show(let number): "show-\(number)"
        case .request: "requests"
        }
    }
}
