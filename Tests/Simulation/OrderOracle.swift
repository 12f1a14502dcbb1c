import Commerce
import Storage
import Synchronization

/// Knows which orders an edge has taken, and what must have become of them.
final class OrderOracle: Sendable {
    private struct State {
        var placed: [OrderID: Order] = [:]
        /// Refused by a disk that fails: they may be there all the same.
        var uncertain: [OrderID: Order] = [:]
    }

    private let state = Mutex(State())
    private let name: String
    private let server: OrderServer
    private let log: EventLog

    init(_ name: String, _ server: OrderServer, _ log: EventLog) {
        (self.name, self.server, self.log) = (name, server, log)
    }

    /// All that may be upstream.
    var orders: [OrderID: Order] { state.withLock { $0.placed.merging($0.uncertain) { first, _ in first } } }

    func placed(_ order: Order) { state.withLock { $0.placed[order.id] = order } }
    func uncertain(_ order: Order) { state.withLock { $0.uncertain[order.id] = order } }

    private func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) {
        if !condition { log.violation("\(name): \(sentence())") }
    }

    /// The books after a step.
    func check(_ counts: OutboxCounts) {
        let (placed, uncertain) = state.withLock { ($0.placed.count, $0.uncertain.count) }
        expect(counts.balances, "the orders' books do not balance: \(counts)")
        expect(
            (placed...placed + uncertain).contains(counts.enqueued),
            "\(placed) orders were acknowledged, and \(counts.enqueued) are in the books"
        )
        log.note("\(name) orders \(counts.enqueued) = \(counts.pending) pending + \(counts.accepted)")
    }

    /// What is written of each order that waits no more.
    func check(settled: [SettledOrder]) {
        for order in settled {
            let upstream = server.outcome(of: order.id)
            switch order.outcome {
            case .accepted, .backordered, .rejected:
                expect(
                    upstream == order.outcome.name,
                    "an order is \(order.outcome.name) here and \(upstream ?? "not there") upstream"
                )
            case .quarantined:
                expect(server.isForeign(order.id), "an order was quarantined that nothing is wrong with")
            }
        }
    }

    /// When nothing stands in the way any more, and time enough has passed.
    func checkEnd(_ counts: OutboxCounts) {
        expect(counts.pending == 0, "\(counts.pending) orders are still pending")
        for id in state.withLock({ $0.placed.keys }) where server.outcome(of: id) == nil && !server.isForeign(id) {
            expect(false, "an acknowledged order is not upstream")
        }
    }
}
