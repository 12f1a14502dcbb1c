public import ServiceKit
public import ServiceLifecycle
public import ServiceTracing
public import ShopAPI
import Synchronization
import Tracing

/// Shoppers that nobody has to pay: traffic in the background, and runs of it.
///
/// It is open-loop: an arrival begins when its schedule says so, whether or not the ones before it are done, so that
/// a slow shop shows as latency and not as less traffic.
public final class LoadGenerator: Service {
    /// What is bounded, and by how much.
    public struct Limits: Hashable, Sendable {
        /// Journeys under way at once; an arrival over it is shed, never queued.
        public var inFlight = 256
        /// An arrival that is noticed later than this is shed: the process was stopped, or its machine frozen without the
        /// clock's knowing, and what did not come in a night must not come in the second after it.
        public var lateness = Duration.seconds(5)
        /// The same of a run or a show, which were asked for and have an end: they are played also on a machine that is far
        /// too slow for them.
        public var plannedLateness = Duration.seconds(300)
        /// Runs active at once.
        public var runs = 16
        /// Requests a minute of any traffic.
        public var requestsPerMinute = 60_000
        /// How long journeys under way may still take when the service stops.
        public var grace = Duration.seconds(3)

        public init() {}
    }

    private struct Arrival: Sendable {
        let journey: PlannedJourney
        let moment: ShowMoment?
        let source: TrafficSource
    }

    private let book: JourneyBook
    private let shopper: Shopper
    private let limits: Limits
    private let clock: any Clock<Duration>
    private let ledger: Mutex<TrafficLedger>
    /// Signals that there are schedules to follow.
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// As long as `Limits.inFlight` at most, since nothing is put in that was not admitted.
    private let arrivals = AsyncStream.makeStream(of: Arrival.self)
    /// Runs on while shows are paused.
    private let uptime: Stopwatch
    /// Says that a show is over.
    let showNews = Wake()
    /// Ends when the service stops and no journey is under way any more.
    private let over = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - caller: With the load generator's own tracer.
    ///   - seed: The same seed plays the same journeys.
    ///   - clock: By default one that stands still while the machine sleeps: a laptop that was closed for an hour
    ///     must not make up for it when it is opened.
    public init(
        book: JourneyBook,
        caller: ServiceCaller,
        tracer: ServiceTracer,
        seed: UInt64,
        limits: Limits = Limits(),
        clock: any Clock<Duration> = SuspendingClock()
    ) {
        self.book = book
        self.limits = limits
        self.clock = clock
        uptime = Stopwatch(clock)
        shopper = Shopper(caller: caller, tracer: tracer, clock: clock)
        ledger = Mutex(TrafficLedger(planner: JourneyPlanner(book: book, seed: seed), limits: limits))
    }

    /// Changes the background traffic, from now on: its first shopper comes at once, so the services should listen.
    /// Before the first call there is none.
    ///
    /// - Parameter requestsPerMinute: 0 is none; what is over the limit is the limit.
    public func setBackgroundTraffic(requestsPerMinute: Int) {
        let rate = min(max(0, requestsPerMinute), limits.requestsPerMinute)
        ledger.withLock { $0.setBackground(rate, Stopwatch(clock)) }
        wakes.continuation.yield()
    }

    /// The background traffic.
    public var backgroundTraffic: TrafficRate {
        ledger.withLock { ledger in
            TrafficRate(
                requests_per_minute: ledger.backgroundRate,
                running: ledger.traffic[.background]?.isDriven ?? false
            )
        }
    }

    /// What was done so far, and by which traffic.
    public var stats: LoadGeneratorStats { ledger.withLock { $0.stats } }

    /// Follows the schedules and makes the journeys until the service stops; then the journeys under way have
    /// `Limits.grace` to end.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.makeJourneys() }
                group.addTask {
                    await self.followSchedules()
                    self.arrivals.continuation.finish()
                }
            }
        } onGracefulShutdown: {
            self.stop()
        }
        // After a cancellation as well, nothing more is accepted.
        stop()
    }
}

extension LoadGenerator {
    /// A run that has been started.
    public struct StartedRun: Sendable {
        public let id: String
        fileprivate let done: AsyncStream<TrafficRun>

        /// Waits for its end. To be called once.
        ///
        /// - Throws: `CancellationError`; the run goes on.
        public func end() async throws -> TrafficRun {
            for await run in done { return run }
            throw CancellationError()
        }
    }

    /// Starts a run, to be made beside whatever else there is.
    ///
    /// - Parameter seed: Where the run shall play the same journeys whatever ran before it.
    /// - Throws: `ServiceError` 409 when too many are active, 503 when the service stops.
    public func startRun(_ schedule: ArrivalSchedule, seed: UInt64? = nil) throws(ServiceError) -> StartedRun {
        let planner = seed.map { JourneyPlanner(book: book, seed: $0) }
        let watch = Stopwatch(clock)
        let result = ledger.withLock { ledger in
            Result { () throws(ServiceError) in try ledger.startRun(schedule, watch, planner: planner) }
        }
        let run = try result.get()
        wakes.continuation.yield()
        return StartedRun(id: run.id, done: run.done)
    }

    /// Makes one journey and waits for it.
    ///
    /// - Parameters:
    ///   - context: What the journey is a part of.
    /// - Throws: What ended the journey early; `ServiceError` 503 when there is no room for it.
    func make(_ journey: String, in context: InstrumentationContext) async throws -> JourneyAnswer {
        let plan = try ledger.withLock { try $0.admitRequest(for: journey) }
        let outcome = await shopper.make(plan, in: context) { self.stepped($0, of: .request) }
        finish(outcome, of: .request)
        if let failure = outcome.failure { throw failure }
        return JourneyAnswer(journey: plan.name, traceID: outcome.traceID.description, steps: outcome.steps)
    }
}

// Shows of scenarios: what is played, and from where on. Which faults belong to it is the player's business.
extension LoadGenerator {
    /// Begins a show. The background traffic waits until it is over.
    ///
    /// - Parameter seed: Nil for the generator's own.
    /// - Throws: `ServiceError` 409 when one is on, 503 when the service stops.
    func startShow(_ timeline: ScenarioTimeline, seed: UInt64?) throws(ServiceError) {
        try changeShow { ledger, watch throws(ServiceError) in try ledger.startShow(timeline, seed: seed, watch) }
    }

    /// Stands still where it is.
    ///
    /// - Throws: `ServiceError` 409 when none is on, or it stands still already.
    func pauseShow() throws(ServiceError) {
        try changeShow { ledger, _ throws(ServiceError) in try ledger.pauseShow() }
    }

    /// Goes on from where it stands, without leaving an arrival out.
    ///
    /// - Throws: `ServiceError` 409 when none is on, or it is not paused.
    func resumeShow() throws(ServiceError) {
        try changeShow { ledger, watch throws(ServiceError) in try ledger.resumeShow(watch) }
    }

    /// Goes on from the beginning of a phase, which plays what it would have played.
    ///
    /// - Throws: `ServiceError` 409 when none is on, or it is paused; 400 when it has no such phase.
    func jumpShow(to phase: String) throws(ServiceError) {
        try changeShow { ledger, watch throws(ServiceError) in try ledger.jumpShow(to: phase, watch) }
    }

    /// Ends it. What has begun is finished.
    ///
    /// - Throws: `ServiceError` 409 when none is on.
    func stopShow() throws(ServiceError) {
        try changeShow { ledger, watch throws(ServiceError) in try ledger.stopShow(watch) }
    }

    /// Ends it if one is on, and forgets it.
    func forgetShow() {
        let watch = Stopwatch(clock)
        ledger.withLock { $0.forgetShow(watch) }
        wakes.continuation.yield()
    }

    /// The scenario that is on, or the last that was.
    var show: ShowReport? { ledger.withLock { $0.showReport(now: uptime.elapsed) } }

    /// Whether a scenario is on, now or after a pause.
    var isPlaying: Bool { ledger.withLock { $0.show?.isOn ?? false } }

    /// Journeys under way, of all traffic.
    var inFlight: Int { ledger.withLock { $0.totals.in_flight } }

    private func changeShow(
        _ change: (inout TrafficLedger, Stopwatch) throws(ServiceError) -> Void
    ) throws(ServiceError) {
        let watch = Stopwatch(clock)
        let result = ledger.withLock { ledger in
            Result { () throws(ServiceError) in try change(&ledger, watch) }
        }
        try result.get()
        wakes.continuation.yield()
    }
}

extension LoadGenerator {
    private func followSchedules() async {
        await withDiscardingTaskGroup { group in
            for await _ in wakes.stream {
                for drive in ledger.withLock({ $0.takePending() }) {
                    group.addTask { await self.follow(drive) }
                }
            }
        }
    }

    private func follow(_ drive: Drive) async {
        await first(
            { await self.arrive(drive) },
            { for await _ in drive.stopped {} }
        )
        ledger.withLock { $0.ended(drive) }
        if drive.course.timeline != nil {
            showNews.signal()
            // The background traffic may have its turn again.
            wakes.continuation.yield()
        }
    }

    /// Each arrival at its time, counted from the start: a late one does not make the next one late.
    private func arrive(_ drive: Drive) async {
        let course = drive.course
        var arrival = course.firstArrival
        while let place = course.schedule.place(ofArrival: arrival) {
            let due = place.offset - course.origin
            guard (try? await drive.watch.wait(until: due)) != nil else { return }
            let lateness = max(.zero, drive.watch.elapsed - due)
            let admission = ledger.withLock { ledger in
                ledger.admit(drive, segment: place.segment, at: place.offset, lateness: lateness)
            }
            switch admission {
            case .journey(let journey, let moment):
                arrivals.continuation.yield(Arrival(journey: journey, moment: moment, source: drive.source))
            case .shed: break
            case .refused: return
            }
            arrival += 1
        }
        if let duration = course.schedule.duration { try? await drive.watch.wait(until: duration - course.origin) }
    }

    private func makeJourneys() async {
        await withDiscardingTaskGroup { group in
            for await arrival in arrivals.stream {
                group.addTask {
                    let outcome = await self.shopper.make(arrival.journey, in: .topLevel, at: arrival.moment) {
                        self.stepped($0, of: arrival.source)
                    }
                    self.finish(outcome, of: arrival.source)
                }
            }
            await first(
                { try? await self.clock.sleep(for: self.limits.grace) },
                { for await _ in self.over.stream {} }
            )
            group.cancelAll()
        }
    }

    private func stepped(_ step: StepOutcome, of source: TrafficSource) {
        ledger.withLock { $0.stepped(step, of: source, now: uptime.elapsed) }
    }

    private func finish(_ outcome: JourneyOutcome, of source: TrafficSource) {
        let isOver = ledger.withLock { ledger in
            ledger.finished(outcome, of: source)
            return ledger.isOver
        }
        if isOver { over.continuation.finish() }
    }

    private func stop() {
        let isOver = ledger.withLock { ledger in
            ledger.stop()
            return ledger.isOver
        }
        wakes.continuation.finish()
        if isOver { over.continuation.finish() }
    }
}

/// Runs both and returns when one has ended and the other, cancelled then, as well.
func first(
    _ one: @escaping @Sendable () async -> Void,
    _ other: @escaping @Sendable () async -> Void
) async {
    await withTaskGroup { group in
        group.addTask { await one() }
        group.addTask { await other() }
        await group.next()
        group.cancelAll()
    }
}
