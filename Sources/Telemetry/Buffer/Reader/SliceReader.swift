import GRDB
import ServiceTracing

/// One slice, opened to be read. Closed with its last reference, so that a dropped slice's space is given back.
struct SliceReader {
    /// Where a reading of `traces` by falling start has come to.
    struct Position {
        let start: Int64
        let traceID: DataBytes
    }

    let id: Int64
    private let queue: DatabaseQueue
    let services: [Int64: String]
    let conditions: TraceConditions

    /// Nil when the file has gone or is bad.
    ///
    /// - Throws: `DatabaseError` of any other kind.
    init?(id: Int64, path: String) throws {
        self.id = id
        do {
            queue = try BufferDatabase.reader(path)
            // A slice that no writer has opened since that table came to be has none, and its rows lie by their ids.
            conditions = try queue.read { db in try db.tableExists("trace_ids") } ? .byRow : .byID
            services = try queue.read { db in
                try Row.fetchAll(db, sql: "SELECT id, name FROM services").reduce(into: [:]) {
                    $0[try $1.decode(forColumn: "id")] = try $1.decode(String.self, forColumn: "name")
                }
            }
        } catch
            where BufferDatabase.isCorruption(error) || BufferDatabase.isMissing(error)
            || BufferDatabase.isUnfinished(error)
        {
            return nil
        }
    }

    /// - Throws: `SliceUnreadable` when what is stored is bad; `DatabaseError` of any other kind.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try queue.read(body)
        } catch  where BufferDatabase.isCorruption(error) {
            throw SliceUnreadable(id: id, reason: String(describing: error))
        }
    }

    /// The start of the newest trace; nil when there is none.
    func newestStart(before: UInt64?) throws -> Int64? {
        let bound = before.map { Int64(clamping: $0) } ?? .max
        return try read { db in
            try Int64.fetchOne(db, sql: "SELECT max(start_ns) FROM traces WHERE start_ns < ?", arguments: [bound])
        }
    }

    /// The numbers stand also where the rows beside them are bad: then only the oldest pending one is not known.
    func counters() throws -> SliceCounters {
        let counters = try read(SliceCounters.read)
        let whole = try? read { db in
            var counters = counters
            // A slice that no writer has opened since that table came to be has none, and nothing in it was settled.
            try counters.findOldest(db, db.tableExists("outcomes") ? SliceOutcomes.read(db) : SliceOutcomes())
            return counters
        }
        return whole ?? counters
    }

    func summary(of id: TraceID) throws -> TraceSummary? {
        try read { db in
            let statement = try db.cachedStatement(sql: "SELECT * FROM traces WHERE \(conditions.isTrace)")
            return try Row.fetchOne(statement, arguments: [DataBytes(bytes: id.bytes)]).flatMap { try summary($0) }
        }
    }

    private static let ownSpans =
        "SELECT 1 FROM spans WHERE seq BETWEEN first_seq AND last_seq AND spans.trace_id = traces.trace_id"

    /// The next traces by falling start.
    /// A trace whose part here does not fulfil the filter is left out: its
    /// whole, where there is one, is looked at besides.
    func traces(
        _ filter: TraceFilter,
        after position: Position?,
        count: Int
    ) throws -> [(position: Position, summary: TraceSummary)] {
        var conditions: [String] = []
        var arguments = StatementArguments()
        if let position {
            conditions.append("(start_ns, trace_id) < (?, ?)")
            arguments += [position.start, position.traceID]
        } else if let before = filter.before {
            conditions.append("start_ns < ?")
            arguments += [Int64(clamping: before)]
        }
        if let duration = filter.minDuration {
            conditions.append("max(end_ns - start_ns, 0) >= ?")
            // Rounded down: who is let through is looked at exactly.
            arguments += [Int64(min(duration * 1e6, 9e18))]
        }
        if filter.errorsOnly { conditions.append("error_count > 0") }
        if let service = filter.service {
            guard let bit = services.first(where: { $0.value == service })?.key else { return [] }
            conditions.append("services & ? <> 0")
            arguments += [1 << bit]
        }
        guard let chosen = try spanConditions(filter) else { return [] }
        conditions += chosen.conditions
        arguments += chosen.arguments
        let condition = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        arguments += [count]
        let sql = "SELECT * FROM traces \(condition) ORDER BY start_ns DESC, trace_id DESC LIMIT ?"
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).compactMap { row in
                guard let summary = try summary(row) else { return nil }
                let position = Position(
                    start: try row.decode(forColumn: "start_ns"),
                    traceID: try row.decode(forColumn: "trace_id")
                )
                return (position, summary)
            }
        }
    }

    /// Whether the part of a trace that is here has the span that is looked for.
    func hasSpan(of id: TraceID, _ filter: TraceFilter) throws -> Bool {
        guard let chosen = try spanConditions(filter) else { return false }
        let conditions = ([conditions.isTrace] + chosen.conditions).joined(separator: " AND ")
        let arguments: StatementArguments = [DataBytes(bytes: id.bytes)] + chosen.arguments
        return try read { db in
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM traces WHERE \(conditions))", arguments: arguments)
        } ?? false
    }

    /// Whether any trace of this slice may have it.
    func mayHaveSpan(_ filter: TraceFilter) throws -> Bool { try spanConditions(filter) != nil }

    /// What is asked of a trace's spans; nil when no span of this slice fulfils it.
    private func spanConditions(
        _ filter: TraceFilter
    ) throws -> (conditions: [String], arguments: StatementArguments)? {
        var (conditions, arguments): ([String], StatementArguments) = ([], [])
        if let route = filter.route {
            guard try mayHaveName(where: "name = ?", route) else { return nil }
            conditions.append("EXISTS (\(Self.ownSpans) AND name = ?)")
            arguments += [route]
        }
        if let text = filter.text?.lowercased() {
            var ways: [String] = []
            if let ids = TraceIDRange(beginning: text) {
                ways.append(self.conditions.isBetween)
                arguments += TraceConditions.arguments(ids)
            }
            if try mayHaveName(where: "instr(lower(name), ?)", text) {
                ways.append("EXISTS (\(Self.ownSpans) AND instr(lower(name), ?))")
                arguments += [text]
            }
            guard !ways.isEmpty else { return nil }
            conditions.append("(\(ways.joined(separator: " OR ")))")
        }
        return (conditions, arguments)
    }

    /// Whether a span's name may fulfil a condition with that text: the list of names says so without a look at the
    /// spans, of which there may be a hundred thousand.
    private func mayHaveName(where condition: String, _ text: String) throws -> Bool {
        try read { db in
            // A slice that no writer has opened since that table came to be has none.
            guard try db.tableExists("names") else { return true }
            let sql = "SELECT count(*) >= ? OR max(\(condition)) FROM names"
            return try Bool.fetchOne(db, sql: sql, arguments: [SliceWriter.maxNames, text]) ?? false
        }
    }

    func traceIDs(in range: TraceIDRange) throws -> [TraceID] {
        try read { db in
            try DataBytes.fetchAll(
                db,
                sql: "SELECT trace_id FROM traces WHERE \(conditions.isBetween) LIMIT 10",
                arguments: TraceConditions.arguments(range)
            ).compactMap { TraceID(bytes: $0.bytes) }
        }
    }

    /// A trace's spans, by the stretch of rows in which they lie.
    func spans(of id: TraceID) throws -> [StoredSpan] {
        try read { db in
            let sql = """
                SELECT spans.*, resources.service_id, resources.payload AS resource
                FROM traces
                JOIN spans ON seq BETWEEN first_seq AND last_seq AND spans.trace_id = traces.trace_id
                JOIN resources ON resources.id = spans.resource_id
                WHERE \(conditions.isTrace) ORDER BY spans.start_ns, seq
                """
            return try Row.fetchAll(db, sql: sql, arguments: [DataBytes(bytes: id.bytes)]).compactMap {
                try StoredSpan($0, services: services)
            }
        }
    }

    private func summary(_ row: Row) throws -> TraceSummary? {
        let id: DataBytes = try row.decode(forColumn: "trace_id")
        let (start, end): (Int64, Int64) = try (row.decode(forColumn: "start_ns"), row.decode(forColumn: "end_ns"))
        let bits: Int64 = try row.decode(forColumn: "services")
        let rooted: Int = try row.decode(forColumn: "has_root")
        guard let traceID = TraceID(bytes: id.bytes) else { return nil }
        return try TraceSummary(
            traceID: traceID,
            rootName: row.decode(forColumn: "root_name"),
            rootService: services[row.decode(forColumn: "root_service_id")] ?? "",
            startTime: UInt64(clamping: start),
            endTime: UInt64(clamping: end),
            spanCount: row.decode(forColumn: "span_count"),
            errorCount: row.decode(forColumn: "error_count"),
            services: services.filter { bits & 1 << $0.key != 0 }.map(\.value).sorted(),
            isRooted: rooted == 1
        )
    }
}

/// Conditions on a slice's `traces` that find rows by the traces' ids.
struct TraceConditions {
    /// The one with the id `?1`.
    let isTrace: String
    /// Those whose ids are in a range: see `arguments(_:)`.
    let isBetween: String

    /// Where rows lie by their first spans (`004_trace_rows.sql`).
    static let byRow = TraceConditions(
        isTrace: """
            traces.first_seq IN (
                SELECT first_seq FROM trace_ids WHERE trace_id = ?1
                UNION ALL
                SELECT first_seq FROM traces WHERE first_seq > (SELECT seq FROM trace_ids_until) AND trace_id = ?1
            )
            """,
        isBetween: """
            traces.first_seq IN (
                SELECT first_seq FROM trace_ids WHERE trace_id BETWEEN ? AND ?
                UNION ALL
                SELECT first_seq FROM traces
                WHERE first_seq > (SELECT seq FROM trace_ids_until) AND trace_id BETWEEN ? AND ?
            )
            """
    )
    /// Where rows lie by their ids.
    static let byID = TraceConditions(
        isTrace: "traces.trace_id = ?1",
        isBetween: "(traces.trace_id BETWEEN ? AND ? AND traces.trace_id BETWEEN ? AND ?)"
    )

    static func arguments(_ range: TraceIDRange) -> StatementArguments {
        let ends = [DataBytes(bytes: range.first), DataBytes(bytes: range.last)]
        return StatementArguments(ends + ends)
    }
}

/// A slice in which something that was looked for cannot be read.
struct SliceUnreadable: Error, CustomStringConvertible {
    let id: Int64
    let reason: String

    var description: String { "slice \(id): \(reason)" }
}
