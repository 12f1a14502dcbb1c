import Commerce
public import ConsoleAPI
public import Logging
public import ServiceTracing
public import Storage
import Synchronization
import Tracing

/// What an orders lane keeps to.
public struct OrderUplinkOptions: Sendable {
    /// The most orders in one transaction upstream.
    public var batch = 500
    /// Orders in the first transaction after a start or a failure; each that is taken lets the next be twice as large.
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
    /// Orders in the next transaction, and the most it grows to: half of what was too much for the line, and from there
    /// by and by more.
    private var size: Int
    private var limit: Int
    private var notice: String?
    /// Orders that the server refuses for a reason of their own, those that were tried longest ago first: passed over, so
    /// that they hold up no other.
    private var stuck: [OrderID] = []
    /// Why the latest of them is.
    private var refusal: OrderUpstreamError?
    /// What stands in the way is that some are stuck, which does not keep others from being pushed.
    private var waitsForStuck = false
    /// Whether this round has brought a decision.
    private var hasPushed = false

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
        (size, limit) = (options.probe, options.batch)
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

    public func networkChanged() {
        if upstream != nil { condition.networkChanged(clock.monotonic) }
    }

    public nonisolated func stop() { isStopping.withLock { $0 = true } }

    /// Hangs up.
    public func disconnect() async { await upstream?.disconnect() }

    @discardableResult
    public func round() async -> Bool {
        guard let upstream, !isBusy, mayGoOn else { return false }
        (isBusy, hasPushed) = (true, false)
        defer { (isBusy, isDraining) = (false, false) }
        let known = stuck.count
        do {
            let isInVain = isDue || waitsForStuck ? try await pushOthers(to: upstream) : false
            if isInVain { waitsForStuck = false }
            if isDue {
                try await pushStuck(known, to: upstream)
                waitsForStuck = !stuck.isEmpty && !isInVain
                if !stuck.isEmpty, let refusal { take(refusal) }
            }
        } catch {
            waitsForStuck = false
            take(error)
        }
        return hasPushed
    }

    /// All that are not known to be stuck. A server that refuses one after the other is asked for a few batches at a time.
    ///
    /// - Returns: Whether that was in vain: it may be all of them, and what is left waits with the stuck ones.
    private func pushOthers(to upstream: any OrderUpstream) async throws -> Bool {
        var batchesInVain = 0
        while mayGoOn, batchesInVain < Self.mostInVain {
            let asked = size
            let batch = try await outbox.pending(limit: asked, passing: stuck)
            guard !batch.isEmpty else { return false }
            let postponed = try await push(batch, to: upstream, areStuck: false)
            stuck += postponed
            guard postponed.count == batch.count else {
                batchesInVain = 0
                grow(after: batch.count, of: asked)
                continue
            }
            batchesInVain += 1
        }
        return batchesInVain == Self.mostInVain
    }

    /// The first of the stuck ones, a few at a time and for as long as some are decided.
    private func pushStuck(_ count: Int, to upstream: any OrderUpstream) async throws {
        var left = count
        while mayGoOn, left > 0 {
            let asked = min(size, left)
            let batch = try await outbox.pending(among: Array(stuck.prefix(asked)))
            let postponed = batch.isEmpty ? [] : try await push(batch, to: upstream, areStuck: true)
            stuck = stuck.dropFirst(asked) + postponed
            left -= asked
            guard postponed.count < batch.count || batch.isEmpty else { return }
            grow(after: batch.count, of: asked)
        }
    }

    /// Batches of a round of which nothing was taken, one after the other, before it is over.
    private static let mostInVain = 25

    /// Doubles up to what has gone well, and a little more each time.
    private func grow(after count: Int, of asked: Int) {
        guard count == asked else { return }
        if size == limit { limit = min(options.batch, limit + options.probe) }
        size = min(limit, size * 2)
    }

    /// Begins small again, and then stays below what was too much.
    private func shrink() {
        limit = max(options.probe, size / 2)
        size = options.probe
    }

    private var mayGoOn: Bool {
        !isStopping.withLock { $0 } && !Task.isCancelled && !condition.isSwitchedOff
    }

    private var isDue: Bool { condition.isDue(clock.monotonic) }

    /// One batch in one trace: pushed, and what was decided written down.
    ///
    /// - Parameter areStuck: Whether they were passed over before.
    /// - Returns: Those that were not decided.
    private func push(
        _ pending: [PendingOrder],
        to upstream: any OrderUpstream,
        areStuck: Bool
    ) async throws -> [OrderID] {
        isDraining = true
        try await upstream.connect()
        let batch: Attributes = ["popshop.batch.size": .int(pending.count)]
        return try await tracer.withSpan("push orders", context: .topLevel, attributes: batch) { span in
            let spans = pending.map { spanForOrder($0) }
            let answers = try await ask(pending, upstream)
            var settlements: [OrderSettlement] = []
            var postponed: [OrderID] = []
            for ((row, answer), span) in zip(zip(pending, answers), spans) {
                switch answer {
                case .decided(let outcome):
                    let push = span.spanContext.traceParent
                    settlements.append(OrderSettlement(id: row.id, outcome: outcome, traceParent: push))
                case .postponed(let reason):
                    postponed.append(row.id)
                    refusal = OrderUpstreamError(
                        .time(offline: false),
                        "Order \(row.id) cannot be pushed now: \(reason)"
                    )
                }
            }
            try await outbox.settle(settlements)
            // What is stuck is not tried all the time: others that are taken do not end its back-off.
            if !settlements.isEmpty {
                hasPushed = true
                if areStuck || !waitsForStuck, condition.recover(clock.monotonic) { logger.info("Orders flow again") }
            }
            tell(settlements)
            for (answer, orderSpan) in zip(answers, spans) { finish(orderSpan, answer) }
            for (name, count) in Self.counts(settlements) { span.set("popshop.orders.\(name)", .int(count)) }
            if !postponed.isEmpty { span.set("popshop.orders.postponed", .int(postponed.count)) }
            return postponed
        }
    }

    /// What does not read cannot be pushed; it must not hold up the others.
    private func ask(_ pending: [PendingOrder], _ upstream: any OrderUpstream) async throws -> [PushAnswer] {
        let orders = pending.compactMap(\.order)
        var answers = try await upstream.push(orders)[...]
        guard answers.count == orders.count else {
            throw OrderUpstreamError(.time(offline: false), "The upstream answered to \(answers.count) orders only.")
        }
        return pending.map { row in
            guard row.order != nil else { return .decided(.quarantined(reason: "What is stored of it does not read.")) }
            return answers.removeFirst()
        }
    }

    private func spanForOrder(_ pending: PendingOrder) -> RecordedSpan {
        let span = tracer.startSpan("push order", attributes: ["checkout.order_id": .string(pending.id.description)])
        if let purchase = pending.order?.traceParent.flatMap({ SpanContext(traceParent: $0) }) {
            span.addLink(to: purchase)
        }
        return span
    }

    private func finish(_ span: RecordedSpan, _ answer: PushAnswer) {
        switch answer {
        case .decided(let outcome):
            span.set("popshop.order.outcome", .string(outcome.name))
            if let reason = outcome.reason { span.fail(outcome.name, reason) }
        case .postponed(let reason): span.fail("postponed", reason)
        }
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

    private static func counts(_ settlements: [OrderSettlement]) -> [String: Int] {
        settlements.reduce(into: [:]) { $0[$1.outcome.name, default: 0] += 1 }
    }

    private func take(_ error: any Error) {
        shrink()
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
