public import Commerce
public import Faults
public import PostgresClient
public import ServiceTracing
public import Storage
import UpstreamStorage

/// Orders on Postgres. There is no outbox: this is where booths' orders would go.
///
/// An order is two exchanges: what it has to know, with the stock locked in product order; then all that it writes, and
/// COMMIT. Postgres itself lets concurrent commits share a write of its log.
public struct PostgresOrderStore: OrderStore {
    private let statements: ShopStatements
    private let pool: TracedPool
    private let rows: OrderRows

    /// - Parameter faults: Of the service that reads and writes.
    public init(_ shop: PostgresShop, pool: PostgresPool, tracer: ServiceTracer, faults: ServiceFaults? = nil) {
        statements = shop.statements
        self.pool = TracedPool(pool: pool, tracer: tracer, statements: shop.statements, faults: faults)
        rows = OrderRows(statements: shop.statements, pool: self.pool)
    }

    public func place(_ draft: OrderDraft) async throws -> PlacedOrder {
        try await pool.withConnection { connection in
            do {
                return try await place(draft, connection)
            } catch let error as PostgresError where error.isDuplicate && draft.key != nil {
                // Somebody has placed an order with the same key meanwhile: it is there now.
                return try await place(draft, connection)
            }
        }
    }

    public func order(forKey key: IdempotencyKey) async throws -> Order? {
        guard key.key.isText else { return nil }
        return try await pool.withConnection { connection in
            let found = try await pool.run([(statements.key, [.string(key.key)])], on: connection)[0]
            return try await order(of: found, key, connection)
        }
    }

    public func order(_ id: OrderID) async throws -> Order? {
        try await pool.withConnection { try await rows.order(id, $0) }
    }

    public func orders(of user: UserID?, limit: Int) async throws -> [Order] {
        guard user?.rawValue.isText ?? true else { return [] }
        let step: TracedPool.Step =
            if let user {
                (statements.ordersOfUser, [.string(user.rawValue), .int(limit)])
            } else {
                (statements.orders, [.int(limit)])
            }
        return try await pool.withConnection { connection in
            let found = try await pool.run([step], on: connection)[0]
            return try await rows.orders(found, connection)
        }
    }

    public func popularProducts(limit: Int) async throws -> [PopularProduct] {
        try await pool.rows(statements.popularProducts, [.int(limit)]).map { row in
            PopularProduct(
                id: ProductID(try row.read("id")),
                name: try row.read("name"),
                orderCount: try row.read("order_count")
            )
        }
    }

    public func outboxCounts() -> OutboxCounts { OutboxCounts() }
}

extension PostgresOrderStore {
    private nonisolated(nonsending) func place(
        _ draft: OrderDraft,
        _ connection: PostgresConnection
    ) async throws -> PlacedOrder {
        do {
            return try await placeInTransaction(draft, connection)
        } catch {
            await rollBack(connection)
            throw error
        }
    }

    private nonisolated(nonsending) func placeInTransaction(
        _ draft: OrderDraft,
        _ connection: PostgresConnection
    ) async throws -> PlacedOrder {
        let products = Set(draft.order.items.map(\.productID.rawValue)).sorted()
        var steps: [TracedPool.Step] = [(statements.begin, [])]
        if let key = draft.key { steps.append((statements.key, [.string(key.key)])) }
        steps.append((statements.lockStock, [.integers(products)]))
        let known = try await pool.run(steps, on: connection)
        if let key = draft.key, let order = try await order(of: known[1], key, connection) {
            await rollBack(connection)
            return .replayed(order)
        }
        var stock = try Stock(known[known.count - 1])
        let restocked = try stock.take(draft)
        steps = [(statements.changeStock, stock.changes)] + (try rows.inserts(draft.order))
        if let key = draft.key { steps.append((statements.insertKey, insertion(of: key, draft.order))) }
        steps.append((statements.commit, []))
        _ = try await connection.pipeline(steps, pool.tracer)
        return .created(draft.order, restocked: restocked)
    }

    private func insertion(of key: IdempotencyKey, _ order: Order) -> [PostgresValue] {
        [
            .string(key.key), .string(key.fingerprint), .uuid(order.id.description),
            .timestamp(PostgresTimestamp(milliseconds: order.date)),
        ]
    }

    /// What cannot be rolled back is hung up by the pool, which lends no connection with a transaction open.
    private nonisolated(nonsending) func rollBack(_ connection: PostgresConnection) async {
        guard !connection.isReusable else { return }
        try? await connection.executeScript("ROLLBACK")
    }

    private nonisolated(nonsending) func order(
        of found: PostgresRows,
        _ key: IdempotencyKey,
        _ connection: PostgresConnection
    ) async throws -> Order? {
        guard let row = found.first else { return nil }
        guard try row.read("fingerprint") == key.fingerprint else { throw OrderRefusal.keyReused }
        guard let id = OrderID(try row.read("order_id")) else { return nil }
        return try await rows.order(id, connection)
    }
}

/// The stock of an order's products, which is locked, and what the order does to it.
private struct Stock {
    private var available: [Int: Int] = [:]
    private var delivery: [Int: Int] = [:]
    private var change: [Int: Int] = [:]

    init(_ rows: PostgresRows) throws {
        for row in rows {
            let id: Int = try row.read("id")
            available[id] = try row.read("stock_quantity", as: Int.self)
            delivery[id] = max(1, try row.read("seeded_stock", as: Int.self))
        }
    }

    /// For `changeStock`.
    var changes: [PostgresValue] {
        let ids = change.keys.sorted()
        return [.integers(ids), .integers(ids.map { change[$0] ?? 0 })]
    }

    /// - Throws: `OrderRefusal`.
    mutating func take(_ draft: OrderDraft) throws -> [Restock] {
        var restocked: [Restock] = []
        for item in draft.order.items.sorted(by: { $0.productID < $1.productID }) {
            let id = item.productID.rawValue
            guard let there = available[id], let delivery = delivery[id] else {
                throw OrderRefusal.unknownProduct(item.productID)
            }
            var delivered = 0
            if there < item.quantity {
                guard draft.restocks else { throw OrderRefusal.outOfStock(item.productID, available: there) }
                // The supplier brings whole deliveries of the seeded stock, as many as the order needs.
                delivered = (item.quantity - there + delivery - 1) / delivery * delivery
                restocked.append(Restock(productID: item.productID, quantity: delivered))
            }
            available[id] = there + delivered - item.quantity
            change[id, default: 0] += delivered - item.quantity
        }
        return restocked
    }
}

extension PostgresValue {
    /// An array of whole numbers.
    fileprivate static func integers(_ numbers: [Int]) -> PostgresValue {
        .string("{\(numbers.map(String.init).joined(separator: ","))}")
    }
}
