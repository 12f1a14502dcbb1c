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
    private let connection: WriterConnection
    private var file: FileIdentity?
    private var contents = Contents()
    /// The database without its log, in bytes.
    private(set) var bytes = 0
    /// The rows of its traces; read when something is appended, which to a sealed slice nothing is.
    private var rows: [TraceID: Int64]?
    /// A transaction has failed: what is remembered is read again before the next, since its COMMIT may have been made.
    private var isDoubtful = false
    /// How often it was opened again, and how often of these found sound, since something was appended.
    private var (reopenings, foundSound) = (0, 0)

    var counters: SliceCounters { contents.counters }
    var outcomes: SliceOutcomes { contents.outcomes }

    /// What is remembered of what is on disk, and is as it was when a transaction fails.
    private struct Contents {
        var counters = SliceCounters()
        var outcomes = SliceOutcomes()
        var services: [String: Int64] = [:]
        var resources: [[UInt8]: Int64] = [:]
        var names: Set<String> = []
        /// Traces whose ids are not yet where they are looked up by.
        var unindexed = 0
        /// Resources already met, by identity, kept alive so that an identity is not used twice.
        var known: [ObjectIdentifier: Known] = [:]
    }

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
        connection = WriterConnection(path: path, schema: "schema/sqlite/telemetry-slice")
        _ = try opened()
    }

    /// The connection, with what is on disk read where it is new or may be otherwise than is remembered.
    private func opened() throws -> DatabaseQueue {
        // Before it is opened: there would be another one there.
        if let file, !file.isInPlace { throw FileGone(path: file.path) }
        let (queue, isNew) = try connection.open()
        do {
            if isNew || isDoubtful { try queue.read { db in try load(db) } }
        } catch {
            connection.giveUp()
            throw error
        }
        if isNew { file = FileIdentity(path: connection.path) }
        return queue
    }

    /// Whether it is worth being opened again. A file that is sound as often as it is looked at, and takes nothing, is none to
    /// write to, nor is one that cannot be looked at for minutes.
    var mayBeSound: Bool { foundSound < 3 && reopenings < 100 }

    /// Opens the file by a new connection and has all of it checked. What two of them find alike is the file's; anything else
    /// may be the disk's, which cannot be read just now.
    ///
    /// - Throws: `DatabaseError`: corruption among them only where it is the file's.
    func reopen() throws {
        reopenings += 1
        guard let finding = try check(), let again = try check() else {
            foundSound += 1
            return
        }
        guard finding == again else {
            throw DatabaseError(resultCode: .SQLITE_IOERR, message: "it is read otherwise each time: \(finding)")
        }
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: finding)
    }

    /// - Returns: Nil for a sound file; otherwise what is wrong with it.
    /// - Throws: What keeps it from being looked at.
    private func check() throws -> String? {
        connection.giveUp()
        do {
            let findings = try opened().read { try String.fetchAll($0, sql: "PRAGMA integrity_check(1)") }
            guard let finding = findings.first, finding != "ok" else { return nil }
            // A page that cannot be read is told as a finding, with the code of an error of the disk's.
            if let code = finding.firstMatch(of: /code[= ](\d+)/).flatMap({ Int32($0.output.1) }),
                ResultCode(rawValue: code).primaryResultCode == .SQLITE_IOERR
            {
                throw DatabaseError(resultCode: ResultCode(rawValue: code), message: finding)
            }
            return finding
        } catch  where BufferDatabase.isCorruption(error) {
            guard (error as? DatabaseError)?.resultCode != .SQLITE_IOERR else { throw error }
            return "\(error)"
        }
    }

    /// Appends spans in one transaction.
    ///
    /// - Returns: How many: fewer than were given when the next belongs to a service for which there is no bit left.
    /// - Throws: `DatabaseError`, `FileGone`; then none was appended.
    func append(_ spans: ArraySlice<EncodedSpan>) throws -> Int {
        let queue = try opened()
        var appended = 0
        try queue.writeWithoutTransaction { db in
            let before = contents
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
                // The disk may not even be read just now.
                (contents, isDoubtful) = (before, true)
                throw error
            }
            (reopenings, foundSound) = (0, 0)
            // What was appended is there, whatever becomes of this.
            if let size = try? Self.size(db) { bytes = size }
        }
        return appended
    }

    /// Changes what became of spans, and the counters with it, in one transaction.
    ///
    /// - Returns: Whether anything was changed.
    /// - Throws: `DatabaseError`; then nothing was.
    func change(_ make: (inout SliceOutcomes, Int) -> SliceOutcomes.Change) throws -> Bool {
        let queue = try opened()
        var (outcomes, counters) = (outcomes, counters)
        let change = make(&outcomes, counters.enqueued)
        guard !change.isEmpty else { return false }
        counters.add(change.counters)
        do {
            try queue.write { db in
                try SliceOutcomes.write(change, db)
                try counters.writeSettled(db)
                try counters.findOldest(db, outcomes)
            }
        } catch {
            isDoubtful = true
            connection.giveUp(after: error)
            throw error
        }
        (contents.outcomes, contents.counters) = (outcomes, counters)
        return true
    }

    /// Moves all of the log into the file and closes it.
    func close() throws { try connection.close() }

    /// For tests of a full disk: the file grows no further than this many bytes; nil lifts the limit.
    func limit(bytes: Int?) throws {
        try opened().writeWithoutTransaction { db in
            let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
            let pages = bytes.map { $0 / pageSize } ?? 1_073_741_823
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
        }
    }

    /// For tests of a disk that fails.
    func refuseWrites(_ isRefusing: Bool) throws {
        try opened().writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA query_only = \(isRefusing ? "ON" : "OFF")")
        }
    }

    private func load(_ db: Database) throws {
        var contents = Contents()
        contents.counters = try SliceCounters.read(db)
        contents.outcomes = try SliceOutcomes.read(db)
        try contents.counters.findOldest(db, contents.outcomes)
        for row in try Row.fetchAll(db, sql: "SELECT id, name FROM services") {
            contents.services[try row.decode(forColumn: "name")] = try row.decode(Int64.self, forColumn: "id")
        }
        for row in try Row.fetchAll(db, sql: "SELECT id, payload FROM resources") {
            let payload: DataBytes = try row.decode(forColumn: "payload")
            contents.resources[payload.bytes] = try row.decode(Int64.self, forColumn: "id")
        }
        contents.names = try String.fetchSet(db, sql: "SELECT name FROM names")
        bytes = try Self.size(db)
        rows = nil
        self.contents = contents
        isDoubtful = false
    }

    private static func size(_ db: Database) throws -> Int {
        let pages = try Int.fetchOne(db.cachedStatement(sql: "PRAGMA page_count")) ?? 0
        let pageSize = try Int.fetchOne(db.cachedStatement(sql: "PRAGMA page_size")) ?? 0
        return pages * pageSize
    }

    private func loadRows(_ db: Database) throws -> [TraceID: Int64] {
        let until = try Int64.fetchOne(db, sql: "SELECT seq FROM trace_ids_until") ?? 0
        var rows: [TraceID: Int64] = [:]
        contents.unindexed = 0
        let stored = try Row.fetchCursor(db, sql: "SELECT trace_id, first_seq FROM traces")
        while let row = try stored.next() {
            let (id, seq): (DataBytes, Int64) = try (row.decode(atIndex: 0), row.decode(atIndex: 1))
            if let id = TraceID(bytes: id.bytes) { rows[id] = seq }
            if seq > until { contents.unindexed += 1 }
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
        defer { contents.counters = counters }
        return counters.enqueued - self.counters.enqueued
    }

    /// Puts the ids of traces where they are looked up by, many at a time: they are random, and each would be a page.
    private func index(_ db: Database, _ traces: TraceBatch) throws {
        contents.unindexed += traces.entries.count { $0.row == nil }
        guard contents.unindexed >= Self.mostUnindexed else { return }
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO trace_ids
                SELECT trace_id, first_seq FROM traces WHERE first_seq > (SELECT seq FROM trace_ids_until)
                ORDER BY trace_id;
                UPDATE trace_ids_until SET seq = (SELECT max(first_seq) FROM traces);
                """
        )
        contents.unindexed = 0
    }

    /// The ids of a resource and its service, stored when new; nil when there is no room for another service.
    private func resolve(_ db: Database, _ origin: Origin) throws -> Known? {
        if let known = contents.known[origin.id] { return known }
        guard let service = try serviceID(db, origin.serviceName) else { return nil }
        let known = Known(origin: origin, resource: try resourceID(db, origin.payload, service), service: service)
        if contents.known.count >= 1_024 { contents.known = [:] }
        contents.known[origin.id] = known
        return known
    }

    private func serviceID(_ db: Database, _ name: String) throws -> Int64? {
        if let id = contents.services[name] { return id }
        guard contents.services.count < Self.maxServices else { return nil }
        let id = Int64(contents.services.count)
        try db.execute(sql: "INSERT INTO services (id, name) VALUES (?, ?)", arguments: [id, name])
        contents.services[name] = id
        return id
    }

    private func resourceID(_ db: Database, _ payload: [UInt8], _ service: Int64) throws -> Int64 {
        if let id = contents.resources[payload] { return id }
        try db.execute(
            sql: "INSERT INTO resources (service_id, payload) VALUES (?, ?)",
            arguments: [service, DataBytes(bytes: payload)]
        )
        contents.resources[payload] = db.lastInsertedRowID
        return db.lastInsertedRowID
    }

    private func list(_ db: Database, _ name: String) throws {
        // Names that are equal to Swift and not to SQLite, such as an accent composed and not, are two.
        if let index = contents.names.firstIndex(of: name), contents.names[index].utf8.elementsEqual(name.utf8) {
            return
        }
        guard contents.names.count < Self.maxNames else { return }
        try db.execute(sql: "INSERT OR IGNORE INTO names (name) VALUES (?)", arguments: [name])
        contents.names.insert(name)
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
