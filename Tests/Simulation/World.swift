import Commerce
import FoundationEssentials

/// What all edges of a world share.
struct WorldParts {
    let directory: String
    let log: EventLog
    let time: WorldTime
    let ingress: Ingress
    let server: OrderServer
}

/// A few edges, an ingress, a database, and the weather between them: all that happens is thrown by one seed's dice, one
/// step after the other.
final class World {
    private let parts: WorldParts
    private let traits: Traits
    private var dice: Dice
    private var edges: [Edge] = []
    /// What the upstream sells: the last product of the catalog is unknown to it.
    private static let products = 1...20

    init(seed: UInt64, directory: String, log: EventLog) async throws {
        var dice = Dice(seed: seed)
        traits = Traits(&dice)
        let time = WorldTime()
        var stock: [Int: Int] = [:]
        for product in Self.products { stock[product] = dice.magnitude(upTo: 16) - 1 }
        parts = WorldParts(
            directory: directory,
            log: log,
            time: time,
            ingress: Ingress(time, hasClock: traits.hasBadClocks || dice.chance(90)),
            server: OrderServer(stock: stock, log)
        )
        self.dice = dice
        log.note("seed \(seed): \(traits)")
        for number in 0..<traits.edges {
            edges.append(try await Edge(number, in: parts, traits: traits, dice: &self.dice))
        }
    }

    /// Plays the world to its end.
    func play() async throws {
        for step in 1...traits.steps {
            parts.log.note("step \(step)")
            for _ in 0..<dice.pick(2...5) { try await happen(to: dice.pick(edges)) }
            passTime()
            for edge in edges {
                if dice.chance(90) { await edge.flush() }
                await edge.rounds()
                await edge.check()
                if edge.isDying { try await edge.restart(isOrderly: false) }
            }
            if dice.chance(20) { for edge in edges { try await edge.audit(afterRestart: false, mayHaveLost: false) } }
        }
        try await drain()
        for edge in edges { await edge.end() }
    }

    private func passTime() {
        let seconds =
            switch dice.pick(0...9) {
            case 0...6: dice.pick(1...120)
            case 7, 8: dice.pick(60...7_200)
            default:
                // About a day, where the backend's window ends, as often as anything else.
                traits.isLong
                    ? dice.pick([dice.pick(3_600...110_000), dice.pick(84_600...87_000)]) : dice.pick(60...1_200)
            }
        parts.time.advance(seconds: Double(seconds))
    }

    private func happen(to edge: Edge) async throws {
        switch dice.pick(0...21) {
        case 0...5: edge.record(dice.magnitude(upTo: 40))
        case 6...8: for _ in 0..<dice.pick(1...3) { await edge.place(order(of: edge)) }
        case 9...11: set(dice.chance(30) ? .flaky : Weather.thrown(&dice), edge) { edge.spanLine.set($0) }
        case 12, 13: set(dice.chance(50) ? .flaky : Weather.thrown(&dice), edge) { edge.orderLine.set($0) }
        case 14, 15: if traits.disk == .faulty { breakDisk(of: edge) }
        case 16: try await edge.restart(isOrderly: dice.chance(40))
        case 17: if traits.hasBadClocks { turnClock(of: edge) }
        case 18: await edge.tryNow()
        case 19: await edge.networkChanged()
        case 20: await edge.togglePlug()
        default: if traits.isLong { try await edge.retime() }
        }
    }

    private func set(_ weather: Weather, _ edge: Edge, _ change: (Weather) -> Void) {
        parts.log.note("edge \(edge.number) weather \(weather)")
        change(weather)
    }

    private func breakDisk(of edge: Edge) {
        switch dice.pick(0...5) {
        case 0: edge.disk.mode = .refuses
        case 1: edge.disk.mode = .full
        case 5: edge.disk.mode = .gone
        case 2, 3: edge.die(afterWrites: dice.magnitude(upTo: 120))
        default: edge.disk.mode = .sound
        }
        parts.log.note("edge \(edge.number) disk \(edge.disk.mode)")
    }

    private func turnClock(of edge: Edge) {
        switch dice.pick(0...5) {
        case 0: edge.clock.sleep(seconds: dice.magnitude(upTo: 50_000))
        case 1: edge.clock.set(error: 0)
        // By less than anybody notices, and so that what is recorded is just too far ahead.
        case 2: edge.clock.set(error: dice.pick(-600...600))
        case 3: edge.clock.set(error: dice.pick(3_000...4_200))
        default:
            let error = dice.magnitude(upTo: traits.isLong ? 200_000 : 20_000)
            edge.clock.set(error: dice.pick([-error, error]))
        }
        parts.log.note("edge \(edge.number) clock \(edge.clock.error)")
    }

    private func order(of edge: Edge) -> Order {
        let id = OrderID(milliseconds: edge.clock.wall / 1_000_000, using: &dice)
        if dice.chance(3) { parts.server.plantForeign(id) }
        let price = Money(minorUnits: 2_999, currency: .usd)
        let items = Set((0..<dice.pick(1...2)).map { _ in dice.chance(3) ? 21 : dice.pick(Self.products) }).sorted()
            .map { product in
                let quantity = dice.pick(1...3)
                return Order.Item(
                    productID: ProductID(product),
                    productName: "Product \(product)",
                    quantity: quantity,
                    unitPrice: price,
                    lineTotal: Money(minorUnits: 2_999 * Int64(quantity), currency: .usd)
                )
            }
        let total = Money(minorUnits: items.reduce(0) { $0 + $1.lineTotal.minorUnits }, currency: .usd)
        return Order(
            id: id,
            userID: UserID(rawValue: "user-\(dice.pick(1...9))"),
            status: .placed,
            items: items,
            subtotal: total,
            shipping: .zero(.usd),
            total: total,
            paymentStatus: "authorized",
            date: Int64(clamping: edge.clock.wall / 1_000_000),
            edgeID: "edge-\(edge.number)",
            traceParent: dice.chance(50) ? "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" : nil
        )
    }

    /// All faults end, and all that waits goes.
    private func drain() async throws {
        parts.log.note("all faults end")
        for edge in edges { try await edge.heal() }
        for round in 0..<80 {
            // A lane that is asked to wait is asked for an hour at most; what is dated ahead waits for its time.
            parts.time.advance(seconds: round < 10 ? 61 : round < 20 ? 3_600 : 20_000)
            var isDrained = true
            for edge in edges {
                if round % 3 == 2, !(await edge.isDrained) { edge.recordPlain() }
                await edge.flush()
                await edge.rounds()
                await edge.flush()
                await edge.check()
                if !(await edge.isDrained) { isDrained = false }
            }
            if isDrained, round > 0 { break }
        }
        for edge in edges { try await edge.checkEnd() }
        var orders: [OrderID: Order] = [:]
        for edge in edges { orders.merge(edge.orderOracle.orders) { first, _ in first } }
        parts.log.tally("orders placed", orders.count)
        if !parts.server.ids.isSubset(of: orders.keys) {
            parts.log.violation("an order is upstream that nobody placed")
        }
        parts.server.checkStock(against: orders)
        for edge in edges { edge.checkTaken(by: parts.ingress) }
    }
}
