import FoundationEssentials
import GRDBSQLite

/// What is written of spans in an edge's buffer, read from the files by SQLite's own functions.
struct SliceAudit {
    enum State: Int64 {
        case pending = 0
        case answered = 1
        case expired = 2
        case quarantined = 3
    }

    /// By span; spans whose slice has gone are not in it.
    private(set) var states: [UInt64: State] = [:]
    /// Spans that are there twice.
    private(set) var doubled = 0
    /// Spans of slices that are gone: all of them, and those that had waited.
    private(set) var gone = (all: 0, evicted: 0)

    init(telemetry path: String) throws {
        let slices = path + "/slices"
        let names = try FileManager.default.contentsOfDirectory(atPath: slices)
        for name in names.sorted() where name.hasSuffix(".sqlite") {
            try Self.rows("\(slices)/\(name)", Self.spans) { row in
                let id = Self.number(sqlite3_column_blob(row, 0), sqlite3_column_bytes(row, 0))
                let state = State(rawValue: sqlite3_column_int64(row, 1)) ?? .answered
                if states.updateValue(state, forKey: id) != nil { doubled += 1 }
            }
        }
        try Self.rows(path + "/ledger.sqlite", Self.totals) { row in
            gone = (Int(sqlite3_column_int64(row, 0)), Int(sqlite3_column_int64(row, 1)))
        }
    }

    var expired: Set<UInt64> { Set(states.filter { $0.value == .expired }.keys) }

    func count(_ state: State) -> Int { states.values.count { $0 == state } }

    private static let spans = """
        SELECT span_id, coalesce(state, 0) FROM spans LEFT JOIN outcomes ON seq BETWEEN first_seq AND last_seq
        """
    private static let totals = "SELECT sent + rejected + expired + evicted + quarantined, evicted FROM totals"

    private static func number(_ bytes: UnsafeRawPointer?, _ count: CInt) -> UInt64 {
        UnsafeRawBufferPointer(start: bytes, count: Int(count)).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// SQLite says something else than a row.
    struct Failed: Error {
        let message: String
    }

    private static func rows(_ path: String, _ sql: String, _ body: (OpaquePointer) -> Void) throws {
        var database: OpaquePointer?
        defer { sqlite3_close_v2(database) }
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &database, flags, nil) == SQLITE_OK else { throw failed(database, path) }
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw failed(database, path)
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: body(statement)
            case SQLITE_DONE: return
            default: throw failed(database, path)
            }
        }
    }

    private static func failed(_ database: OpaquePointer?, _ path: String) -> Failed {
        Failed(message: "\(path): \(database.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory")")
    }
}
