import GRDB
import GRDBSQLite
import ServiceTracing

/// What a slice has in it, in some bytes a trace: it says whether the slice has to be opened for a question at all. Only of
/// a slice that is sealed, whose traces never change again.
struct SliceDigest: Sendable {
    /// In ascending order.
    let traces: [TraceID]
    /// From the earliest start of a trace to the latest, in nanoseconds since 1970, UTC; nil without traces.
    let starts: ClosedRange<Int64>?
    /// The latest end.
    let end: Int64
    /// The longest trace, or part of one, in nanoseconds.
    let longest: Int64
    let hasErrors: Bool

    /// Reads what the slice knows of each trace, once, by SQLite's own functions: as rows of GRDB's it took ten times as
    /// long.
    ///
    /// - Throws: `DatabaseError`.
    init(_ slice: SliceReader) throws {
        var traces: [TraceID] = []
        var (first, last, end, longest, hasErrors): (Int64, Int64, Int64, Int64, Bool) = (.max, .min, .min, 0, false)
        try slice.read { db in
            let sql = "SELECT trace_id, start_ns, end_ns, error_count FROM traces"
            try Self.visit(try db.cachedStatement(sql: sql).sqliteStatement) { id, start, itsEnd, errors in
                traces.append(id)
                first = min(first, start)
                last = max(last, start)
                end = max(end, itsEnd)
                // What a damaged file says may be anything.
                let (lasted, isTooLong) = itsEnd.subtractingReportingOverflow(start)
                longest = max(longest, isTooLong ? .max : lasted)
                hasErrors = hasErrors || errors > 0
            }
        }
        self.traces = traces.sorted { $0 < $1 }
        starts = traces.isEmpty ? nil : first...last
        (self.end, self.longest, self.hasErrors) = (end, longest, hasErrors)
    }

    /// The traces that a slice which is still written has in common with others.
    ///
    /// - Throws: `DatabaseError`.
    static func traces(of slice: SliceReader, in sieve: TraceSieve) throws -> [TraceID] {
        var found: [TraceID] = []
        try slice.read { db in
            let sql = "SELECT trace_id, 0, 0, 0 FROM traces"
            try visit(try db.cachedStatement(sql: sql).sqliteStatement) { id, _, _, _ in
                if sieve.mayContain(id) { found.append(id) }
            }
        }
        return found
    }

    func contains(_ id: TraceID) -> Bool {
        let index = traces.partitioningIndex { $0 >= id }
        return index < traces.count && traces[index] == id
    }

    private static func visit(
        _ statement: SQLiteStatement,
        _ body: (TraceID, _ start: Int64, _ end: Int64, _ errors: Int64) -> Void
    ) throws {
        defer { sqlite3_reset(statement) }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
            let bytes = UnsafeRawBufferPointer(
                start: sqlite3_column_blob(statement, 0),
                count: Int(sqlite3_column_bytes(statement, 0))
            )
            guard let id = TraceID(bytes: bytes) else { continue }
            let number = { sqlite3_column_int64(statement, $0) }
            body(id, number(1), number(2), number(3))
        }
    }
}

extension TraceID {
    /// As their bytes, and SQLite, order them.
    static func < (one: TraceID, other: TraceID) -> Bool { (one.high, one.low) < (other.high, other.low) }

    fileprivate static func >= (one: TraceID, other: TraceID) -> Bool { !(one < other) }
}

extension Array {
    /// The first index whose element, and all after it, fulfil a condition.
    fileprivate func partitioningIndex(where isAfter: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = low + (high - low) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
