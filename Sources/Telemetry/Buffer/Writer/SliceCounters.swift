import GRDB

/// A slice's own books; what remains of `enqueued` is pending.
struct SliceCounters: Hashable, Sendable {
    var enqueued = 0
    var sent = 0
    var rejected = 0
    var expired = 0
    var quarantined = 0
    /// The earliest start, in nanoseconds since 1970; nil in an empty slice.
    var first: Int64?
    /// The latest end, in nanoseconds since 1970.
    var last: Int64?

    var pending: Int { enqueued - sent - rejected - expired - quarantined }

    mutating func add(_ span: EncodedSpan) {
        enqueued += 1
        first = min(first ?? .max, span.startTime)
        last = max(last ?? .min, span.endTime)
    }
}

extension SliceCounters {
    static func read(_ db: Database) throws -> SliceCounters {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM counters") else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "no counters")
        }
        return SliceCounters(
            enqueued: row["enqueued"],
            sent: row["sent"],
            rejected: row["rejected"],
            expired: row["expired"],
            quarantined: row["quarantined"],
            first: row["first_ns"],
            last: row["last_ns"]
        )
    }

    /// Only what appending changes: the other states are the lane's.
    func writeAppended(_ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE counters SET enqueued = ?, first_ns = ?, last_ns = ?")
            .execute(arguments: [enqueued, first, last])
    }
}
