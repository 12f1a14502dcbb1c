import GRDBSQLite
import ServiceTracing

/// What a batch adds to each of its traces: one row a trace is written, however many spans it has.
struct TraceBatch {
    struct Entry {
        let traceID: TraceID
        /// Where its row is, when this is not the first batch with spans of it.
        let row: Int64?
        var isRooted: Bool
        var rootName: String
        var rootService: Int64
        var start: Int64
        var end: Int64
        var spans: Int64 = 0
        var errors: Int64 = 0
        var services: Int64 = 0
        let firstSeq: Int64
        var lastSeq: Int64
    }

    private var rows: [TraceID: Int64]
    private(set) var entries: [Entry] = []
    private var indices: [TraceID: Int] = [:]
    private var latest: Int?

    /// - Parameter rows: Of the traces that have one.
    init(rows: [TraceID: Int64]) { self.rows = rows }

    mutating func add(_ span: EncodedSpan, service: Int64, seq: Int64) {
        let index = index(of: span, service: service, seq: seq)
        latest = index
        entries[index].take(span, service: service, seq: seq)
    }

    /// The rows of all traces, with those that this batch has made. Once.
    mutating func takeRows() -> [TraceID: Int64] {
        for entry in entries where entry.row == nil { rows[entry.traceID] = entry.firstSeq }
        defer { rows = [:] }
        return rows
    }

    /// Spans of one trace tend to come one after the other.
    private mutating func index(of span: EncodedSpan, service: Int64, seq: Int64) -> Int {
        if let latest, entries[latest].traceID == span.traceID { return latest }
        if let known = indices[span.traceID] { return known }
        entries.append(Entry(span, row: rows[span.traceID], service: service, seq: seq))
        indices[span.traceID] = entries.count - 1
        return entries.count - 1
    }
}

extension TraceBatch.Entry {
    fileprivate init(_ span: EncodedSpan, row: Int64?, service: Int64, seq: Int64) {
        self.init(
            traceID: span.traceID,
            row: row,
            isRooted: span.parentSpanID == nil,
            rootName: span.name,
            rootService: service,
            start: span.startTime,
            end: span.endTime,
            firstSeq: seq,
            lastSeq: seq
        )
    }

    /// A span without a parent names the trace; until one comes, the earliest does.
    fileprivate mutating func take(_ span: EncodedSpan, service: Int64, seq: Int64) {
        let isRoot = span.parentSpanID == nil
        if (isRoot && !isRooted) || (isRoot == isRooted && span.startTime < start) {
            (isRooted, rootName, rootService) = (isRoot, span.name, service)
        }
        start = min(start, span.startTime)
        end = max(end, span.endTime)
        spans += 1
        errors += span.status == .error ? 1 : 0
        services |= 1 << service
        lastSeq = seq
    }

    /// A trace's first row.
    static let insert = """
        INSERT INTO traces (first_seq, has_root, root_name, root_service_id, start_ns, end_ns, span_count, error_count,
            services, last_seq, trace_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        """

    /// What a later batch adds to it. The right-hand sides see the row as it was.
    static let update = """
        UPDATE traces SET
            root_name = iif(?2 > has_root OR (?2 = has_root AND ?5 < start_ns), ?3, root_name),
            root_service_id = iif(?2 > has_root OR (?2 = has_root AND ?5 < start_ns), ?4, root_service_id),
            has_root = max(has_root, ?2),
            start_ns = min(start_ns, ?5), end_ns = max(end_ns, ?6),
            span_count = span_count + ?7, error_count = error_count + ?8, services = services | ?9, last_seq = ?10
        WHERE first_seq = ?1
        """

    func write(inserting: RawStatement, updating: RawStatement) throws {
        try (row == nil ? inserting : updating).run { raw in
            raw.bind(1, row ?? firstSeq)
            raw.bind(2, isRooted ? 1 : 0)
            raw.bind(3, rootName)
            raw.bind(4, rootService)
            raw.bind(5, start)
            raw.bind(6, end)
            raw.bind(7, spans)
            raw.bind(8, errors)
            raw.bind(9, services)
            raw.bind(10, lastSeq)
            if row == nil { raw.bind(11, traceID) }
        }
    }
}
