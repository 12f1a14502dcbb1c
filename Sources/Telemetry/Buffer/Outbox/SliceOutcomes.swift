import GRDB

/// What became of a stretch of a slice's spans.
struct OutcomeRange: Hashable, Sendable {
    enum State: Int64, Sendable {
        /// Only retimed ones have a range; all others that are pending have none.
        case pending = 0
        case answered = 1
        case expired = 2
        case quarantined = 3
    }

    var first: Int64
    var last: Int64
    var state: State
    /// Of the answered ones: how many were refused, which ones not being known.
    var rejected = 0
    /// Of the pending ones: how far their times are moved when they are sent, in nanoseconds.
    var shift: Int64 = 0
    var reason = ""
    /// Nanoseconds since 1970; of the latest that was merged.
    var at: Int64

    var count: Int { Int(last - first + 1) }

    /// Whether both are told by one row. A number of refused ones belongs to its own range.
    fileprivate func isContinued(by next: OutcomeRange) -> Bool {
        last + 1 == next.first && state == next.state && shift == next.shift && reason == next.reason && rejected == 0
            && next.rejected == 0
    }
}

/// A stretch of spans that wait, and how far their times are to be moved.
struct PendingRange: Hashable, Sendable {
    var first: Int64
    var last: Int64
    var shift: Int64 = 0
}

/// The outcomes of one slice: disjoint ranges by rising `seq`. A value: what is written is what changed.
struct SliceOutcomes: Hashable, Sendable {
    /// The rows to be rewritten.
    struct Change {
        var removed: [Int64] = []
        var inserted: [OutcomeRange] = []
        /// What is added to the counters.
        var counters = SliceCounters()

        var isEmpty: Bool { removed.isEmpty && inserted.isEmpty }
    }

    private(set) var ranges: [OutcomeRange] = []

    /// What waits among the spans 1 to `enqueued`.
    func pending(enqueued: Int) -> [PendingRange] {
        var pending: [PendingRange] = []
        var next: Int64 = 1
        for range in ranges {
            if next < range.first { pending.append(PendingRange(first: next, last: range.first - 1)) }
            if range.state == .pending {
                pending.append(PendingRange(first: range.first, last: range.last, shift: range.shift))
            }
            next = range.last + 1
        }
        if next <= enqueued { pending.append(PendingRange(first: next, last: Int64(enqueued))) }
        return pending
    }

    /// The ranges of expired spans.
    var expired: [OutcomeRange] { ranges.filter { $0.state == .expired } }

    /// Gives the pending ones among the given spans an outcome; the others keep theirs.
    mutating func settle(
        _ spans: [ClosedRange<Int64>],
        _ settlement: Settlement,
        at time: Int64,
        enqueued: Int
    ) -> Change {
        let waiting = pending(enqueued: enqueued)
        var rejected = settlement.rejected
        var new: [OutcomeRange] = []
        for range in spans {
            for wait in waiting where wait.first <= range.upperBound && wait.last >= range.lowerBound {
                var outcome = OutcomeRange(
                    first: max(wait.first, range.lowerBound),
                    last: min(wait.last, range.upperBound),
                    state: settlement.state,
                    at: time
                )
                outcome.rejected = min(rejected, outcome.count)
                outcome.reason = outcome.rejected > 0 || settlement.state != .answered ? settlement.reason : ""
                rejected -= outcome.rejected
                new.append(outcome)
            }
        }
        return replace(with: new)
    }

    /// Makes expired spans pending again, their times moved.
    mutating func retime(by shift: Int64, at time: Int64) -> Change {
        replace(
            with: expired.map { OutcomeRange(first: $0.first, last: $0.last, state: .pending, shift: shift, at: time) }
        )
    }

    private mutating func replace(with new: [OutcomeRange]) -> Change {
        guard !new.isEmpty else { return Change() }
        let before = Set(ranges)
        var change = Change()
        for range in new {
            change.counters.add(range, sign: 1)
            cut(range, &change.counters)
            ranges.append(range)
        }
        ranges.sort { $0.first < $1.first }
        merge()
        let after = Set(ranges)
        change.removed = before.subtracting(after).map(\.first)
        change.inserted = Array(after.subtracting(before))
        return change
    }

    /// Makes room. Only pending and expired ranges are ever cut, and those count nobody as refused.
    private mutating func cut(_ new: OutcomeRange, _ counters: inout SliceCounters) {
        var rest: [OutcomeRange] = []
        for range in ranges {
            guard range.first <= new.last, range.last >= new.first else {
                rest.append(range)
                continue
            }
            var (left, right, gone) = (range, range, range)
            (left.last, right.first) = (new.first - 1, new.last + 1)
            (gone.first, gone.last) = (max(range.first, new.first), min(range.last, new.last))
            counters.add(gone, sign: -1)
            if left.last >= left.first { rest.append(left) }
            if right.last >= right.first { rest.append(right) }
        }
        ranges = rest
    }

    private mutating func merge() {
        var merged: [OutcomeRange] = []
        for range in ranges {
            if let previous = merged.last, previous.isContinued(by: range) {
                merged[merged.count - 1].last = range.last
                merged[merged.count - 1].at = max(previous.at, range.at)
            } else {
                merged.append(range)
            }
        }
        ranges = merged
    }
}

extension SliceOutcomes {
    static func read(_ db: Database) throws -> SliceOutcomes {
        var outcomes = SliceOutcomes()
        var last: Int64 = 0
        outcomes.ranges = try Row.fetchAll(db, sql: "SELECT * FROM outcomes ORDER BY first_seq").map { row in
            let state: Int64 = try row.decode(forColumn: "state")
            let range = try OutcomeRange(
                first: row.decode(forColumn: "first_seq"),
                last: row.decode(forColumn: "last_seq"),
                state: OutcomeRange.State(rawValue: state) ?? .answered,
                rejected: row.decode(forColumn: "rejected"),
                shift: row.decode(forColumn: "shift_ns"),
                reason: row.decode(forColumn: "reason"),
                at: row.decode(forColumn: "at_ns")
            )
            guard range.first > last, (range.first...Int64(BufferDatabase.mostSpans)).contains(range.last),
                (0...range.count).contains(range.rejected)
            else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "outcomes that cannot be") }
            last = range.last
            return range
        }
        return outcomes
    }

    static func write(_ change: Change, _ db: Database) throws {
        let delete = try db.cachedStatement(sql: "DELETE FROM outcomes WHERE first_seq = ?")
        for first in change.removed { try delete.execute(arguments: [first]) }
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO outcomes (first_seq, last_seq, state, rejected, shift_ns, reason, at_ns)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        )
        for range in change.inserted {
            try insert.execute(
                arguments: [
                    range.first, range.last, range.state.rawValue, range.rejected, range.shift, range.reason, range.at,
                ]
            )
        }
    }
}

extension SliceCounters {
    fileprivate mutating func add(_ range: OutcomeRange, sign: Int) {
        switch range.state {
        case .pending: break
        case .answered:
            sent += sign * (range.count - range.rejected)
            rejected += sign * range.rejected
        case .expired: expired += sign * range.count
        case .quarantined: quarantined += sign * range.count
        }
    }
}
