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
    private let clock: any TraceClock
    private let tracer: ServiceTracer?
    let packer = Packer()
    let logger: Logger

    var condition: LaneCondition
    private nonisolated let isStopping = Mutex(false)
    /// Whether a round is under way, which can be only one.
    private var isBusy = false
    private var isDraining = false
    /// Of what has arrived: refused spans, or a warning. The last word until a whole batch is taken.
    private var notice: String?
    private var heldNotice: String?
    private var sweptAt: UInt64?
    /// Without its content; made once, and again when blocked.
    private var request: OutgoingRequest?
    /// The upstream's clock less this one, in nanoseconds; zero while they agree.
    private var clockOffset: Int64 = 0
    /// Whether the next request is a small one.
    var isProbing = true
    var maxRequestBytes: Int
    /// Whether the upstream, as configured, has ever taken a span.
    var hasDelivered = false
    var refusedInARow = 0
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
        maxRequestBytes = options.maxRequestBytes
    }

    public func status() -> LaneStatus {
        guard upstream != nil else { return LaneStatus(.disabled) }
        let notice = clockNotice ?? heldNotice ?? notice
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

    public nonisolated func stop() { isStopping.withLock { $0 = true } }

    /// Expires what is too old, and when it is time to, sends until nothing waits or something stands in the way.
    ///
    /// - Returns: Whether anything was taken by the upstream.
    @discardableResult
    public func round() async -> Bool {
        guard let upstream, !isBusy, mayGoOn else { return false }
        isBusy = true
        defer { isBusy = false }
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
        let span = tracer?.startSpan("upload spans", kind: .internal, context: .topLevel)
        let drained = await drain(SpanExchange(transport, request, clock))
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
        let now = clock.wall.addingReportingOverflow(UInt64(bitPattern: clockOffset)).partialValue
        let age = options.maxAge.nanoseconds
        return (now > age ? now - age : 0)...(now &+ options.maxAhead.nanoseconds)
    }

    private func expire() async {
        let now = clock.monotonic
        if let sweptAt, now < sweptAt &+ Duration.seconds(60).nanoseconds { return }
        sweptAt = now
        do {
            try await outbox.expire(olderThan: window.lowerBound)
        } catch {
            logger.error("The span buffer cannot be swept", metadata: ["error": "\(error)"])
        }
    }

    private var clockNotice: String? {
        guard clockOffset != 0 else { return nil }
        let seconds = abs(clockOffset) / 1_000_000_000
        let way = clockOffset < 0 ? "ahead of" : "behind"
        return "This machine's clock is \(seconds) s \(way) the upstream's: set it right."
    }
}

// What a round tells of itself.
extension SpanUplink {
    /// The upstream has taken a batch.
    func noteDelivered(_ batch: SpanBatch, rejected: Int, message: String) {
        if condition.recover(clock.monotonic) { logger.info("Spans flow again") }
        if condition.isClear { isProbing = false }
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
        isProbing = true
    }

    /// Not before somebody has put something right; looked at again at the back-off's cap.
    func block(_ reason: String) {
        if condition.block(reason, now: clock.monotonic) {
            logger.error("Spans are blocked", metadata: ["reason": "\(reason)"])
        }
        request = nil
        isProbing = true
        hasDelivered = false
        refusedInARow = 0
    }

    /// The buffer's own disk fails.
    func postponeForDisk(_ error: any Error) {
        logger.error("The span buffer cannot be read", metadata: ["error": "\(error)"])
        postpone("The span buffer cannot be read.", after: nil, offline: false)
    }

    func noteHeld(_ count: Int) {
        heldNotice = count == 0 ? nil : "Spans that are dated more than an hour ahead wait for their time: \(count)."
    }

    /// Compares the upstream's clock with this one.
    func noteClock(_ date: Int) {
        let offset = Int64(date) * 1_000_000_000 - Int64(clamping: clock.wall)
        let isTolerated = abs(offset) <= Int64(clamping: options.toleratedSkew.nanoseconds)
        if !isTolerated, clockOffset == 0 {
            logger.warning("This machine's clock is wrong", metadata: ["seconds": "\(-offset / 1_000_000_000)"])
        }
        clockOffset = isTolerated ? 0 : offset
    }
}
