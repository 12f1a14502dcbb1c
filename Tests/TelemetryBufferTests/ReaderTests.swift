import Foundation
import GRDB
import ServiceTracing
import Testing
import Tracing

@testable import TelemetryBuffer

@Suite struct ReaderTests {
    private let scratch = Scratch()
    private let spans = Spans()

    @Test func `a directory that is not there gives empty answers`() async throws {
        #expect(try await scratch.reader.traces().isEmpty)
        #expect(try await scratch.reader.trace(try traceID(1)).isEmpty)
        #expect(try await scratch.reader.serviceMap(since: 0) == ServiceMap())
        #expect(try await scratch.reader.counts() == BufferCounts())
    }

    @Test func `a ledger that a shop was killed over before there was anything in it has no books`() async throws {
        try scratch.files.create()
        try await DatabaseQueue(path: scratch.files.ledger).writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
        }
        #expect(try await scratch.reader.counts() == BufferCounts())
    }

    @Test func `a trace that lies in two slices is one, named by its root wherever that is`() async throws {
        let buffer = try scratch.buffer()
        buffer.onEnd(try spans.span(1, 2, parent: 1, "catalog", "child", start: 10, duration: 5, outcome: .error("")))
        try await buffer.flush()
        try await buffer.writer.sealActive()
        buffer.onEnd(try spans.span(1, 1, "load-generator", "buy", kind: .client, duration: 100))
        try await buffer.flush()
        let trace = try #require(try await scratch.reader.traces().first)
        #expect(trace.rootName == "buy" && trace.rootService == "load-generator")
        #expect(trace.spanCount == 2 && trace.errorCount == 1)
        #expect(trace.services == ["catalog", "load-generator"])
        #expect(trace.startTime == Spans.base && trace.durationMilliseconds == 0.1)
        #expect(try await scratch.reader.trace(try traceID(1)).map(\.name) == ["buy", "child"])
    }

    @Test func `filters by service, duration and error, also over slices`() async throws {
        let buffer = try scratch.buffer()
        for trace in 1...90 as ClosedRange<UInt64> {
            let outcome: SpanOutcome = trace % 3 == 0 ? .error("x") : .ok
            buffer.onEnd(
                try spans.span(
                    trace,
                    1,
                    trace % 2 == 0 ? "cart" : "catalog",
                    start: trace * 10,
                    duration: trace * 1_000,
                    outcome: outcome
                )
            )
            if trace % 30 == 0 {
                try await buffer.flush()
                try await buffer.writer.sealActive()
            }
        }
        let reader = scratch.reader
        #expect(try await reader.traces(TraceFilter(service: "cart")).count == 45)
        #expect(try await reader.traces(TraceFilter(service: "nobody")).isEmpty)
        #expect(try await reader.traces(TraceFilter(errorsOnly: true)).count == 30)
        #expect(try await reader.traces(TraceFilter(minDuration: 81)).count == 10)
        #expect(try await reader.traces(TraceFilter(service: "cart", errorsOnly: true, limit: 4)).count == 4)
    }

    @Test func `a trace that is long only as a whole is found among the long ones`() async throws {
        let buffer = try scratch.buffer()
        for (id, start) in [(1, 0), (2, 50_000)] as [(UInt64, UInt64)] {
            for trace in 1...60 as ClosedRange<UInt64> {
                buffer.onEnd(
                    try spans.span(trace, id, "cart", start: start + trace, outcome: id == 1 ? .ok : .error(""))
                )
            }
            try await buffer.flush()
            try await buffer.writer.sealActive()
        }
        let filter = TraceFilter(service: "cart", minDuration: 51, errorsOnly: true, limit: 7)
        #expect(try await scratch.reader.traces(filter).map(\.spanCount) == Array(repeating: 2, count: 7))
        #expect(try await scratch.reader.traces(TraceFilter(minDuration: 52)).isEmpty)
    }

    @Test func `paging through 10,000 traces gives each once, newest first`() async throws {
        let buffer = try scratch.buffer(BufferConfiguration(sliceBytes: 512 << 10))
        for trace in 1...10_000 as ClosedRange<UInt64> {
            // Every fifth pair starts in the same nanosecond, every tenth trace has a late span in another slice.
            buffer.onEnd(try spans.span(trace, 1, start: trace % 5 == 0 ? trace - 1 : trace))
            if trace % 10 == 0, trace > 3_000 {
                buffer.onEnd(try spans.span(trace - 3_000, 2, parent: 1, start: trace))
            }
            if trace % 500 == 0 { try await buffer.flush() }
        }
        #expect(scratch.files.sliceIDs().count > 3)
        var filter = TraceFilter(limit: 700)
        var seen: [TraceSummary] = []
        while true {
            let page = try await scratch.reader.traces(filter)
            guard let last = page.last else { break }
            seen += page
            filter.before = last.startTime
        }
        #expect(seen.count == 10_000 && Set(seen.map(\.traceID)).count == 10_000)
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.startTime >= $1.startTime })
        #expect(seen.reduce(0) { $0 + $1.spanCount } == 10_700)
    }

    @Test func `a trace is found by the beginning of its id`() async throws {
        let buffer = try scratch.buffer()
        for trace in [0x1111, 0x1112, 0x2222] as [UInt64] { buffer.onEnd(try spans.span(trace << 32, 1)) }
        try await buffer.flush()
        let reader = scratch.reader
        #expect(try await reader.trace(idPrefix: "abcd2222").count == 1)
        #expect(try await reader.trace(idPrefix: "abcd3").isEmpty)
        await #expect(throws: TracePrefixError.self) { try await reader.trace(idPrefix: "abcd111") }
        await #expect(throws: TracePrefixError.invalid) { try await reader.trace(idPrefix: "abc") }
        await #expect(throws: TracePrefixError.invalid) { try await reader.trace(idPrefix: "ABCD1") }
    }

    @Test func `the map shows services, databases and who called whom`() async throws {
        let buffer = try scratch.buffer()
        for trace in 1...20 as ClosedRange<UInt64> {
            buffer.onEnd(try spans.span(trace, 1, "load-generator", "buy", kind: .client, duration: trace * 1_000))
            buffer.onEnd(try spans.span(trace, 2, parent: 1, "checkout", duration: 500))
            buffer.onEnd(
                try spans.span(
                    trace,
                    3,
                    parent: 2,
                    "checkout",
                    "INSERT orders",
                    kind: .client,
                    attributes: ["db.system.name": "sqlite"],
                    outcome: trace <= 2 ? .error("busy") : .unset
                )
            )
        }
        try await buffer.flush()
        let map = try await scratch.reader.serviceMap(since: Spans.base)
        #expect(map.nodes.map(\.name) == ["checkout", "load-generator", "sqlite"])
        #expect(map.nodes.map(\.requests) == [20, 20, 20])
        #expect(map.nodes.map(\.errors) == [0, 0, 2])
        #expect(map.nodes[1].p95Milliseconds == 19)
        #expect(
            map.edges.map { "\($0.from)>\($0.to) \($0.requests) \($0.errors)" } == [
                "checkout>sqlite 20 2", "load-generator>checkout 20 0",
            ]
        )
        #expect(try await scratch.reader.serviceMap(since: Spans.base + 1).nodes.isEmpty)
    }

    @Test func `an export has every span once, grouped by resource`() async throws {
        let buffer = try scratch.buffer()
        for trace in 1...1_500 as ClosedRange<UInt64> {
            buffer.onEnd(try spans.span(trace, 1, trace % 2 == 0 ? "cart" : "catalog", start: trace))
        }
        try await buffer.flush()
        for (selection, expected) in [
            (ExportSelection.everything, 1_500), (.traces([try traceID(1), try traceID(2)]), 2),
            (.matching(TraceFilter(service: "cart", limit: 100)), 750),
        ] {
            var payloads: Set<[UInt8]> = []
            var count = 0
            try await scratch.reader.export(selection) { batch in
                count += batch.spans.count
                payloads.formUnion(batch.spans)
            }
            #expect(count == expected && payloads.count == expected)
        }
    }
}
