import FileIdentity
import GRDB
import ServiceTracing

/// The one connection that writes a slice's file, be it the active one or a sealed one. Confined to the writer.
final class SliceWriter {
    /// Services in one slice: the bits of `traces.services` that are not its sign.
    static let maxServices = 63
    /// Names of spans that a slice keeps a list of; where it is full, there may be more.
    static let maxNames = 1_024
    /// Traces that are looked through one by one, where one is looked for by its id.
    static let mostUnindexed = 4_096

    let id: Int64
    private let queue: DatabaseQueue
    private let file: FileIdentity?
    private(set) var counters = SliceCounters()
    private(set) var outcomes = SliceOutcomes()
    /// The database without its log, in bytes.
    private(set) var bytes = 0
    private var services: [String: Int64] = [:]
    private var resources: [[UInt8]: Int64] = [:]
    private var names: Set<String> = []
    /// The rows of its traces; read when something is appended, which to a sealed slice nothing is.
    private var rows: [TraceID: Int64]?
    /// Traces whose ids are not yet where they are looked up by.
    private var unindexed = 0
    /// Resources already met, by identity, kept alive so that an identity is not used twice.
    private var known: [ObjectIdentifier: Known] = [:]

    private struct Known {
        let origin: Origin
        let resource: Int64
        let service: Int64
    }

    /// Opens or makes the file.
    ///
    /// - Throws: `DatabaseError`, `NewerSchema`.
    init(id: Int64, path: String) throws {
        self.id = id
        queue = try BufferDatabase.writer(path, schema: "schema/sqlite/telemetry-slice")
        file = FileIdentity(path: path)
        try queue.read { db in try load(db) }
    }

    /// Appends spans in one transaction.
    ///
    /// - Returns: How many: fewer than were given when the next belongs to a service for which there is no bit left.
    /// - Throws: `DatabaseError`, `FileGone`; then none was appended.
    func append(_ spans: ArraySlice<EncodedSpan>) throws -> Int {
        if let file, !file.isInPlace { throw FileGone(path: file.path) }
        var appended = 0
        try queue.writeWithoutTransaction { db in
            do {
                let rows = try rows ?? loadRows(db)
                // Not held twice, or it would be copied.
                self.rows = nil
                var traces = TraceBatch(rows: rows)
                try db.inTransaction(.immediate) {
                    appended = try insert(db, spans, &traces)
                    return .commit
                }
                self.rows = traces.takeRows()
            } catch {
                try? load(db)
                throw error
            }
            bytes = try Self.size(db)
        }
        return appended
    }

    /// Changes what became of spans, and the counters with it, in one transaction.
    ///
    /// - Returns: Whether anything was changed.
    /// - Throws: `DatabaseError`; then nothing was.
    func change(_ make: (inout SliceOutcomes, Int) -> SliceOutcomes.Change) throws -> Bool {
        var (outcomes, counters) = (outcomes, counters)
        let change = make(&outcomes, counters.enqueued)
        guard !change.isEmpty else { return false }
        counters.add(change.counters)
        try queue.write { db in
            try SliceOutcomes.write(change, db)
            try counters.writeSettled(db)
            try counters.findOldest(db, outcomes)
        }
        (self.outcomes, self.counters) = (outcomes, counters)
        return true
    }

    /// Moves all of the log into the file and closes it. Readers may keep the log from being cut; nothing is lost then,
    /// and they are not waited for: one that gives way to everybody may take its time.
    func close() throws {
        queue.writeWithoutTransaction { db in
            try? db.execute(sql: "PRAGMA busy_timeout = 0")
            _ = try? db.checkpoint(.truncate)
        }
        try queue.close()
    }

    /// For tests of a full disk: the file grows no further than this many bytes; nil lifts the limit.
    func limit(bytes: Int?) throws {
        try queue.writeWithoutTransaction { db in
            let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
            let pages = bytes.map { $0 / pageSize } ?? 1_073_741_823
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
        }
    }

    /// For tests of a disk that fails.
    func refuseWrites(_ isRefusing: Bool) throws {
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA query_only = \(isRefusing ? "ON" : "OFF")")
        }
    }

    private func load(_ db: Database) throws {
        counters = try SliceCounters.read(db)
        outcomes = try SliceOutcomes.read(db)
        try counters.findOldest(db, outcomes)
        bytes = try Self.size(db)
        services = [:]
        resources = [:]
        known = [:]
        for row in try Row.fetchAll(db, sql: "SELECT id, name FROM services") {
            services[try row.decode(forColumn: "name")] = try row.decode(Int64.self, forColumn: "id")
        }
        for row in try Row.fetchAll(db, sql: "SELECT id, payload FROM resources") {
            let payload: DataBytes = try row.decode(forColumn: "payload")
            resources[payload.bytes] = try row.decode(Int64.self, forColumn: "id")
        }
        names = try String.fetchSet(db, sql: "SELECT name FROM names")
        rows = nil
    }

    private static func size(_ db: Database) throws -> Int {
        let pages = try Int.fetchOne(db.cachedStatement(sql: "PRAGMA page_count")) ?? 0
        let pageSize = try Int.fetchOne(db.cachedStatement(sql: "PRAGMA page_size")) ?? 0
        return pages * pageSize
    }

    private func loadRows(_ db: Database) throws -> [TraceID: Int64] {
        let until = try Int64.fetchOne(db, sql: "SELECT seq FROM trace_ids_until") ?? 0
        var rows: [TraceID: Int64] = [:]
        unindexed = 0
        let stored = try Row.fetchCursor(db, sql: "SELECT trace_id, first_seq FROM traces")
        while let row = try stored.next() {
            let (id, seq): (DataBytes, Int64) = try (row.decode(atIndex: 0), row.decode(atIndex: 1))
            if let id = TraceID(bytes: id.bytes) { rows[id] = seq }
            if seq > until { unindexed += 1 }
        }
        return rows
    }

    private func insert(_ db: Database, _ spans: ArraySlice<EncodedSpan>, _ traces: inout TraceBatch) throws -> Int {
        var counters = counters
        let statement = try RawStatement(db, Self.insertSQL)
        for span in spans {
            guard let known = try resolve(db, span.origin) else { break }
            counters.add(span)
            let seq = Int64(counters.enqueued)
            try span.insert(statement, seq: seq, resource: known.resource)
            try list(db, span.name)
            traces.add(span, service: known.service, seq: seq)
        }
        let inserting = try RawStatement(db, TraceBatch.Entry.insert)
        let updating = try RawStatement(db, TraceBatch.Entry.update)
        for entry in traces.entries { try entry.write(inserting: inserting, updating: updating) }
        try index(db, traces)
        try counters.writeAppended(db)
        defer { self.counters = counters }
        return counters.enqueued - self.counters.enqueued
    }

    /// Puts the ids of traces where they are looked up by, many at a time: they are random, and each would be a page.
    private func index(_ db: Database, _ traces: TraceBatch) throws {
        unindexed += traces.entries.count { $0.row == nil }
        guard unindexed >= Self.mostUnindexed else { return }
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO trace_ids
                SELECT trace_id, first_seq FROM traces WHERE first_seq > (SELECT seq FROM trace_ids_until)
                ORDER BY trace_id;
                UPDATE trace_ids_until SET seq = (SELECT max(first_seq) FROM traces);
                """
        )
        unindexed = 0
    }

    /// The ids of a resource and its service, stored when new; nil when there is no room for another service.
    private func resolve(_ db: Database, _ origin: Origin) throws -> Known? {
        if let known = known[origin.id] { return known }
        guard let service = try serviceID(db, origin.serviceName) else { return nil }
        let known = Known(origin: origin, resource: try resourceID(db, origin.payload, service), service: service)
        if self.known.count >= 1_024 { self.known = [:] }
        self.known[origin.id] = known
        return known
    }

    private func serviceID(_ db: Database, _ name: String) throws -> Int64? {
        if let id = services[name] { return id }
        guard services.count < Self.maxServices else { return nil }
        let id = Int64(services.count)
        try db.execute(sql: "INSERT INTO services (id, name) VALUES (?, ?)", arguments: [id, name])
        services[name] = id
        return id
    }

    private func resourceID(_ db: Database, _ payload: [UInt8], _ service: Int64) throws -> Int64 {
        if let id = resources[payload] { return id }
        try db.execute(
            sql: "INSERT INTO resources (service_id, payload) VALUES (?, ?)",
            arguments: [service, DataBytes(bytes: payload)]
        )
        resources[payload] = db.lastInsertedRowID
        return db.lastInsertedRowID
    }

    private func list(_ db: Database, _ name: String) throws {
        // Names that are equal to Swift and not to SQLite, such as an accent composed and not, are two.
        if let index = names.firstIndex(of: name), names[index].utf8.elementsEqual(name.utf8) { return }
        guard names.count < Self.maxNames else { return }
        try db.execute(sql: "INSERT OR IGNORE INTO names (name) VALUES (?)", arguments: [name])
        names.insert(name)
    }

    private static let insertSQL = """
        INSERT INTO spans (seq, signal, trace_id, span_id, parent_span_id, resource_id, kind, status, start_ns, end_ns,
            name, db_system, payload)
        VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
}

extension EncodedSpan {
    fileprivate func insert(_ statement: RawStatement, seq: Int64, resource: Int64) throws {
        try statement.run(lending: payload, at: 12) { raw in
            raw.bind(1, seq)
            raw.bind(2, traceID)
            raw.bind(3, spanID)
            if let parentSpanID { raw.bind(4, parentSpanID) } else { raw.bindNull(4) }
            raw.bind(5, resource)
            raw.bind(6, kind.rawValue)
            raw.bind(7, status.rawValue)
            raw.bind(8, startTime)
            raw.bind(9, endTime)
            raw.bind(10, name)
            if let databaseSystem { raw.bind(11, databaseSystem) } else { raw.bindNull(11) }
        }
    }
}
