import FileIdentity
import GRDB

/// What became of the spans whose slices are gone.
struct LedgerTotals: Hashable, Sendable {
    var sent = 0
    var rejected = 0
    var expired = 0
    var evicted = 0
    var quarantined = 0
    var dropped = 0

    static func read(_ db: Database) throws -> LedgerTotals {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM totals") else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "no totals")
        }
        let totals = try LedgerTotals(
            sent: row.decode(forColumn: "sent"),
            rejected: row.decode(forColumn: "rejected"),
            expired: row.decode(forColumn: "expired"),
            evicted: row.decode(forColumn: "evicted"),
            quarantined: row.decode(forColumn: "quarantined"),
            dropped: row.decode(forColumn: "dropped")
        )
        let all = [
            totals.sent, totals.rejected, totals.expired, totals.evicted, totals.quarantined, totals.dropped,
        ]
        guard all.allSatisfy((0...BufferDatabase.mostSpans).contains) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "totals that cannot be")
        }
        return totals
    }
}

/// A slice as the catalogue knows it.
struct CatalogueRow: Hashable, Sendable {
    let id: Int64
    let isSealed: Bool
    /// Spans in it, as of sealing.
    let enqueued: Int
    let isFolded: Bool

    static func readAll(_ db: Database) throws -> [CatalogueRow] {
        try Row.fetchAll(db, sql: "SELECT * FROM slices ORDER BY id").map { row in
            let sealed: Int64? = try row.decode(forColumn: "sealed_ns")
            let folded: Int = try row.decode(forColumn: "folded")
            return try CatalogueRow(
                id: row.decode(forColumn: "id"),
                isSealed: sealed != nil,
                enqueued: row.decode(forColumn: "enqueued"),
                isFolded: folded == 1
            )
        }
    }
}

/// `ledger.sqlite`. Confined to the writer.
final class Ledger {
    private let connection: WriterConnection
    private let file: FileIdentity?
    private(set) var totals: LedgerTotals
    private(set) var catalogue: [CatalogueRow]

    /// - Throws: `DatabaseError`, `NewerSchema`.
    init(_ path: String) throws {
        connection = WriterConnection(path: path, schema: "schema/sqlite/telemetry-ledger")
        file = FileIdentity(path: path)
        (totals, catalogue) = try connection.open().queue.read { db in
            (try LedgerTotals.read(db), try CatalogueRow.readAll(db))
        }
    }

    /// A connection that only reads; nil for a file that a shop was killed over before there was anything in it.
    ///
    /// - Throws: `DatabaseError`.
    static func reader(_ path: String) throws -> DatabaseQueue? {
        do {
            let queue = try BufferDatabase.reader(path)
            let isMade = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 > 0 }
            return isMade ? queue : nil
        } catch  where BufferDatabase.isUnfinished(error) {
            return nil
        }
    }

    /// Makes a slice known before its file is.
    func add(_ id: Int64, created: UInt64, sealed: UInt64? = nil) throws {
        try write { db in
            try db.execute(
                sql: "INSERT INTO slices (id, created_ns, sealed_ns) VALUES (?, ?, ?)",
                arguments: [id, Int64(clamping: created), sealed.map { Int64(clamping: $0) }]
            )
        }
        catalogue.append(CatalogueRow(id: id, isSealed: sealed != nil, enqueued: 0, isFolded: false))
    }

    func seal(_ id: Int64, at time: UInt64, bytes: Int, counters: SliceCounters) throws {
        try write { db in
            try db.execute(
                sql: "UPDATE slices SET sealed_ns = ?, bytes = ?, enqueued = ? WHERE id = ?",
                arguments: [Int64(clamping: time), bytes, counters.enqueued, id]
            )
        }
    }

    /// Takes a slice's counts into the totals, once however often it is asked: its pending ones become evicted.
    func fold(_ id: Int64, _ counters: SliceCounters) throws {
        totals = try write { db in
            try db.execute(sql: "UPDATE slices SET folded = 1 WHERE id = ? AND folded = 0", arguments: [id])
            if db.changesCount == 1 {
                try db.execute(
                    sql: """
                        UPDATE totals SET sent = sent + ?, rejected = rejected + ?, expired = expired + ?,
                            evicted = evicted + ?, quarantined = quarantined + ?
                        """,
                    arguments: [
                        counters.sent, counters.rejected, counters.expired, counters.pending, counters.quarantined,
                    ]
                )
            }
            return try LedgerTotals.read(db)
        }
    }

    /// How many were dropped in all.
    func setDropped(_ count: Int) throws {
        guard count != totals.dropped else { return }
        try write { db in
            try db.execute(sql: "UPDATE totals SET dropped = ?", arguments: [count])
        }
        totals.dropped = count
    }

    func close() throws { try connection.close() }

    private func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            if !connection.isOpen, let file, !file.isInPlace { throw FileGone(path: file.path) }
            return try connection.open().queue.write(body)
        } catch {
            connection.giveUp(after: error)
            throw error
        }
    }
}
