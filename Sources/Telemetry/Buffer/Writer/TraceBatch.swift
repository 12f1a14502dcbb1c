import GRDBSQLite
import ServiceTracing

/// What a batch adds to each of its traces: one row a trace is written, however many spans it has.
struct TraceBatch {
    struct Entry {
        let traceID: TraceID
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

    private(set) var entries: [Entry] = []
    private var indices: [TraceID: Int] = [:]
    private var latest: Int?

    mutating func add(_ span: EncodedSpan, service: Int64, seq: Int64) {
        let index = index(of: span, service: service, seq: seq)
        latest = index
        entries[index].take(span, service: service, seq: seq)
    }

    /// Spans of one trace tend to come one after the other.
    private mutating func index(of span: EncodedSpan, service: Int64, seq: Int64) -> Int {
        if let latest, entries[latest].traceID == span.traceID { return latest }
        if let known = indices[span.traceID] { return known }
        entries.append(Entry(span, service: service, seq: seq))
        indices[span.traceID] = entries.count - 1
        return entries.count - 1
    }
}

extension TraceBatch.Entry {
    fileprivate init(_ span: EncodedSpan, service: Int64, seq: Int64) {
        self.init(
            traceID: span.traceID,
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

    /// The row's upsert. The right-hand sides see the row as it was.
    static let sql = """
        INSERT INTO traces (trace_id, has_root, root_name, root_service_id, start_ns, end_ns, span_count, error_count,
            services, first_seq, last_seq)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (trace_id) DO UPDATE SET
            root_name = iif(?2 > has_root OR (?2 = has_root AND ?5 < start_ns), ?3, root_name),
            root_service_id = iif(?2 > has_root OR (?2 = has_root AND ?5 < start_ns), ?4, root_service_id),
            has_root = max(has_root, ?2),
            start_ns = min(start_ns, ?5), end_ns = max(end_ns, ?6),
            span_count = span_count + ?7, error_count = error_count + ?8, services = services | ?9, last_seq = ?11
        """

    func write(_ statement: RawStatement) throws {
        try statement.run { raw in
            raw.bind(1, traceID)
            raw.bind(2, isRooted ? 1 : 0)
            raw.bind(3, rootName)
            raw.bind(4, rootService)
            raw.bind(5, start)
            raw.bind(6, end)
            raw.bind(7, spans)
            raw.bind(8, errors)
            raw.bind(9, services)
            raw.bind(10, firstSeq)
            raw.bind(11, lastSeq)
        }
    }
}
