import GRDB
import GRDBSQLite
import OTLP

/// Rows gathered for a batch, and what was met on the way.
struct Page {
    /// So many rows are looked at in one go, however few fit.
    private static let maxExpired = 100_000

    let maxBytes: Int
    let maxSpans: Int
    let window: ClosedRange<Int64>
    private(set) var items: [SpanBatch.Item] = []
    private(set) var payloads: [UInt8] = []
    private(set) var expired: [ClosedRange<Int64>] = []
    private(set) var held: [ClosedRange<Int64>] = []
    private(set) var earliestHeld: Int64?
    var resources: [Int64: [UInt8]] = [:]
    private var bytes = 0
    private var expiredCount = 0

    init(maxBytes: Int, maxSpans: Int, window: ClosedRange<UInt64>) {
        self.maxBytes = maxBytes
        self.maxSpans = maxSpans
        self.window = Int64(clamping: window.lowerBound)...Int64(clamping: window.upperBound)
    }

    /// - Returns: False when no more is wanted.
    fileprivate mutating func take(_ row: PendingRow, shift: Int64) -> Bool {
        let (seq, start) = (row.seq, row.start)
        let moved = start.addingReportingOverflow(shift).partialValue
        if moved < window.lowerBound {
            expired.append(consecutive: seq)
            expiredCount += 1
            return expiredCount < Self.maxExpired
        }
        if moved > window.upperBound {
            held.append(consecutive: seq)
            earliestHeld = min(earliestHeld ?? .max, moved)
            return true
        }
        guard shift == 0 else {
            let moved = OTLPRetiming.moved([UInt8](row.payload), by: shift)
            return moved.withUnsafeBytes { append(row, $0) }
        }
        return append(row, row.payload)
    }

    private mutating func append(_ row: PendingRow, _ payload: UnsafeRawBufferPointer) -> Bool {
        // A tag and a length for each.
        let size = payload.count + 6
        guard items.isEmpty || (bytes + size <= maxBytes && items.count < maxSpans) else { return false }
        bytes += size
        let place = payloads.count
        payloads.append(contentsOf: payload)
        items.append(SpanBatch.Item(seq: row.seq, resource: row.resource, payload: place..<payloads.count))
        return true
    }
}

/// The row a statement stands on, read in place: GRDB's values and `Data` took a quarter of a drain's reading.
private struct PendingRow {
    let seq: Int64
    let resource: Int64
    let start: Int64
    /// Until the statement's next step.
    let payload: UnsafeRawBufferPointer

    static let sql = "SELECT seq, resource_id, start_ns, payload FROM spans WHERE seq BETWEEN ? AND ? ORDER BY seq"

    /// - Throws: `DatabaseError` for a number that is none, which only a damaged file has: the table is STRICT.
    init(_ statement: SQLiteStatement) throws {
        for column in 0..<3 as Range<CInt> where sqlite3_column_type(statement, column) != SQLITE_INTEGER {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "column \(column) of a span is no number")
        }
        seq = sqlite3_column_int64(statement, 0)
        resource = sqlite3_column_int64(statement, 1)
        start = sqlite3_column_int64(statement, 2)
        let bytes = sqlite3_column_blob(statement, 3)
        payload = UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, 3)))
    }
}

extension [ClosedRange<Int64>] {
    /// Appends a number that is higher than all before it, to the last stretch where it follows on that.
    mutating func append(consecutive number: Int64) {
        if let last, last.upperBound + 1 == number {
            self[count - 1] = last.lowerBound...number
        } else {
            append(number...number)
        }
    }
}

extension SliceReader {
    /// Reads waiting spans into a page until it is full.
    func fill(_ page: inout Page, from ranges: [PendingRange]) throws {
        try read { db in
            let statement = try db.cachedStatement(sql: PendingRow.sql)
            for range in ranges {
                let rows = try Row.fetchCursor(statement, arguments: [range.first, range.last])
                while try rows.next() != nil {
                    guard page.take(try PendingRow(statement.sqliteStatement), shift: range.shift) else { return }
                }
            }
        }
    }

    /// The contents of OTLP `Resource` messages by their ids.
    func resources() throws -> [Int64: [UInt8]] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT id, payload FROM resources").reduce(into: [:]) {
                let payload: DataBytes = try $1.decode(forColumn: "payload")
                $0[try $1.decode(forColumn: "id")] = payload.bytes
            }
        }
    }

    /// Those that started before a time, and the earliest start of the others.
    func old(_ ranges: [PendingRange], before start: Int64) throws -> (old: [ClosedRange<Int64>], earliest: Int64) {
        var old: [ClosedRange<Int64>] = []
        var earliest = Int64.max
        try read { db in
            let statement = try db.cachedStatement(sql: "SELECT seq, start_ns FROM spans WHERE seq BETWEEN ? AND ?")
            for range in ranges {
                let rows = try Row.fetchCursor(statement, arguments: [range.first, range.last])
                while let row = try rows.next() {
                    let (seq, time): (Int64, Int64) = try (row.decode(atIndex: 0), row.decode(atIndex: 1))
                    let moved = time.addingReportingOverflow(range.shift).partialValue
                    guard moved < start else {
                        earliest = min(earliest, moved)
                        continue
                    }
                    old.append(consecutive: seq)
                }
            }
        }
        return (old, earliest)
    }

    func latestEnd(_ range: OutcomeRange, notAfter bound: Int64) throws -> Int64? {
        try read { db in
            let sql = "SELECT max(end_ns) FROM spans WHERE seq BETWEEN ? AND ? AND end_ns <= ?"
            return try Int64.fetchOne(db, sql: sql, arguments: [range.first, range.last, bound])
        }
    }
}
