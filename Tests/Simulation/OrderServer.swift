import Commerce
import Storage
import Synchronization
import UpstreamStorage

/// The database that all edges push their orders to: receipts, orders and stock, changed together or not at all. What is
/// to be done with a batch the product's own `PushPlan` decides; what was done is counted here.
final class OrderServer: Sendable {
    private struct Receipt {
        let canonical: String
        let outcome: String
    }

    private struct State {
        var receipts: [OrderID: Receipt] = [:]
        /// How often each order had its effect.
        var effects: [OrderID: Int] = [:]
        /// Orders that are there without a receipt.
        var foreign: Set<OrderID> = []
        var stock: [Int: Int]
        var taken: [Int: Int] = [:]
    }

    private let state: Mutex<State>
    private let initial: [Int: Int]
    private let log: EventLog

    init(stock: [Int: Int], _ log: EventLog) {
        initial = stock
        self.log = log
        state = Mutex(State(stock: stock))
    }

    /// An order of that id is there already, from elsewhere.
    func plantForeign(_ id: OrderID) { state.withLock { _ = $0.foreign.insert(id) } }
    func isForeign(_ id: OrderID) -> Bool { state.withLock { $0.foreign.contains(id) } }

    /// The outcome in an order's receipt.
    func outcome(of id: OrderID) -> String? { state.withLock { $0.receipts[id]?.outcome } }
    var ids: Set<OrderID> { state.withLock { Set($0.receipts.keys) } }

    /// One transaction.
    func commit(_ orders: [Order]) -> [OrderOutcome] {
        let outcomes = state.withLock { state in
            let batch = orders.map { (order: $0, payload: OrderPayload($0)) }
            var known: [String: PushPlan.Known] = [:]
            for (order, payload) in batch {
                let receipt = state.receipts[order.id]
                guard receipt != nil || state.foreign.contains(order.id) else { continue }
                known[payload.id] = PushPlan.Known(
                    outcome: receipt?.outcome,
                    isSame: receipt?.canonical == payload.canonical,
                    isThere: true
                )
            }
            let plan = PushPlan(batch, known: known, stock: state.stock)
            for payload in plan.new {
                guard let id = OrderID(payload.id) else { continue }
                state.receipts[id] = Receipt(canonical: payload.canonical, outcome: payload.outcome ?? "")
                state.effects[id, default: 0] += 1
            }
            for (product, quantity) in plan.taken {
                state.stock[product, default: 0] -= quantity
                state.taken[product, default: 0] += quantity
            }
            return plan.outcomes
        }
        check()
        return outcomes
    }

    private func check() {
        let sentence = state.withLock { state -> String? in
            if state.effects.values.contains(where: { $0 > 1 }) { return "an order had its effect twice" }
            if state.stock.values.contains(where: { $0 < 0 }) { return "the upstream's stock is negative" }
            return state.stock.allSatisfy { $0.value == initial[$0.key, default: 0] - state.taken[$0.key, default: 0] }
                ? nil : "the upstream's stock is not what was there less what was taken"
        }
        if let sentence { log.violation(sentence) }
    }

    /// Whether what left the stock is what the accepted orders have, each once.
    func checkStock(against orders: [OrderID: Order]) {
        var wanted: [Int: Int] = [:]
        for (id, order) in orders where outcome(of: id) == "accepted" {
            for item in order.items { wanted[item.productID.rawValue, default: 0] += item.quantity }
        }
        let taken = state.withLock { $0.taken }
        if taken != wanted { log.violation("what left the upstream's stock is not what was accepted") }
    }
}

/// The line between one edge and the upstream's database.
final class OrderLine: OrderUpstream {
    private struct State {
        var dice: Dice
        var weather = Weather.clear
        var isSwitchedOff = false
        var blockedUntil: UInt64 = 0
    }

    private let name: String
    private let server: OrderServer
    private let clock: EdgeClock
    private let time: WorldTime
    private let log: EventLog
    private let state: Mutex<State>

    init(
        _ name: String,
        _ server: OrderServer,
        _ clock: EdgeClock,
        _ time: WorldTime,
        _ log: EventLog,
        dice: Dice
    ) {
        (self.name, self.server, self.clock, self.time, self.log) = (name, server, clock, time, log)
        state = Mutex(State(dice: dice))
    }

    func set(_ weather: Weather) { state.withLock { $0.weather = weather } }

    func setSwitchedOff(_ isSwitchedOff: Bool) {
        state.withLock { ($0.isSwitchedOff, $0.blockedUntil) = (isSwitchedOff, 0) }
    }

    func tryNow() { state.withLock { $0.blockedUntil = 0 } }

    func processStarted() { setSwitchedOff(false) }

    func connect() async throws {
        let (isOff, isEarly) = state.withLock { ($0.isSwitchedOff, clock.monotonic < $0.blockedUntil) }
        if isOff { log.violation("\(name): orders were pushed although the plug is pulled") }
        if isEarly { log.violation("\(name): a blocked lane pushed orders before its time") }
        if state.withLock({ $0.weather == .down }) {
            throw OrderUpstreamError(.time(offline: true), "No connection.")
        }
    }

    func disconnect() async {}

    func push(_ orders: [Order]) async throws -> [PushAnswer] {
        if log.isHopeless { throw OrderUpstreamError(.time(offline: true), "The world ends.") }
        time.advance(seconds: Double(state.withLock { $0.dice.magnitude(upTo: 4_000) }) / 1_000)
        let weather = state.withLock { $0.weather }
        switch weather {
        case .clear: return commit(orders)
        case .flaky: return try meet(state.withLock { $0.dice.pick(0...9) }, orders)
        case .down, .portal, .redirect: throw failure(.time(offline: true), "The server is not there.")
        case .storm, .throttle: throw failure(.time(offline: false), "The server is starting up.")
        case .refusedKey, .misconfigured, .turnedAway:
            state.withLock { $0.blockedUntil = clock.monotonic + 60_000_000_000 }
            throw failure(.person, "The server refuses the password.")
        }
    }

    private func meet(_ number: Int, _ orders: [Order]) throws -> [PushAnswer] {
        switch number {
        case 0: throw failure(.time(offline: true), "The connection was cut before COMMIT.")
        case 1, 2:
            _ = commit(orders)
            log.tally("COMMIT's answer lost")
            throw failure(.time(offline: true), "The connection was cut after COMMIT.")
        case 3:
            // A batch that was halved: one transaction is done, the other not.
            _ = commit(Array(orders.prefix(orders.count / 2)))
            throw failure(.time(offline: false), "The server went away between two transactions.")
        case 5:
            // A constraint of the server's own, for as long as the weather is bad.
            return orders.map { order in
                guard Self.isOdd(order.id) else { return commit([order])[0] }
                return .postponed(reason: "A trigger does not want it.")
            }
        case 4:
            let decided = commit(Array(orders.dropFirst()))
            return [.postponed(reason: "Deadlock.")] + decided
        default: return commit(orders)
        }
    }

    private static func isOdd(_ id: OrderID) -> Bool { id.description.utf8.reduce(0) { $0 &+ $1 } & 1 == 1 }

    private func commit(_ orders: [Order]) -> [PushAnswer] {
        let outcomes = server.commit(orders)
        log.note("\(name) COMMIT \(orders.count) \(outcomes.map(\.name))")
        for outcome in outcomes { log.tally(outcome.name) }
        return outcomes.map(PushAnswer.decided)
    }

    private func failure(_ remedy: OrderUpstreamError.Remedy, _ sentence: String) -> OrderUpstreamError {
        log.note("\(name) push fails: \(sentence)")
        return OrderUpstreamError(remedy, sentence)
    }
}
