import GRDB
import ServiceTracing
import Testing

@testable import TelemetryBuffer

/// Where a slice keeps what it knows of a trace, and how that is found by the trace's id.
@Suite struct TraceRowTests {
    private let scratch = Scratch()
    private let spans = Spans()
    /// Some ids are where they are looked up by, and some not yet.
    private let count = UInt64(SliceWriter.mostUnindexed + 100)

    @Test func `every trace is found by its id and by the beginning of it, however many there are`() async throws {
        let buffer = try scratch.buffer()
        try await fill(buffer)
        try await check(count)
        await buffer.close()
        try await check(count)
    }

    @Test func `what comes later of a trace is added to its row, also after a restart`() async throws {
        let buffer = try scratch.buffer()
        try await fill(buffer)
        let late: [UInt64] = [1, 2, count - 1, count]
        for trace in late {
            buffer.onEnd(try spans.span(trace, 2, parent: 1, "cart", "GET /cart/{id}", start: trace + 9))
        }
        try await buffer.flush()
        await buffer.close()
        let again = try scratch.buffer()
        for trace in late {
            again.onEnd(try spans.span(trace, 3, parent: 1, "cart", "GET /cart/{id}", start: trace + 9))
        }
        // A trace that the slice does not know yet, beside them.
        again.onEnd(try spans.span(count + 1, 1, start: count + 1))
        try await again.flush()
        for trace in late { #expect(try await scratch.reader.trace(traceID(trace)).count == 3) }
        try await check(count + 1)
        await again.close()
        let rows = try DatabaseQueue(path: scratch.files.slice(1)).read { db in
            try Row.fetchOne(db, sql: "SELECT count(*), sum(span_count), count(DISTINCT trace_id) FROM traces")
        }
        #expect(try rows?.decode(Int.self, atIndex: 0) == Int(count) + 1)
        #expect(try rows?.decode(Int.self, atIndex: 1) == Int(count) + 1 + 2 * late.count)
        #expect(try rows?.decode(Int.self, atIndex: 2) == Int(count) + 1)
    }

    @Test func `a slice of before is read as it is, and appended to once a writer has opened it`() async throws {
        let buffer = try scratch.buffer()
        for trace in 1...30 as ClosedRange<UInt64> {
            for span in 1...3 as ClosedRange<UInt64> {
                buffer.onEnd(try spans.span(trace, span, parent: span == 1 ? nil : 1, start: trace * 10 + span))
            }
        }
        await buffer.close()
        let summaries = try await scratch.reader.traces()
        try layByID(scratch.files.slice(1))
        #expect(try await scratch.reader.traces() == summaries)
        try await check(30, spans: 3)
        let again = try scratch.buffer()
        #expect(try await scratch.reader.traces() == summaries)
        try await check(30, spans: 3)
        for trace in 1...31 as ClosedRange<UInt64> {
            again.onEnd(try spans.span(trace, 4, parent: 1, start: trace * 10 + 4))
        }
        await again.close()
        #expect(try await scratch.reader.traces().count == 31)
        #expect(try await scratch.reader.trace(traceID(30)).count == 4)
    }

    private func fill(_ buffer: SpanBuffer) async throws {
        for trace in 1...count { buffer.onEnd(try spans.span(trace, 1, start: trace)) }
        try await buffer.flush()
    }

    private func check(_ count: UInt64, spans: Int = 1) async throws {
        let reader = scratch.reader
        for trace in [1, 2, count / 2, count - 1, count] {
            let id = try traceID(trace)
            #expect(try await reader.trace(id).count >= spans, "\(trace)")
            #expect(try await reader.trace(idPrefix: "\(id)").first?.traceID == id, "\(trace)")
        }
        #expect(try await reader.trace(traceID(count + 1)).isEmpty)
        #expect(try await reader.traces(TraceFilter(limit: 2)).map(\.traceID) == [traceID(count), traceID(count - 1)])
    }

    /// What `004_trace_rows.sql` makes of a slice, undone.
    private func layByID(_ path: String) throws {
        try DatabaseQueue(path: path).writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    ALTER TABLE traces RENAME TO trace_rows; DROP INDEX traces_by_start; DROP TABLE trace_ids;
                    DROP TABLE trace_ids_until;
                    CREATE TABLE traces (trace_id BLOB PRIMARY KEY, has_root INTEGER NOT NULL, root_name TEXT NOT NULL,
                        root_service_id INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
                        span_count INTEGER NOT NULL, error_count INTEGER NOT NULL, services INTEGER NOT NULL,
                        first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                    CREATE INDEX traces_by_start ON traces (start_ns);
                    INSERT INTO traces SELECT trace_id, has_root, root_name, root_service_id, start_ns, end_ns, span_count,
                        error_count, services, first_seq, last_seq FROM trace_rows;
                    DROP TABLE trace_rows;
                    PRAGMA user_version = 3;
                    """
            )
        }
    }
}
