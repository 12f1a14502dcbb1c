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

    /// Reads all ids: some microseconds a hundred traces.
    ///
    /// - Throws: `DatabaseError`.
    init(_ slice: SliceReader) throws {
        (traces, starts, end, longest, hasErrors) = try slice.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT count(*), min(start_ns), max(start_ns), max(end_ns), max(end_ns - start_ns), max(error_count)
                    FROM traces
                    """
            )
            guard let row, row[0] as Int > 0 else { return ([], nil, .min, 0, false) }
            let (first, last): (Int64, Int64) = (row[1], row[2])
            return (try Self.traceIDs(db, count: row[0]), first...last, row[3], row[4], row[5] as Int > 0)
        }
    }

    func contains(_ id: TraceID) -> Bool {
        let index = traces.partitioningIndex { $0 >= id }
        return index < traces.count && traces[index] == id
    }

    /// The traces that both have.
    func common(with other: SliceDigest) -> [TraceID] {
        var common: [TraceID] = []
        var (index, theirs) = (0, 0)
        while index < traces.count, theirs < other.traces.count {
            if traces[index] < other.traces[theirs] {
                index += 1
            } else if other.traces[theirs] < traces[index] {
                theirs += 1
            } else {
                common.append(traces[index])
                (index, theirs) = (index + 1, theirs + 1)
            }
        }
        return common
    }

    /// By SQLite's own functions: as rows of GRDB's they took ten times as long.
    private static func traceIDs(_ db: Database, count: Int) throws -> [TraceID] {
        var ids: [TraceID] = []
        ids.reserveCapacity(count)
        let statement = try db.cachedStatement(sql: "SELECT trace_id FROM traces ORDER BY trace_id").sqliteStatement
        defer { sqlite3_reset(statement) }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return ids }
            guard code == SQLITE_ROW else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
            let bytes = UnsafeRawBufferPointer(
                start: sqlite3_column_blob(statement, 0),
                count: Int(sqlite3_column_bytes(statement, 0))
            )
            if let id = TraceID(bytes: bytes) { ids.append(id) }
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
