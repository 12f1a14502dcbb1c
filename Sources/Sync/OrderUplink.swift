import Commerce
public import ConsoleAPI
public import Logging
public import ServiceTracing
public import Storage
import Synchronization
import Tracing

/// What an orders lane keeps to.
public struct OrderUplinkOptions: Sendable {
    /// Orders in one transaction upstream.
    public var batch = 500
    /// Orders in the first transaction after a start or a failure.
    public var probe = 20
    public var backOffBase = Duration.seconds(1)
    /// Also the time between two probes of a blocked lane.
    public var backOffCap = Duration.seconds(60)

    public init() {}
}

/// Takes orders from the shop's outbox to the upstream, in the order in which they were placed, and what the upstream
/// decides back to the shop.
///
/// Between the two there is no moment at which something can be lost or doubled: the upstream keeps a receipt, so that a
/// batch whose answer never came is pushed again and answered the same.
public actor OrderUplink: Lane {
    private let outbox: any OrderOutbox
    private let upstream: (any OrderUpstream)?
    private let tracer: ServiceTracer
    private let options: OrderUplinkOptions
    private let clock: any TraceClock
    private let logger: Logger

    private var condition: LaneCondition
    private nonisolated let isStopping = Mutex(false)
    private var isBusy = false
    private var isDraining = false
    private var isProbing = true
    private var notice: String?

    /// - Parameters:
    ///   - upstream: Nil for nowhere: the lane is disabled.
    ///   - tracer: Of `sync`: each push is a trace, in which each order is linked to its purchase.
    ///   - clock: `monotonic` for waits.
    ///   - seed: Of the jitter.
    public init(
        outbox: any OrderOutbox,
        upstream: (any OrderUpstream)?,
        tracer: ServiceTracer,
        options: OrderUplinkOptions = OrderUplinkOptions(),
        isSwitchedOff: Bool = false,
        clock: any TraceClock = SystemTraceClock(),
        seed: UInt64 = .random(in: 0 ... .max),
        logger: Logger
    ) {
        self.outbox = outbox
        self.upstream = upstream
        self.tracer = tracer
        self.options = options
        self.clock = clock
        self.logger = logger
        let backOff = BackOff(base: options.backOffBase, cap: options.backOffCap, seed: seed)
        condition = LaneCondition(backOff: backOff, isSwitchedOff: isSwitchedOff)
    }

    public func status() -> LaneStatus {
        guard upstream != nil else { return LaneStatus(.disabled) }
        return condition.status(isDraining: isDraining, notice: notice, now: clock.monotonic)
    }

    public func pendingCount() async -> Int {
        guard upstream != nil else { return 0 }
        return (try? await outbox.outboxCounts().pending) ?? 0
    }

    public var isClear: Bool { condition.isClear }

    public func setSwitchedOff(_ isSwitchedOff: Bool) {
        condition.setSwitchedOff(isSwitchedOff, now: clock.monotonic)
    }

    public func tryNow() {
        if upstream != nil { condition.tryNow(clock.monotonic) }
    }

    public nonisolated func stop() { isStopping.withLock { $0 = true } }

    /// Hangs up.
    public func disconnect() async { await upstream?.disconnect() }

    @discardableResult
    public func round() async -> Bool {
        guard let upstream, !isBusy else { return false }
        isBusy = true
        defer { (isBusy, isDraining) = (false, false) }
        var hasPushed = false
        while mayBegin {
            do {
                let pending = try await outbox.pending(limit: isProbing ? options.probe : options.batch)
                guard !pending.isEmpty else { break }
                isDraining = true
                try await upstream.connect()
                try await push(pending, to: upstream)
            } catch {
                take(error)
                break
            }
            hasPushed = true
            if condition.recover(clock.monotonic) { logger.info("Orders flow again") }
            isProbing = false
        }
        return hasPushed
    }

    private var mayBegin: Bool {
        !isStopping.withLock { $0 } && !Task.isCancelled && !condition.isSwitchedOff && condition.isDue(clock.monotonic)
    }

    /// One batch in one trace: pushed, and what was decided written down.
    private func push(_ pending: [PendingOrder], to upstream: any OrderUpstream) async throws {
        let batch: Attributes = ["popshop.batch.size": .int(pending.count)]
        try await tracer.withSpan("push orders", context: .topLevel, attributes: batch) { span in
            let spans = pending.map { spanForOrder($0) }
            let outcomes = try await decide(pending, upstream)
            let settlements = zip(zip(pending, outcomes), spans).map { pair, span in
                OrderSettlement(id: pair.0.id, outcome: pair.1, traceParent: span.spanContext.traceParent)
            }
            try await outbox.settle(settlements)
            tell(settlements)
            for (settlement, orderSpan) in zip(settlements, spans) { finish(orderSpan, settlement.outcome) }
            for (name, count) in Self.counts(outcomes) { span.set("popshop.orders.\(name)", .int(count)) }
        }
    }

    /// What does not read cannot be pushed; it must not hold up the others.
    private func decide(_ pending: [PendingOrder], _ upstream: any OrderUpstream) async throws -> [OrderOutcome] {
        let orders = pending.compactMap(\.order)
        var decided = try await upstream.push(orders)[...]
        guard decided.count == orders.count else {
            throw OrderUpstreamError(.time(offline: false), "The upstream answered to \(decided.count) orders only.")
        }
        return pending.map { row in
            guard row.order != nil else { return .quarantined(reason: "What is stored of it does not read.") }
            return decided.removeFirst()
        }
    }

    private func spanForOrder(_ pending: PendingOrder) -> RecordedSpan {
        let span = tracer.startSpan("push order", attributes: ["checkout.order_id": .string(pending.id.description)])
        if let purchase = pending.order?.traceParent.flatMap({ SpanContext(traceParent: $0) }) {
            span.addLink(to: purchase)
        }
        return span
    }

    private func finish(_ span: RecordedSpan, _ outcome: OrderOutcome) {
        span.set("popshop.order.outcome", .string(outcome.name))
        if let reason = outcome.reason { span.fail(outcome.name, reason) }
        span.end()
    }

    private func tell(_ settlements: [OrderSettlement]) {
        var lastWord: String?
        for settlement in settlements {
            guard let reason = settlement.outcome.reason else { continue }
            lastWord = "Order \(settlement.id) was \(settlement.outcome.name): \(reason)"
            let metadata: Logger.Metadata = ["order": "\(settlement.id)", "reason": "\(reason)"]
            logger.error("An order was \(settlement.outcome.name)", metadata: metadata)
        }
        if let lastWord { notice = lastWord }
    }

    private static func counts(_ outcomes: [OrderOutcome]) -> [String: Int] {
        outcomes.reduce(into: [:]) { $0[$1.name, default: 0] += 1 }
    }

    private func take(_ error: any Error) {
        isProbing = true
        let now = clock.monotonic
        let isNews: Bool
        let sentence: String
        switch error {
        case is CancellationError: return
        case let error as OrderUpstreamError:
            sentence = error.description
            switch error.remedy {
            case .time(let offline): isNews = condition.postpone(sentence, offline: offline, now: now)
            case .person: isNews = condition.block(sentence, now: now)
            }
        case let error as StorageError where error.code == .diskFull:
            sentence = "The disk is full, so that nothing can be noted of orders that are pushed."
            isNews = condition.postpone(sentence, offline: false, now: now)
        default:
            sentence = "The shop's own database cannot be used by the sync."
            isNews = condition.postpone(sentence, offline: false, now: now)
        }
        guard isNews else { return }
        var metadata: Logger.Metadata = ["reason": "\(sentence)"]
        if !(error is OrderUpstreamError) { metadata["error"] = "\(error)" }
        logger.warning("Orders cannot be pushed now", metadata: metadata)
    }
}
