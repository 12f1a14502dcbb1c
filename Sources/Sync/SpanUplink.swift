public import ConsoleAPI
public import HTTPClient
public import Logging
public import ServiceTracing
import Synchronization
public import TelemetryBuffer
import Tracing

/// Takes buffered spans to an OTLP/HTTP backend: nothing lost, nothing doubled that an answer was received for.
///
/// A drain is a span of its own, `upload spans`, but only when it carried more than earlier such spans: a lane that
/// recorded a span for sending a span would never be done.
public actor SpanUplink: Lane {
    let outbox: SpanOutbox
    private let transport: any HTTPTransport
    private let upstream: SpanUpstream?
    let options: SpanUplinkOptions
    let clock: any TraceClock
    private let tracer: ServiceTracer?
    let packer = Packer()
    let logger: Logger

    var condition: LaneCondition
    private nonisolated let isStopping = Mutex(false)
    /// Whether a round is under way, which can be only one.
    private var isBusy = false
    private var isDraining = false
    /// Told how many requests are under way whenever nothing else is done but to wait for their answers: for a simulated
    /// network, which gives them in an order of its own.
    private(set) var onWaiting: (@Sendable (Int) -> Void)?
    /// Of what has arrived: refused spans, or a warning. The last word until a whole batch is taken.
    private var notice: String?
    private var heldNotice: String?
    private var sweptAt: UInt64?
    /// Without its content; made once, and again when blocked.
    private var request: OutgoingRequest?
    /// What is known of the upstream's clock.
    var skew = ClockSkew()
    /// When the upstream was last asked for the time.
    var askedAt: UInt64?
    /// How much is sent at a time.
    var pace: SpanPace
    /// How much the shop is spared.
    var courtesy = Courtesy()
    /// Whether the upstream, as configured, has ever taken a span.
    var hasDelivered = false
    var refusedInARow = 0
    /// Whether the upstream, as configured, has ever taken a request without spans.
    var hasTakenNothing = false
    /// The most spans of this lane's own that may wait to be sent.
    private var ownWaiting = 0

    /// - Parameters:
    ///   - upstream: Nil for nowhere: the lane is disabled, and nothing expires.
    ///   - tracer: Of `sync`; nil to record nothing.
    ///   - clock: `wall` for ages, `monotonic` for waits.
    ///   - seed: Of the jitter.
    public init(
        outbox: SpanOutbox,
        transport: any HTTPTransport,
        upstream: SpanUpstream?,
        tracer: ServiceTracer? = nil,
        options: SpanUplinkOptions = SpanUplinkOptions(),
        isSwitchedOff: Bool = false,
        clock: any TraceClock = SystemTraceClock(),
        seed: UInt64 = .random(in: 0 ... .max),
        logger: Logger
    ) {
        self.outbox = outbox
        self.transport = transport
        self.upstream = upstream
        self.tracer = tracer
        self.options = options
        self.clock = clock
        self.logger = logger
        let backOff = BackOff(base: options.backOffBase, cap: options.backOffCap, seed: seed)
        condition = LaneCondition(backOff: backOff, isSwitchedOff: isSwitchedOff)
        pace = SpanPace(options)
    }

    public func status() -> LaneStatus {
        guard upstream != nil else { return LaneStatus(.disabled) }
        let notice = skew.notice ?? heldNotice ?? outbox.notice ?? notice
        return condition.status(isDraining: isDraining, notice: notice, now: clock.monotonic)
    }

    public func pendingCount() async -> Int { await outbox.pendingCount() }

    public var isClear: Bool { condition.isClear }

    public func setSwitchedOff(_ isSwitchedOff: Bool) {
        condition.setSwitchedOff(isSwitchedOff, now: clock.monotonic)
    }

    /// Ends a back-off, but not what a `Retry-After` asked for.
    public func tryNow() {
        if upstream != nil { condition.tryNow(clock.monotonic) }
    }

    public func networkChanged() {
        if upstream != nil { condition.networkChanged(clock.monotonic) }
    }

    /// Sets what is told of each wait.
    package func onWaiting(_ tell: @escaping @Sendable (Int) -> Void) { onWaiting = tell }

    public nonisolated func stop() {
        isStopping.withLock { $0 = true }
        outbox.stop()
    }

    /// Expires what is too old, and when it is time to, sends until nothing waits or something stands in the way.
    ///
    /// - Returns: Whether anything was taken by the upstream.
    @discardableResult
    public func round() async -> Bool {
        guard let upstream, !isBusy, mayGoOn else { return false }
        isBusy = true
        defer { isBusy = false }
        if skew.forget(ifSetSince: clock, tolerating: options.toleratedStep) { askedAt = nil }
        await expire()
        guard mayBegin, condition.isDue(clock.monotonic), await outbox.pendingCount() > 0 else { return false }
        let request: OutgoingRequest
        do throws(SpanUpstream.Refused) {
            if let known = self.request {
                request = known
            } else {
                request = try upstream.request(timeout: options.timeout, maxAnswerBytes: options.maxAnswerBytes)
            }
        } catch {
            block(error.reason)
            return false
        }
        self.request = request
        isDraining = true
        defer { isDraining = false }
        let exchange = SpanExchange(transport, request, clock)
        guard await knowsTime(exchange) else { return false }
        let span = tracer?.startSpan("upload spans", kind: .internal, context: .topLevel)
        let drained = await drain(exchange)
        await show(drained, span)
        return drained.spans > 0
    }

    /// Ends the drain's span if it carried something else than such spans, so that at the end none waits; a span that is
    /// not ended was never there.
    private func show(_ drained: DrainedSpans, _ span: RecordedSpan?) async {
        let isWorthIt = drained.spans > ownWaiting
        if await outbox.pendingCount() == 0 { ownWaiting = 0 }
        guard isWorthIt, let span else { return }
        ownWaiting += 1
        span.set([
            "popshop.spans.sent": .int(drained.spans - drained.rejected),
            "popshop.spans.rejected": .int(drained.rejected), "popshop.requests": .int(drained.requests),
        ])
        if let obstacle = condition.obstacleName { span.fail(obstacle.name, obstacle.sentence) }
        span.end()
    }

    /// Whether another batch may be begun.
    var mayBegin: Bool { !condition.isSwitchedOff && mayGoOn }

    private var mayGoOn: Bool { !isStopping.withLock { $0 } && !Task.isCancelled }

    /// The starts that the backend takes, by its own clock.
    var window: ClosedRange<UInt64> {
        let now = clock.wall.addingReportingOverflow(UInt64(bitPattern: skew.offset)).partialValue
        let age = options.maxAge.nanoseconds
        return (now > age ? now - age : 0)...(now &+ options.maxAhead.nanoseconds)
    }

    /// Asks the upstream for the time, once for as long as nobody sets this machine's clock: by a wrong one spans would be
    /// sent that are refused, or expire that are not too old. Where the clocks differ, or nothing was learnt, the backend
    /// itself is asked, which may never get a span to answer: all of them may be too old. Again from time to time while it
    /// is not sure.
    private func knowsTime(_ exchange: SpanExchange) async -> Bool {
        guard !skew.isKnown else { return true }
        let now = clock.monotonic
        if let askedAt, now < askedAt &+ options.backOffCap.nanoseconds { return true }
        do throws(HTTPTransportError) {
            let told = try await exchange.time()
            guard learn(told, now) else { return false }
            let asksBackend = told == .untold || skew.notice != nil && !skew.isKnown
            if asksBackend, !learn(await exchange.timeOfBackend(), now) { return false }
            await expire()
            return true
        } catch {
            switch OTLPAnswer(error) {
            case .retry(let reason, let after, let offline): postpone(reason, after: after, offline: offline)
            case .blocked(let reason), .split(let reason, _): block(reason)
            case .delivered: break
            }
            return false
        }
    }

    /// - Returns: Whether anything may be sent now.
    private func learn(_ time: SpanExchange.Time, _ now: UInt64) -> Bool {
        switch time {
        case .told(let date, let isBackend):
            askedAt = now
            noteClock(date, isBackend: isBackend)
        case .clockless: skew.trustOwn(clock)
        case .untold: break
        case .later(let reason, let after):
            postpone(reason, after: after, offline: false)
            return false
        case .blocked(let reason):
            block(reason)
            return false
        }
        return true
    }

    private func expire() async {
        guard skew.isKnown else { return }
        let now = clock.monotonic
        if let sweptAt, now < sweptAt &+ Duration.seconds(60).nanoseconds { return }
        sweptAt = now
        do {
            try await outbox.expire(olderThan: window.lowerBound)
        } catch is CancellationError {
            return
        } catch {
            logger.error("The span buffer cannot be swept", metadata: ["error": "\(error)"])
        }
    }

}

// What a round tells of itself.
extension SpanUplink {
    /// The upstream has taken a batch.
    func noteDelivered(_ batch: SpanBatch, rejected: Int, message: String) {
        if condition.recover(clock.monotonic) { logger.info("Spans flow again") }
        hasDelivered = true
        refusedInARow = 0
        let words = message.isEmpty ? "." : ": \(message)"
        if rejected > 0 {
            notice = "The upstream refused \(rejected) of \(batch.count) spans for good\(words)"
            logger.warning("Spans were refused", metadata: ["rejected": "\(rejected)", "reason": "\(message)"])
        } else {
            notice = message.isEmpty ? nil : "The upstream warns\(words)"
        }
    }

    /// Later.
    func postpone(_ reason: String, after floor: Duration?, offline: Bool) {
        if condition.postpone(reason, after: floor, offline: offline, now: clock.monotonic) {
            logger.warning("Spans cannot be sent now", metadata: ["reason": "\(reason)"])
        }
        pace.probe()
    }

    /// Not before somebody has put something right; looked at again at the back-off's cap.
    func block(_ reason: String) {
        if condition.block(reason, now: clock.monotonic) {
            logger.error("Spans are blocked", metadata: ["reason": "\(reason)"])
        }
        request = nil
        pace.probe()
        hasDelivered = false
        refusedInARow = 0
        hasTakenNothing = false
    }

    /// The buffer's own disk fails.
    func postponeForDisk(_ error: any Error) {
        if error is OutcomesUnwritten {
            // The outbox has logged why.
            return postpone(
                "What became of spans that were sent cannot be written down: no others are sent.",
                after: nil,
                offline: false
            )
        }
        logger.error("The span buffer cannot be read", metadata: ["error": "\(error)"])
        postpone("The span buffer cannot be read.", after: nil, offline: false)
    }

    func noteHeld(_ count: Int) {
        heldNotice = count == 0 ? nil : "Spans that are dated more than an hour ahead wait for their time: \(count)."
    }

    /// Compares the upstream's clock with this one.
    func noteClock(_ date: Int, isBackend: Bool) {
        let was = skew.notice
        skew.note(upstream: date, isBackend: isBackend, clock, tolerating: options.toleratedSkew)
        if was == nil, let notice = skew.notice { logger.warning("\(notice)") }
    }
}
