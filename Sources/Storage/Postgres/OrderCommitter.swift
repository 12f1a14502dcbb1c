import Commerce
import PostgresClient
import ServiceTracing
import Storage
import Synchronization
import Tracing
import UpstreamStorage

/// Puts the orders that wait at the same moment into one transaction: two exchanges, one lock of each product and one
/// flush of the server's log serve them all. An order alone is a transaction of its own, and waits for nobody.
///
/// Every order brings its own connection, lent to it until it is written, and the first of a group does the work on
/// its: so a group is never larger than the pool, and an order without a connection is in none.
final class OrderCommitter: Sendable {
    /// What has become of a draft.
    enum Outcome: Sendable {
        case created(restocked: [Restock])
        /// Its key has made an order, before or in the same group; nothing was written for it.
        case known
    }

    private struct Member: Sendable {
        let draft: OrderDraft
        let connection: PostgresConnection
        /// Of the request, for the spans of what is executed for it.
        let context: InstrumentationContext?
        let wait: ConnectionWait
        let hand: CheckedContinuation<Outcome, any Error>
    }

    private struct State {
        var pending: [Member] = []
        var running = 0
    }

    /// Groups at once. Two: while one waits for the server's disk the next has sent its first exchange; and a group that
    /// somebody else's lock holds up does not hold up everybody.
    private static let most = 2

    private let pool: TracedPool
    private let rows: OrderRows
    private let state = Mutex(State())

    init(_ pool: TracedPool, _ rows: OrderRows) { (self.pool, self.rows) = (pool, rows) }

    /// Writes an order and returns when it is committed. It is not cancelled with its task: others are in its group.
    ///
    /// - Throws: `OrderRefusal`; or `PostgresError`, after which nothing is written, except that a connection lost in the
    ///   last exchange leaves that open.
    func commit(_ draft: OrderDraft, on connection: PostgresConnection) async throws -> Outcome {
        try Task.checkCancellation()
        let wait = ConnectionWait(for: "order group", pool.tracer)
        return try await withCheckedThrowingContinuation { hand in
            let member = Member(draft: draft, connection: connection, context: .current, wait: wait, hand: hand)
            // While queries are slow each order sleeps for itself and not for all.
            guard pool.slowQuery == nil else { return run([member], thenOthers: false) }
            let mustStart = state.withLock { state in
                state.pending.append(member)
                guard state.running < Self.most else { return false }
                state.running += 1
                return true
            }
            if mustStart { run(nextGroup(), thenOthers: true) }
        }
    }

    /// How many orders stand behind the groups that are under way.
    var waiting: Int { state.withLock { $0.pending.count } }

    /// In a task of its own, which nobody cancels.
    private func run(_ group: [Member], thenOthers: Bool) {
        Task {
            var group = group
            while !group.isEmpty {
                await settle(group)
                group = thenOthers ? nextGroup() : []
            }
        }
    }

    /// All that wait; with none of them one group less is running.
    private func nextGroup() -> [Member] {
        state.withLock { state in
            defer { state.pending = [] }
            if state.pending.isEmpty { state.running -= 1 }
            return state.pending
        }
    }

    private func settle(_ group: [Member]) async {
        for member in group { member.wait.end() }
        do {
            let outcomes = try await write(group)
            for (member, outcome) in zip(group, outcomes) { member.hand.resume(with: outcome) }
        } catch {
            // What the server has refused and rolled back may be one order's fault alone. Not so where it has hung up: that
            // leaves open whether they are written.
            guard group.count > 1, let refusal = error as? PostgresError, refusal.isRefusal else {
                for member in group { member.hand.resume(throwing: error) }
                return
            }
            for member in group { await settle([member]) }
        }
    }
}

extension PostgresError {
    fileprivate var isRefusal: Bool { sqlState != nil && !isConnectionLost }
}

/// The transaction.
extension OrderCommitter {
    private typealias Outcomes = [Result<Outcome, any Error>]

    /// - Throws: When none of them is written, whoever's fault it is.
    private func write(_ group: [Member]) async throws -> Outcomes {
        let connection = group[0].connection
        do {
            let (outcomes, changes) = try await decide(group, connection)
            let written = zip(group, outcomes).filter { if case .success(.created) = $1 { true } else { false } }
            if written.isEmpty {
                await rollBack(connection)
            } else {
                try await write(written.map(\.0), changes, connection)
            }
            return outcomes
        } catch {
            await rollBack(connection)
            throw error
        }
    }

    /// Locks the stock in product order and decides in the order in which they came.
    private func decide(
        _ group: [Member],
        _ connection: PostgresConnection
    ) async throws -> (Outcomes, changes: [PostgresValue]) {
        let statements = pool.statements
        let keyed = group.filter { $0.draft.key != nil }
        let products = Set(group.flatMap { $0.draft.order.items.map(\.productID.rawValue) }).sorted()
        var steps = [TracedStep(statements.begin)]
        if !keyed.isEmpty {
            let keys = keyed.compactMap { $0.draft.key?.key }
            steps.append(TracedStep(statements.key, [.array(keys)], for: keyed.map(\.context)))
        }
        steps.append(TracedStep(statements.lockStock, [.array(products)], for: group.map(\.context)))
        let known = try await pool.run(steps, on: connection)
        var keys = keyed.isEmpty ? [] : Set(try known[1].map { try $0.read("key", as: String.self) })
        var stock = try Stock(known[known.count - 1])
        let outcomes: Outcomes = group.map { member in
            Result {
                if let key = member.draft.key, keys.contains(key.key) { return .known }
                let restocked = try stock.take(member.draft)
                if let key = member.draft.key { keys.insert(key.key) }
                return .created(restocked: restocked)
            }
        }
        return (outcomes, stock.changes)
    }

    private func write(
        _ group: [Member],
        _ changes: [PostgresValue],
        _ connection: PostgresConnection
    ) async throws(PostgresError) {
        let statements = pool.statements
        let contexts = group.map(\.context)
        var steps = [TracedStep(statements.changeStock, changes, for: contexts)]
        steps += rows.inserts(group.map(\.draft.order), for: contexts)
        let keyed = group.filter { $0.draft.key != nil }
        if !keyed.isEmpty {
            let keys = keyed.compactMap(\.draft.key)
            let orders = keyed.map(\.draft.order)
            steps.append(
                TracedStep(
                    statements.insertKeys,
                    [
                        .array(keys.map(\.key)), .array(keys.map(\.fingerprint)), .array(orders.map(\.id.description)),
                        .array(orders.map { PostgresTimestamp(milliseconds: $0.date).text }),
                    ],
                    for: keyed.map(\.context)
                )
            )
        }
        var commit = TracedStep(statements.commit, for: contexts)
        commit.attributes = ["popshop.commit.group_size": .int(group.count)]
        _ = try await connection.pipeline(steps + [commit], pool.tracer)
    }

    /// What cannot be rolled back is hung up by the pool, which lends no connection with a transaction open.
    private func rollBack(_ connection: PostgresConnection) async {
        guard !connection.isReusable else { return }
        try? await connection.executeScript("ROLLBACK")
    }
}

/// The stock of a group's products, which is locked, and what its orders do to it.
private struct Stock {
    private struct Level {
        var available: Int
        let delivery: Int
        var change = 0
    }

    private var levels: [Int: Level] = [:]

    init(_ rows: PostgresRows) throws {
        for row in rows {
            levels[try row.read("id")] = Level(
                available: try row.read("stock_quantity"),
                delivery: max(1, try row.read("seeded_stock", as: Int.self))
            )
        }
    }

    /// For `changeStock`.
    var changes: [PostgresValue] {
        let changed = levels.filter { $0.value.change != 0 }.sorted { $0.key < $1.key }
        return [.array(changed.map(\.key)), .array(changed.map(\.value.change))]
    }

    /// Takes what an order needs, or nothing.
    ///
    /// - Throws: `OrderRefusal`.
    mutating func take(_ draft: OrderDraft) throws -> [Restock] {
        var levels = levels
        var restocked: [Restock] = []
        for item in draft.order.items.sorted(by: { $0.productID < $1.productID }) {
            guard var level = levels[item.productID.rawValue] else { throw OrderRefusal.unknownProduct(item.productID) }
            if level.available < item.quantity {
                guard draft.restocks else {
                    throw OrderRefusal.outOfStock(item.productID, available: level.available)
                }
                // The supplier brings whole deliveries of the seeded stock, as many as the order needs.
                let missing = item.quantity - level.available
                let delivered = (missing + level.delivery - 1) / level.delivery * level.delivery
                restocked.append(Restock(productID: item.productID, quantity: delivered))
                level.available += delivered
                level.change += delivered
            }
            level.available -= item.quantity
            level.change -= item.quantity
            levels[item.productID.rawValue] = level
        }
        self.levels = levels
        return restocked
    }
}
