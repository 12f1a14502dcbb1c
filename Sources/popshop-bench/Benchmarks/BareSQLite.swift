import Foundation
import GRDBSQLite
import OTLP
import ServiceTracing
import Tracing

/// The least that SQLite must do for the buffer's rows: one row a span and one a trace, by prepared statements, in
/// transactions of the buffer's size, with its pragmas.
struct BareSQLite {
    /// As `SpanQueue.chunkSpans`.
    private static let transaction = 4_096

    private let connection: OpaquePointer

    /// Spans a second until the last transaction is committed; encoding is not in it.
    static func rate(_ data: [SpanData], _ path: String) throws -> Double {
        let payloads = data.map(OTLPEncoder.span)
        let bare = try BareSQLite(path)
        try bare.execute(tables)
        defer { sqlite3_close(bare.connection) }
        let begun = ContinuousClock.now
        try bare.write(data, payloads)
        return Double(data.count) / (ContinuousClock.now - begun).seconds
    }

    private init(_ path: String) throws {
        var handle: OpaquePointer?
        // Without SQLite's own locks, as one thread needs none and GRDB has none.
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK, let handle else {
            throw Failure("SQLite cannot open \(path).")
        }
        connection = handle
    }

    private static let tables = """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 8388608;
        PRAGMA cache_size = -4096;
        CREATE TABLE spans (seq INTEGER PRIMARY KEY, signal INTEGER NOT NULL, trace_id BLOB NOT NULL,
            span_id BLOB NOT NULL, parent_span_id BLOB, resource_id INTEGER NOT NULL, kind INTEGER NOT NULL,
            status INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, name TEXT NOT NULL,
            db_system TEXT, payload BLOB NOT NULL) STRICT;
        CREATE TABLE traces (first_seq INTEGER PRIMARY KEY, trace_id BLOB NOT NULL, has_root INTEGER NOT NULL,
            root_name TEXT NOT NULL, root_service_id INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
            span_count INTEGER NOT NULL, error_count INTEGER NOT NULL, services INTEGER NOT NULL,
            last_seq INTEGER NOT NULL) STRICT;
        CREATE INDEX traces_by_start ON traces (start_ns);
        CREATE TABLE trace_ids (trace_id BLOB PRIMARY KEY, first_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE trace_ids_until (seq INTEGER NOT NULL) STRICT;
        INSERT INTO trace_ids_until VALUES (-1);
        """

    private func write(_ data: [SpanData], _ payloads: [[UInt8]]) throws {
        let span = try prepare("INSERT INTO spans VALUES (?, 1, ?, ?, ?, 1, ?, 0, ?, ?, ?, NULL, ?)")
        let trace = try prepare("INSERT INTO traces VALUES (?5, ?1, 1, ?2, 0, ?3, ?4, 8, 0, 1, ?6)")
        defer {
            sqlite3_finalize(span)
            sqlite3_finalize(trace)
        }
        var unindexed = 0
        for start in stride(from: 0, to: data.count, by: Self.transaction) {
            try execute("BEGIN IMMEDIATE")
            let rows = start..<min(start + Self.transaction, data.count)
            for index in rows { try insert(data[index], payloads[index], Int64(index), span) }
            for index in rows where data[index].parentSpanID == nil {
                try insertTrace(of: data[index], Int64(index), trace)
                unindexed += 1
            }
            if unindexed >= 4_096 {
                unindexed = 0
                try execute(
                    """
                    INSERT INTO trace_ids SELECT trace_id, first_seq FROM traces
                    WHERE first_seq > (SELECT seq FROM trace_ids_until) ORDER BY trace_id;
                    UPDATE trace_ids_until SET seq = (SELECT max(first_seq) FROM traces);
                    """
                )
            }
            try execute("COMMIT")
        }
    }

    private func insert(_ span: SpanData, _ payload: [UInt8], _ number: Int64, _ row: OpaquePointer) throws {
        sqlite3_bind_int64(row, 1, number)
        bind(row, 2, span.context.traceID)
        withUnsafeBytes(of: span.context.spanID.value.bigEndian) { bind(row, 3, $0, transient) }
        if let parent = span.parentSpanID {
            withUnsafeBytes(of: parent.value.bigEndian) { bind(row, 4, $0, transient) }
        } else {
            sqlite3_bind_null(row, 4)
        }
        sqlite3_bind_int64(row, 5, span.kind == .server ? 2 : 1)
        sqlite3_bind_int64(row, 6, Int64(span.startTime))
        sqlite3_bind_int64(row, 7, Int64(span.endTime))
        sqlite3_bind_text(row, 8, span.name, Int32(span.name.utf8.count), transient)
        // Lent, not copied: the step is over before the closure is.
        try payload.withUnsafeBytes {
            bind(row, 9, $0, nil)
            try step(row)
        }
    }

    private func insertTrace(of span: SpanData, _ number: Int64, _ row: OpaquePointer) throws {
        bind(row, 1, span.context.traceID)
        sqlite3_bind_text(row, 2, span.name, Int32(span.name.utf8.count), transient)
        sqlite3_bind_int64(row, 3, Int64(span.startTime))
        sqlite3_bind_int64(row, 4, Int64(span.endTime))
        sqlite3_bind_int64(row, 5, number)
        sqlite3_bind_int64(row, 6, number + 7)
        try step(row)
    }

    private func bind(_ row: OpaquePointer, _ index: Int32, _ id: TraceID) {
        withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { bind(row, index, $0, transient) }
    }

    private func bind(
        _ row: OpaquePointer,
        _ index: Int32,
        _ bytes: UnsafeRawBufferPointer,
        _ destructor: sqlite3_destructor_type?
    ) {
        sqlite3_bind_blob(row, index, bytes.baseAddress, Int32(bytes.count), destructor)
    }

    private func prepare(_ sql: String) throws -> OpaquePointer {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK, let statement else { throw error }
        return statement
    }

    private func step(_ row: OpaquePointer) throws {
        guard sqlite3_step(row) == SQLITE_DONE else { throw error }
        sqlite3_reset(row)
    }

    private func execute(_ sql: String) throws {
        guard sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK else { throw error }
    }

    private var error: Failure { Failure("SQLite: \(String(cString: sqlite3_errmsg(connection))).") }
}

// Orders.
extension BareSQLite {
    /// Orders a second into a new shop's database: its own statements, 32 orders a transaction and an fsync.
    static func orderRate(_ path: String) throws -> Double {
        let bare = try BareSQLite(path)
        defer { sqlite3_close(bare.connection) }
        try bare.execute("PRAGMA synchronous = FULL; UPDATE products SET stock_quantity = 1000000000")
        let statements = try [
            "SELECT stock_quantity, seeded_stock FROM products WHERE id = ?2",
            "UPDATE products SET stock_quantity = stock_quantity - 1 WHERE id = ?2 AND stock_quantity >= 1",
            """
            INSERT INTO orders (id, user_id, status, currency, subtotal_minor, shipping_minor, total_minor, payment_status, \
            order_date, edge_id, traceparent) VALUES (?1, 'bench-1', 'placed', 'USD', 999, 0, 999, 'authorized', \
            1700000000000, '00000000000000000000000000000000', '00-00000000000000000000000000000000-0000000000000000-01')
            """,
            """
            INSERT INTO order_items (order_id, line, product_id, product_name, quantity, unit_price_minor, \
            line_total_minor) VALUES (?1, 1, ?2, 'Product', 1, 999, 999)
            """,
            """
            INSERT INTO outbox (order_id, enqueued_at, traceparent) VALUES (?1, 1700000000000, \
            '00-00000000000000000000000000000000-0000000000000000-01')
            """,
        ].map(bare.prepare)
        defer { for statement in statements { sqlite3_finalize(statement) } }
        let (transactions, each) = (500, 32)
        let begun = ContinuousClock.now
        for transaction in 0..<transactions {
            try bare.execute("BEGIN IMMEDIATE")
            for number in transaction * each..<(transaction + 1) * each {
                let id = String(format: "01234567-89ab-7000-8000-%012x", number)
                for statement in statements {
                    sqlite3_bind_text(statement, 1, id, Int32(id.utf8.count), transient)
                    sqlite3_bind_int64(statement, 2, Int64(number % 21 + 1))
                    while sqlite3_step(statement) == SQLITE_ROW {}
                    guard sqlite3_reset(statement) == SQLITE_OK else { throw bare.error }
                }
            }
            try bare.execute("COMMIT")
        }
        return Double(transactions * each) / (ContinuousClock.now - begun).seconds
    }

    /// Puts accepted orders of a hundred users into a new shop's database, a second apart.
    static func fill(_ path: String, orders: Int) throws {
        let bare = try BareSQLite(path)
        defer { sqlite3_close(bare.connection) }
        let numbers = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ?1)"
        try bare.execute("PRAGMA synchronous = OFF; BEGIN IMMEDIATE")
        for rows in [
            """
            INSERT INTO orders SELECT printf('01234567-89ab-7000-8000-%012x', n), 'bench-' || (n % 100), 'accepted', 'USD', \
            999, 0, 999, 'authorized', 1700000000000 + n * 1000, '00000000000000000000000000000000', NULL FROM numbers
            """,
            """
            INSERT INTO order_items SELECT printf('01234567-89ab-7000-8000-%012x', n), 1, n % 21 + 1, 'Product', 1, 999, 999 \
            FROM numbers
            """,
        ] {
            let statement = try bare.prepare(numbers + " " + rows)
            defer { sqlite3_finalize(statement) }
            sqlite3_bind_int64(statement, 1, Int64(orders))
            try bare.step(statement)
        }
        try bare.execute("COMMIT")
    }
}

/// `SQLITE_TRANSIENT`, which is a macro Swift does not see.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
