import Commerce
import Logging
import ServiceTracing
import Storage
import Synchronization
import TestSupport

@testable import Sync

/// An outbox in memory, which a test can let fail.
final class MemoryOutbox: OrderOutbox {
    private struct State {
        var pending: [PendingOrder] = []
        var enqueued = 0
        var settled: [OrderSettlement] = []
        var failures: [any Error] = []
        var looks = 0
    }

    private let state = Mutex(State())

    /// What became of those that wait no more, in the order in which it was written.
    var settled: [OrderSettlement] { state.withLock { $0.settled } }
    /// How often it was asked what waits.
    var looks: Int { state.withLock { $0.looks } }

    /// The next settlements fail with these.
    func failSettling(_ failures: any Error...) { state.withLock { $0.failures = failures } }

    func add(_ orders: [PendingOrder]) {
        state.withLock { state in
            state.pending += orders
            state.enqueued += orders.count
        }
    }

    func pending(limit: Int, passing passed: [OrderID]) -> [PendingOrder] {
        look { $0.lazy.filter { !passed.contains($0.id) }.prefix(limit) }
    }

    func pending(among ids: [OrderID]) -> [PendingOrder] { look { $0.filter { ids.contains($0.id) } } }

    private func look(_ choose: ([PendingOrder]) -> some Sequence<PendingOrder>) -> [PendingOrder] {
        defer { Events.raise() }
        return state.withLock { state in
            state.looks += 1
            return Array(choose(state.pending))
        }
    }

    func settle(_ settlements: [OrderSettlement]) throws {
        defer { Events.raise() }
        try state.withLock { state in
            if !state.failures.isEmpty { throw state.failures.removeFirst() }
            for settlement in settlements where state.pending.contains(where: { $0.id == settlement.id }) {
                state.pending.removeAll { $0.id == settlement.id }
                state.settled.append(settlement)
            }
        }
    }

    func outboxCounts() -> OutboxCounts {
        state.withLock { state in
            func count(_ name: String) -> Int { state.settled.count { $0.outcome.name == name } }
            return OutboxCounts(
                enqueued: state.enqueued,
                pending: state.pending.count,
                accepted: count("accepted"),
                backordered: count("backordered"),
                rejected: count("rejected"),
                quarantined: count("quarantined")
            )
        }
    }
}

/// An upstream that keeps receipts, and does with a batch what a test says.
final class ScriptedUpstream: OrderUpstream {
    typealias Script = @Sendable (Order) throws -> OrderOutcome

    /// A script throws it for an order that waits while others are decided.
    struct NotThisOne: Error {}

    private struct State {
        var script: Script
        var gate: (@Sendable () async -> Void)?
        var batches: [[OrderID]] = []
        var receipts: [OrderID: OrderOutcome] = [:]
        var connects = 0
    }

    private let state: Mutex<State>

    init(_ script: @escaping Script = { _ in .accepted }) { state = Mutex(State(script: script)) }

    /// Every batch that was pushed, whatever came of it.
    var batches: [[OrderID]] { state.withLock { $0.batches } }
    /// What has had its effect.
    var receipts: [OrderID: OrderOutcome] { state.withLock { $0.receipts } }
    var connects: Int { state.withLock { $0.connects } }

    func script(_ script: @escaping Script) { state.withLock { $0.script = script } }

    /// Each push waits for this first.
    func hold(_ gate: @escaping @Sendable () async -> Void) { state.withLock { $0.gate = gate } }

    private let size = Atomic(0)
    /// Orders in the batch that is being pushed.
    var lastSize: Int { size.load(ordering: .relaxed) }

    func connect() { state.withLock { $0.connects += 1 } }

    func push(_ orders: [Order]) async throws -> [PushAnswer] {
        Events.raise()
        await state.withLock { $0.gate }?()
        size.store(orders.count, ordering: .relaxed)
        return try state.withLock { state in
            state.batches.append(orders.map(\.id))
            let answers = try orders.map { order throws -> PushAnswer in
                if let known = state.receipts[order.id] { return .decided(known) }
                do { return .decided(try state.script(order)) } catch is NotThisOne {
                    return .postponed(reason: "Odd.")
                }
            }
            for (order, answer) in zip(orders, answers) { state.receipts[order.id] = answer.outcome }
            return answers
        }
    }

    func disconnect() {}
}

/// An orders lane between an outbox and an upstream, with a clock.
struct OrderBench {
    let clock = ManualClock()
    let outbox = MemoryOutbox()
    let upstream: ScriptedUpstream
    let spans = SpanCollector()
    let lane: OrderUplink

    init(
        _ upstream: ScriptedUpstream = ScriptedUpstream(),
        isSwitchedOff: Bool = false,
        _ change: (inout OrderUplinkOptions) -> Void = { _ in }
    ) {
        self.upstream = upstream
        var options = OrderUplinkOptions()
        change(&options)
        lane = OrderUplink(
            outbox: outbox,
            upstream: upstream,
            tracer: ServiceTracer("sync", spans),
            options: options,
            isSwitchedOff: isSwitchedOff,
            clock: clock,
            seed: 7,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Places orders, one after the other.
    @discardableResult
    func place(_ count: Int, traceParent: String? = nil) -> [OrderID] {
        let orders = (0..<count).map { _ in Self.order(traceParent: traceParent) }
        outbox.add(orders.map { PendingOrder(id: $0.id, order: $0) })
        return orders.map(\.id)
    }

    static func order(traceParent: String? = nil) -> Order {
        var random = SystemRandomNumberGenerator()
        let price = Money(minorUnits: 2_999, currency: .usd)
        return Order(
            id: OrderID(milliseconds: 1_760_000_000_000, using: &random),
            userID: UserID(rawValue: "user-1"),
            status: .placed,
            items: [
                Order.Item(
                    productID: ProductID(2),
                    productName: "Wireless Mouse",
                    quantity: 1,
                    unitPrice: price,
                    lineTotal: price
                )
            ],
            subtotal: price,
            shipping: .zero(.usd),
            total: price,
            paymentStatus: "authorized",
            date: 1_760_000_000_000,
            edgeID: "edge",
            traceParent: traceParent
        )
    }
}

extension OrderUpstreamError {
    static let away = OrderUpstreamError(.time(offline: true), "The upstream is away.")
    static let busy = OrderUpstreamError(.time(offline: false), "The upstream is busy.")
    static let refused = OrderUpstreamError(.person, "The upstream refuses the password.")
}
