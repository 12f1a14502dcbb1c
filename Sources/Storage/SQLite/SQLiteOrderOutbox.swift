public import Commerce
import FoundationEssentials
import GRDB
public import ServiceTracing
public import Storage

/// The outbox of a shop on SQLite. What waits is read by a connection of its own, so that a commit never waits for it;
/// what became of it goes through the one writer, in the same groups as the shop's own commits.
public struct SQLiteOrderOutbox: OrderOutbox {
    private let database: ShopDatabase
    private let reader: Reader
    private let tracer: ServiceTracer?

    init(_ database: ShopDatabase, reader: Reader, tracer: ServiceTracer?) {
        self.database = database
        self.reader = reader
        self.tracer = tracer
    }

    public func pending(limit: Int, passing passed: [OrderID]) async throws -> [PendingOrder] {
        try await read(Statements.pending, [try Self.json(passed), limit])
    }

    public func pending(among ids: [OrderID]) async throws -> [PendingOrder] {
        try await read(Statements.pendingAmong, [try Self.json(ids)])
    }

    private func read(_ statement: SQL, _ arguments: StatementArguments) async throws -> [PendingOrder] {
        do {
            return try await reader.queue.read { db in
                let rows = try Row.fetchAll(db.cachedStatement(sql: statement.text), arguments: arguments)
                guard !rows.isEmpty else { return [] }
                let ids = rows.map { try? $0.decode(String.self, atIndex: 11) }
                let items = try Row.fetchAll(
                    db.cachedStatement(sql: Statements.pendingItems.text),
                    arguments: [try Self.json(ids.compactMap(\.self))]
                )
                let lines = Dictionary(grouping: items) { (try? $0.decode(String.self, atIndex: 5)) ?? "" }
                return zip(rows, ids).compactMap { row, id in
                    guard let id else { return nil }
                    return Self.pending(row, id, lines[id] ?? [])
                }
            }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    public func settle(_ settlements: [OrderSettlement]) async throws {
        guard !settlements.isEmpty else { return }
        let rows = try Self.json(settlements)
        let now = ShopDatabase.milliseconds
        let trace = tracer.map { StatementTrace($0, database.conventions) } ?? .none
        do {
            try await database.committer.commit(trace: trace) { db, trace in
                try trace.run(Statements.insertOutcomes, db) { try $0.execute(arguments: [now, rows]) }
                for statement in [Statements.countOutcomes, Statements.markOrders, Statements.deleteSettled] {
                    try trace.run(statement, db) { try $0.execute(arguments: [rows]) }
                }
            }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    public func outboxCounts() async throws -> OutboxCounts { try await database.outboxCounts() }

    /// A row whose order has gone or does not read is lent all the same: it must not hold up those behind it. One whose
    /// very id does not read is passed over, and stays.
    private static func pending(_ row: Row, _ id: String, _ items: [Row]) -> PendingOrder? {
        guard let id = OrderID(id) else { return nil }
        return PendingOrder(id: id, order: row.hasNull(atIndex: 0) ? nil : try? OrderRows.order(row, items: items))
    }

    /// `[[id, outcome, reason, traceparent], …]`.
    private static func json(_ settlements: [OrderSettlement]) throws -> String {
        let rows = settlements.map { [$0.id.description, $0.outcome.name, $0.outcome.reason, $0.traceParent] }
        return String(decoding: try JSONEncoder().encode(rows), as: UTF8.self)
    }

    private static func json(_ ids: [OrderID]) throws -> String { try json(ids.map(\.description)) }

    private static func json(_ ids: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(ids), as: UTF8.self)
    }
}

extension ShopDatabase {
    /// The waiting end of the orders, for the one lane that pushes them.
    ///
    /// - Parameter tracer: Shows what is written, in the current task's context; reading is polled, and shows nothing.
    /// - Throws: `StorageError`.
    public func outbox(tracer: ServiceTracer? = nil) throws(StorageError) -> SQLiteOrderOutbox {
        SQLiteOrderOutbox(self, reader: try Reader(path: path), tracer: tracer)
    }
}
