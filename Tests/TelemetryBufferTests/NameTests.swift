import GRDB
import ServiceTracing
import Testing

@testable import TelemetryBuffer

/// The list of its spans' names that each slice keeps, by which a search passes over it.
@Suite struct NameTests {
    private let scratch = Scratch()
    private let spans = Spans()

    @Test func `a slice lists each name once, and a search asks the list first`() async throws {
        let buffer = try scratch.buffer()
        try fill(buffer, ["SELECT products", "GET /ads", "GET /ads"])
        try await buffer.flush()
        #expect(try names() == ["GET /ads", "SELECT products"])
        #expect(try await count(TraceFilter(route: "GET /ads")) == 2)
        #expect(try await count(TraceFilter(text: "PRODUCTS")) == 1)
        await buffer.close()
        try change("DELETE FROM names WHERE name = 'GET /ads'")
        #expect(try await count(TraceFilter(route: "GET /ads")) == 0)
        #expect(try await count(TraceFilter(text: "ads")) == 0)
        #expect(try await count(TraceFilter(text: "abcd0000")) == 3, "an id is no name")
        #expect(try await count(TraceFilter()) == 3)
    }

    @Test func `a slice of before is searched without its list, and has one once a writer opens it`() async throws {
        let buffer = try scratch.buffer()
        try fill(buffer, ["GET /ads"])
        await buffer.close()
        try change("DROP TABLE names; DROP TABLE trace_ids; DROP TABLE trace_ids_until; PRAGMA user_version = 2")
        #expect(try await count(TraceFilter(route: "GET /ads")) == 1)
        let again = try scratch.buffer()
        try fill(again, ["GET /rates"], from: 2)
        await again.close()
        #expect(try names().contains("GET /ads"))
        #expect(try await count(TraceFilter(text: "get /")) == 2)
    }

    @Test func `two spellings of one accent are two names, also for the list`() async throws {
        let buffer = try scratch.buffer()
        try fill(buffer, ["caf\u{e9}", "cafe\u{301}", "caf\u{e9}"])
        try await buffer.flush()
        #expect(try names().count == 2)
        #expect(try await count(TraceFilter(route: "caf\u{e9}")) == 2)
        #expect(try await count(TraceFilter(route: "cafe\u{301}")) == 1)
    }

    @Test func `where the list is full, there may be more`() async throws {
        let buffer = try scratch.buffer()
        try fill(buffer, (0...SliceWriter.maxNames).map { "GET /\($0)" })
        try await buffer.flush()
        #expect(try names().count == SliceWriter.maxNames)
        #expect(try await count(TraceFilter(route: "GET /\(SliceWriter.maxNames)")) == 1)
    }

    private func fill(_ buffer: SpanBuffer, _ names: [String], from first: UInt64 = 1) throws {
        for (trace, name) in zip(first..., names) {
            buffer.onEnd(try spans.span(trace, 1, "checkout", name, start: trace))
        }
    }

    private func count(_ filter: TraceFilter) async throws -> Int { try await scratch.reader.traces(filter).count }

    private func names() throws -> [String] {
        try DatabaseQueue(path: scratch.files.slice(1)).read { db in
            try String.fetchAll(db, sql: "SELECT name FROM names ORDER BY name")
        }
    }

    private func change(_ sql: String) throws {
        try DatabaseQueue(path: scratch.files.slice(1)).writeWithoutTransaction { try $0.execute(sql: sql) }
    }
}
