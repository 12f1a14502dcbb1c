import GRDB

extension SliceReader {
    /// Spans from the newest row back to the first of a trace that started at `since` or later.
    func visitMapSpans(since: Int64, limit: Int, _ visit: (MapSpan) -> Void) throws {
        try read { db in
            let sql = """
                SELECT spans.trace_id, span_id, parent_span_id, kind, status, start_ns, end_ns, db_system, service_id
                FROM spans JOIN resources ON resources.id = resource_id
                WHERE seq >= (SELECT min(first_seq) FROM traces WHERE end_ns >= ?1) AND start_ns >= ?1
                ORDER BY seq DESC LIMIT ?2
                """
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [since, limit])
            while let row = try rows.next() {
                if let span = try MapSpan(row, services: services) { visit(span) }
            }
        }
    }
}

extension MapSpan {
    fileprivate init?(_ row: Row, services: [Int64: String]) throws {
        let (start, end): (Int64, Int64) = try (row.decode(forColumn: "start_ns"), row.decode(forColumn: "end_ns"))
        let (kindCode, status): (Int64, Int64) = try (row.decode(forColumn: "kind"), row.decode(forColumn: "status"))
        let (duration, overflow) = end.subtractingReportingOverflow(start)
        guard let kind = SpanKindCode(rawValue: kindCode) else { return nil }
        try self.init(
            trace: row.decode(forColumn: "trace_id"),
            span: row.decode(forColumn: "span_id"),
            parent: row.decode(forColumn: "parent_span_id"),
            service: services[row.decode(forColumn: "service_id")] ?? "",
            kind: kind,
            isError: status == SpanStatusCode.error.rawValue,
            start: start,
            duration: overflow ? 0 : duration,
            databaseSystem: row.decode(forColumn: "db_system")
        )
    }
}
