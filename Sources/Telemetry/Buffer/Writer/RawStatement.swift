import GRDB
import GRDBSQLite
import ServiceTracing

/// A prepared statement run by SQLite's own functions: GRDB's arguments box each value, and there are a dozen a span.
struct RawStatement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer?

    /// - Throws: `DatabaseError` when the statement does not compile.
    init(_ db: Database, _ sql: String) throws {
        handle = try db.cachedStatement(sql: sql).sqliteStatement
        connection = db.sqliteConnection
    }

    /// Binds, steps once and makes ready for the next row.
    ///
    /// - Throws: `DatabaseError` when the step fails.
    @inline(__always)
    func run(_ bind: (RawStatement) -> Void) throws {
        bind(self)
        try step()
    }

    /// The same, with a blob that is not copied: it stays where it is until the step is done.
    @inline(__always)
    func run(lending bytes: [UInt8], at index: Int32, _ bind: (RawStatement) -> Void) throws {
        bind(self)
        try bytes.withUnsafeBytes { buffer in
            defer { sqlite3_bind_null(handle, index) }
            blob(index, buffer, nil)
            try step()
        }
    }

    private func step() throws {
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE else {
            let message = connection.flatMap(sqlite3_errmsg).map { String(cString: $0) }
            let extended = connection.map(sqlite3_extended_errcode) ?? code
            sqlite3_reset(handle)
            throw DatabaseError(resultCode: ResultCode(rawValue: extended), message: message)
        }
        sqlite3_reset(handle)
    }

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }
    func bindNull(_ index: Int32) { sqlite3_bind_null(handle, index) }

    func bind(_ index: Int32, _ id: TraceID) {
        withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { blob(index, $0) }
    }

    func bind(_ index: Int32, _ id: SpanID) {
        withUnsafeBytes(of: id.value.bigEndian) { blob(index, $0) }
    }

    func bind(_ index: Int32, _ bytes: [UInt8]) {
        bytes.withUnsafeBytes { blob(index, $0) }
    }

    func bind(_ index: Int32, _ text: String) {
        sqlite3_bind_text(handle, index, text, Int32(text.utf8.count), transient)
    }

    private func blob(
        _ index: Int32,
        _ bytes: UnsafeRawBufferPointer,
        _ destructor: sqlite3_destructor_type? = transient
    ) {
        if bytes.isEmpty {
            sqlite3_bind_zeroblob(handle, index, 0)
        } else {
            sqlite3_bind_blob(handle, index, bytes.baseAddress, Int32(bytes.count), destructor)
        }
    }
}

/// `SQLITE_TRANSIENT`, which is a macro Swift does not see.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
