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
    /// The start of the first that is pending, in nanoseconds since 1970; moved when it was retimed.
    var oldestPending: Int64?

    var pending: Int { enqueued - sent - rejected - expired - quarantined }

    mutating func add(_ span: EncodedSpan) {
        if pending == 0 { oldestPending = span.startTime }
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
        let counters = try SliceCounters(
            enqueued: row.decode(forColumn: "enqueued"),
            sent: row.decode(forColumn: "sent"),
            rejected: row.decode(forColumn: "rejected"),
            expired: row.decode(forColumn: "expired"),
            quarantined: row.decode(forColumn: "quarantined"),
            first: row.decode(forColumn: "first_ns"),
            last: row.decode(forColumn: "last_ns")
        )
        let settled = [counters.sent, counters.rejected, counters.expired, counters.quarantined]
        // Numbers that no slice can have are not reckoned with.
        guard (0...BufferDatabase.mostSpans).contains(counters.enqueued),
            settled.allSatisfy({ (0...counters.enqueued).contains($0) }), counters.pending >= 0
        else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "counters that cannot be") }
        return counters
    }

    /// What the rows say beyond the numbers.
    mutating func findOldest(_ db: Database, _ outcomes: SliceOutcomes) throws {
        oldestPending = nil
        guard pending > 0, let range = outcomes.pending(enqueued: enqueued).first else { return }
        let statement = try db.cachedStatement(sql: "SELECT start_ns FROM spans WHERE seq = ?")
        oldestPending = try Int64.fetchOne(statement, arguments: [range.first]).map { $0 &+ range.shift }
    }

    /// Only what appending changes: the other states are the lane's.
    func writeAppended(_ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE counters SET enqueued = ?, first_ns = ?, last_ns = ?")
            .execute(arguments: [enqueued, first, last])
    }

    /// Only what settling changes.
    func writeSettled(_ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE counters SET sent = ?, rejected = ?, expired = ?, quarantined = ?")
            .execute(arguments: [sent, rejected, expired, quarantined])
    }

    mutating func add(_ difference: SliceCounters) {
        sent += difference.sent
        rejected += difference.rejected
        expired += difference.expired
        quarantined += difference.quarantined
    }
}
