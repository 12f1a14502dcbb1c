public import ConsoleAPI
public import HTTPClient
import HTTPTypes
public import Logging
public import ServiceTracing
import Synchronization
public import TelemetryBuffer

/// Takes buffered spans to an OTLP/HTTP backend: nothing lost, nothing doubled that an answer was received for.
///
/// Nothing here waits for a clock: whoever owns the lane calls `round()` from time to time. Its own requests are not
/// traced: a lane that recorded a span for what it sends would never be done.
public actor SpanUplink {
    let outbox: SpanOutbox
    private let transport: any HTTPTransport
    private let upstream: SpanUpstream?
    let options: SpanUplinkOptions
    private let clock: any TraceClock
    let logger: Logger

    private var backOff: BackOff
    private var isSwitchedOff: Bool
    private nonisolated let isStopping = Mutex(false)
    /// Whether a round is under way, which can be only one.
    private var isBusy = false
    private(set) var isDraining = false
    private var isOffline = false
    private var blockedReason: String?
    private var failure: String?
    /// Of what has arrived: refused spans, or a warning. The last word until a whole batch is taken.
    private var notice: String?
    private var heldNotice: String?
    /// On the monotonic clock: no try before it, and none even when one is asked for.
    private var dueAt: UInt64 = 0
    private var floorAt: UInt64 = 0
    private var sweptAt: UInt64?
    /// Read once, and again when blocked.
    private var fields: HTTPFields?
    /// The upstream's clock less this one, in nanoseconds; zero while they agree.
    private var clockOffset: Int64 = 0
    /// Whether the next request is a small one.
    var isProbing = true
    var maxRequestBytes: Int
    /// Whether the upstream, as configured, has ever taken a span.
    var hasDelivered = false
    var refusedInARow = 0

    /// - Parameters:
    ///   - upstream: Nil for nowhere: the lane is disabled, and nothing expires.
    ///   - clock: `wall` for ages, `monotonic` for waits.
    ///   - seed: Of the jitter.
    public init(
        outbox: SpanOutbox,
        transport: any HTTPTransport,
        upstream: SpanUpstream?,
        options: SpanUplinkOptions = SpanUplinkOptions(),
        isSwitchedOff: Bool = false,
        clock: any TraceClock = SystemTraceClock(),
        seed: UInt64 = .random(in: 0 ... .max),
        logger: Logger
    ) {
        self.outbox = outbox
        self.transport = transport
        self.upstream = upstream
        self.options = options
        self.isSwitchedOff = isSwitchedOff
        self.clock = clock
        self.logger = logger
        backOff = BackOff(base: options.backOffBase, cap: options.backOffCap, seed: seed)
        maxRequestBytes = options.maxRequestBytes
    }

    /// What the lane is doing. Waits for nothing.
    public func status() -> LaneStatus {
        guard upstream != nil else { return LaneStatus(.disabled) }
        if isSwitchedOff { return LaneStatus(.offline) }
        if let blockedReason { return LaneStatus(.blocked, lastError: blockedReason, nextAttempt: untilDue) }
        if let failure {
            return LaneStatus(isOffline ? .offline : .backingOff, lastError: failure, nextAttempt: untilDue)
        }
        return LaneStatus(isDraining ? .draining : .idle, lastError: clockNotice ?? heldNotice ?? notice)
    }

    /// Pulls the plug, or puts it back. What is on its way is let arrive, so that its answer is not missed.
    public func setSwitchedOff(_ isSwitchedOff: Bool) {
        guard self.isSwitchedOff != isSwitchedOff else { return }
        self.isSwitchedOff = isSwitchedOff
        if !isSwitchedOff { tryNow() }
    }

    /// Ends a back-off, but not what a `Retry-After` asked for.
    public func tryNow() {
        guard upstream != nil, !isSwitchedOff else { return }
        dueAt = min(dueAt, max(floorAt, clock.monotonic))
    }

    /// Begins nothing more; what is on its way is let arrive.
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
        guard mayBegin, clock.monotonic >= dueAt, await outbox.pendingCount() > 0 else { return false }
        let fields: HTTPFields
        do throws(SpanUpstream.Refused) {
            if let known = self.fields { fields = known } else { fields = try upstream.fields() }
        } catch {
            block(error.reason)
            return false
        }
        self.fields = fields
        isDraining = true
        defer { isDraining = false }
        let request = OutgoingRequest(
            method: .post,
            url: upstream.url,
            headers: fields,
            timeout: options.timeout,
            maximumResponseBytes: options.maxAnswerBytes
        )
        return await drain(SpanExchange(transport: transport, request: request, clock: clock))
    }

    /// Whether another batch may be begun.
    var mayBegin: Bool { !isSwitchedOff && mayGoOn }

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

    private var untilDue: Duration {
        let now = clock.monotonic
        return .nanoseconds(Int64(clamping: dueAt > now ? dueAt - now : 0))
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
        // Another request of the same moment may have been asked to wait.
        if clock.monotonic >= floorAt {
            if blockedReason != nil || failure != nil { logger.info("Spans flow again") }
            (blockedReason, failure, isOffline) = (nil, nil, false)
            dueAt = 0
            backOff.reset()
            isProbing = false
        }
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
        if failure == nil, blockedReason == nil {
            logger.warning("Spans cannot be sent now", metadata: ["reason": "\(reason)"])
        }
        (failure, isOffline) = (reason, offline)
        blockedReason = nil
        let now = clock.monotonic
        // Each of several in flight tells of one and the same failure.
        if dueAt <= now { dueAt = now &+ backOff.next(floor: floor).nanoseconds }
        if let floor {
            floorAt = max(floorAt, now &+ floor.nanoseconds)
            dueAt = max(dueAt, floorAt)
        }
        isProbing = true
    }

    /// Not before somebody has put something right; looked at again at the back-off's cap.
    func block(_ reason: String) {
        if blockedReason != reason { logger.error("Spans are blocked", metadata: ["reason": "\(reason)"]) }
        blockedReason = reason
        (failure, isOffline, fields) = (nil, false, nil)
        dueAt = clock.monotonic &+ options.backOffCap.nanoseconds
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
        heldNotice = count == 0 ? nil : "\(count) spans are dated more than an hour ahead: they wait for their time."
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
