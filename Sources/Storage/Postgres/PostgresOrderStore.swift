public import Commerce
public import Faults
public import PostgresClient
public import ServiceTracing
public import Storage
import UpstreamStorage

/// Orders on Postgres. There is no outbox: this is where booths' orders would go.
///
/// An order is two exchanges: what it has to know, with the stock locked in product order; then all that it writes, and
/// COMMIT. Those that come at the same moment share them.
public struct PostgresOrderStore: OrderStore {
    private let statements: ShopStatements
    private let pool: TracedPool
    private let rows: OrderRows
    let committer: OrderCommitter

    /// - Parameter faults: Of the service that reads and writes.
    public init(_ shop: PostgresShop, pool: PostgresPool, tracer: ServiceTracer, faults: ServiceFaults? = nil) {
        statements = shop.statements
        self.pool = TracedPool(pool: pool, tracer: tracer, statements: shop.statements, faults: faults)
        rows = OrderRows(statements: shop.statements, pool: self.pool)
        committer = OrderCommitter(self.pool, rows)
    }

    public func place(_ draft: OrderDraft) async throws -> PlacedOrder {
        try await pool.withConnection { connection in
            var triesLeft = 3
            while true {
                triesLeft -= 1
                do {
                    if case .created(let restocked) = try await committer.commit(draft, on: connection) {
                        return .created(draft.order, restocked: restocked)
                    }
                } catch let error as PostgresError where error.isDuplicate && draft.key != nil && triesLeft > 0 {
                    // Somebody has placed an order with the same key meanwhile: it is there now.
                }
                if let key = draft.key, let order = try await order(forKey: key, connection) {
                    return .replayed(order)
                }
                // The order of the key was in this order's group, which has failed.
                guard triesLeft > 0 else { throw StorageError(.unavailable, "an order with the same key fails") }
            }
        }
    }

    public func order(forKey key: IdempotencyKey) async throws -> Order? {
        guard key.key.isText else { return nil }
        return try await pool.withConnection { try await order(forKey: key, $0) }
    }

    public func order(_ id: OrderID) async throws -> Order? {
        try await pool.withConnection { try await rows.order(id, $0) }
    }

    public func orders(of user: UserID?, limit: Int) async throws -> [Order] {
        guard user?.rawValue.isText ?? true else { return [] }
        let step =
            if let user {
                TracedStep(statements.ordersOfUser, [.string(user.rawValue), .int(limit)])
            } else {
                TracedStep(statements.orders, [.int(limit)])
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
    private nonisolated(nonsending) func order(
        forKey key: IdempotencyKey,
        _ connection: PostgresConnection
    ) async throws -> Order? {
        let found = try await pool.run([TracedStep(statements.key, [.array([key.key])])], on: connection)[0]
        guard let row = found.first else { return nil }
        guard try row.read("fingerprint") == key.fingerprint else { throw OrderRefusal.keyReused }
        guard let id = OrderID(try row.read("order_id")) else { return nil }
        return try await rows.order(id, connection)
    }
}
