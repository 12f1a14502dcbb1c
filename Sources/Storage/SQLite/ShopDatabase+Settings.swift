import FoundationEssentials
import GRDB
public import Storage

extension ShopDatabase: SettingsStore {
    /// Read on the writer, where no pool can be empty, and without a span: services ask several times a second.
    public func settings(prefix: String) async throws -> [String: String] {
        do {
            return try await committer.read { db in
                let statement = try db.cachedStatement(sql: Statements.settings.text)
                let rows = try Row.fetchAll(statement, arguments: [prefix, prefix])
                let pairs: [(String, String)] = try rows.map { try ($0.decode(atIndex: 0), $0.decode(atIndex: 1)) }
                return Dictionary(pairs) { first, _ in first }
            }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    public func change(_ settings: [String: String?]) async throws {
        do {
            try await committer.commit(trace: .none) { db, _ in
                for (name, value) in settings {
                    if let value {
                        try db.cachedStatement(sql: Statements.setSetting.text).execute(arguments: [name, value])
                    } else {
                        try db.cachedStatement(sql: Statements.removeSetting.text).execute(arguments: [name])
                    }
                }
            }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    /// The names of the migrations the database has, in order.
    ///
    /// - Throws: `StorageError`.
    public func migrations() async throws(StorageError) -> [String] {
        do {
            return try await committer.read { db in
                try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations ORDER BY identifier")
            }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    /// The books of the outbox: read in one transaction, so that they balance.
    ///
    /// - Throws: `StorageError`.
    public func outboxCounts() async throws -> OutboxCounts {
        do {
            return try await committer.read { db in try OutboxLedger.counts(db) }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    /// The books of a shop's file, read from outside while the shop runs or after it stopped. Nil without the file, and
    /// for one that a shop was killed over before there was anything in it.
    ///
    /// - Throws: `StorageError`.
    public static func outboxCounts(path: String) throws(StorageError) -> (edgeID: String, counts: OutboxCounts)? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try Reader.queueUnlessUnfinished(path)?.read { db in
                let sql = """
                    SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'grdb%')
                    """
                if try Bool.fetchOne(db, sql: sql) ?? true { return nil }
                let edgeID = try String.fetchOne(db, sql: "SELECT value FROM settings WHERE name = 'edge_id'") ?? ""
                return (edgeID, try OutboxLedger.counts(db))
            }
        } catch {
            throw StorageError(sqlite: error, path: path)
        }
    }
}

enum OutboxLedger {
    /// `enqueued` is the outbox's AUTOINCREMENT sequence, which a rolled-back order takes back with it: so no
    /// statement of an order's own has to count.
    static func counts(_ db: Database) throws -> OutboxCounts {
        var counts = OutboxCounts()
        if let row = try Row.fetchOne(db.cachedStatement(sql: Statements.outboxCounts.text)) {
            counts.enqueued = try row.decode(atIndex: 0)
            counts.pending = try row.decode(atIndex: 1)
            counts.oldestPending = try row.decode(atIndex: 2)
        }
        let outcomes = try Row.fetchAll(db.cachedStatement(sql: Statements.outboxOutcomes.text))
        for row in outcomes {
            switch try row.decode(String.self, atIndex: 0) {
            case "accepted": counts.accepted = try row.decode(atIndex: 1)
            case "backordered": counts.backordered = try row.decode(atIndex: 1)
            case "rejected": counts.rejected = try row.decode(atIndex: 1)
            case "quarantined": counts.quarantined = try row.decode(atIndex: 1)
            default: break
            }
        }
        return counts
    }
}
