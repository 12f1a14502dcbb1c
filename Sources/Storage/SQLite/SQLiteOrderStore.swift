public import Commerce
public import ConnectionPool
public import Faults
import GRDB
public import ServiceTracing
public import Storage

/// Orders and their outbox on SQLite.
public struct SQLiteOrderStore: OrderStore {
    private let database: ShopDatabase
    private let readers: TracedReaders
    private let tracer: ServiceTracer
    private let faults: ServiceFaults?

    /// - Parameter faults: Of the service that reads and writes.
    public init(
        database: ShopDatabase,
        readers: ConnectionPool<Reader>,
        tracer: ServiceTracer,
        faults: ServiceFaults? = nil
    ) {
        self.database = database
        self.readers = TracedReaders(
            pool: readers,
            tracer: tracer,
            conventions: database.conventions,
            faults: faults
        )
        self.faults = faults
        self.tracer = tracer
    }

    /// An order takes one of the service's connections for as long as it is written, as on an engine where it would be
    /// written by that: so a service without a free one takes no orders here either.
    public func place(_ draft: OrderDraft) async throws -> PlacedOrder {
        let slowed = StatementTrace(tracer, database.conventions, slowedBy: faults)
        let lease = try await readers.lease(slowed)
        defer { lease.release() }
        if slowed.isSlowed { try await lookAtStock(for: draft, lease, slowed) }
        do {
            return try await database.committer.commit(trace: StatementTrace(tracer, database.conventions)) {
                db,
                trace in
                if let key = draft.key, let order = try Self.order(forKey: key, in: db, trace) {
                    return .replayed(order)
                }
                let restocked = try Self.takeStock(for: draft, in: db, trace)
                try OrderRows.insert(draft.order, into: db, trace: trace)
                try Self.enqueue(draft.order, in: db, trace)
                if let key = draft.key { try Self.remember(key, draft.order, in: db, trace) }
                return .created(draft.order, restocked: restocked)
            }
        } catch let refusal as OrderRefusal {
            throw refusal
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    public func order(forKey key: IdempotencyKey) async throws -> Order? {
        // The answer may be a refusal, which is no error of the engine's and must not be read as one.
        let found: Result<Order?, OrderRefusal> = try await readers.read { db, trace in
            do {
                return .success(try Self.order(forKey: key, in: db, trace))
            } catch let refusal as OrderRefusal {
                return .failure(refusal)
            }
        }
        return try found.get()
    }

    public func order(_ id: OrderID) async throws -> Order? {
        try await readers.read(.brief) { db, trace in try OrderRows.order(id, in: db, trace: trace) }
    }

    public func orders(of user: UserID?, limit: Int) async throws -> [Order] {
        try await readers.read { db, trace in
            let statement = user == nil ? Statements.orders : Statements.ordersOfUser
            let arguments: StatementArguments = user.map { [$0.rawValue, limit] } ?? [limit]
            let rows = try trace.read(statement, arguments, db) { try Row.fetchAll($0) }
            return try rows.map { try OrderRows.order($0, in: db, trace: trace) }
        }
    }

    public func popularProducts(limit: Int) async throws -> [PopularProduct] {
        try await readers.read { db, trace in
            try trace.read(Statements.popularProducts, [limit], db) { statement in
                try Row.fetchAll(statement).map { row in
                    try PopularProduct(
                        id: ProductID(row.decode(atIndex: 0)),
                        name: row.decode(atIndex: 1),
                        orderCount: row.decode(atIndex: 2)
                    )
                }
            }
        }
    }

    public func checkPlace() async throws { try database.committer.checkPlace() }

    public func outboxCounts() async throws -> OutboxCounts {
        try await database.outboxCounts()
    }
}

extension SQLiteOrderStore {
    /// While queries are slow, an order asks for its stock before it stands in line for the writer: the writer's own
    /// statements are never slowed, since everybody waits for them.
    private func lookAtStock(
        for draft: OrderDraft,
        _ lease: Lease<Reader>,
        _ trace: StatementTrace
    ) async throws {
        guard let item = draft.order.items.first else { return }
        try await readers.read(lease, trace) { db, trace in
            _ = try trace.read(Statements.stock, [item.productID.rawValue], db) { try Row.fetchOne($0) }
        }
    }

    private static func order(
        forKey key: IdempotencyKey,
        in db: Database,
        _ trace: StatementTrace
    ) throws -> Order? {
        let row = try trace.read(Statements.key, [key.key], db) { try Row.fetchOne($0) }
        guard let row else { return nil }
        guard try row.decode(atIndex: 0) == key.fingerprint else { throw OrderRefusal.keyReused }
        return try OrderID(row.decode(atIndex: 1)).flatMap { try OrderRows.order($0, in: db, trace: trace) }
    }

    /// In product order, as every engine does it, so that two orders can never wait for each other.
    private static func takeStock(
        for draft: OrderDraft,
        in db: Database,
        _ trace: StatementTrace
    ) throws -> [Restock] {
        var restocked: [Restock] = []
        for item in draft.order.items.sorted(by: { $0.productID < $1.productID }) {
            if try take(item, in: db, trace) { continue }
            let row = try trace.run(Statements.stock, db) { try Row.fetchOne($0, arguments: [item.productID.rawValue]) }
            guard let row else { throw OrderRefusal.unknownProduct(item.productID) }
            let (available, seeded): (Int, Int) = try (row.decode(atIndex: 0), row.decode(atIndex: 1))
            guard draft.restocks else { throw OrderRefusal.outOfStock(item.productID, available: available) }
            // The supplier brings whole deliveries of the seeded stock, as many as the order needs.
            let delivery = max(1, seeded)
            let quantity = (item.quantity - available + delivery - 1) / delivery * delivery
            try trace.run(Statements.restock, db) { statement in
                try statement.execute(arguments: [quantity, item.productID.rawValue])
            }
            restocked.append(Restock(productID: item.productID, quantity: quantity))
            guard try take(item, in: db, trace) else {
                throw OrderRefusal.outOfStock(item.productID, available: available + quantity)
            }
        }
        return restocked
    }

    private static func take(_ item: Order.Item, in db: Database, _ trace: StatementTrace) throws -> Bool {
        try trace.run(Statements.takeStock, db) { statement in
            try statement.execute(arguments: [item.quantity, item.productID.rawValue])
            return db.changesCount == 1
        }
    }

    private static func enqueue(_ order: Order, in db: Database, _ trace: StatementTrace) throws {
        try trace.run(Statements.insertOutbox, db) { statement in
            try statement.execute(arguments: [order.id.description, order.date, order.traceParent])
        }
    }

    private static func remember(
        _ key: IdempotencyKey,
        _ order: Order,
        in db: Database,
        _ trace: StatementTrace
    ) throws {
        try trace.run(Statements.insertKey, db) { statement in
            try statement.execute(arguments: [key.key, key.fingerprint, order.id.description, order.date])
        }
    }
}
