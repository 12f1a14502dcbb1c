import Foundation
import OTLP
import ServiceTracing
import Testing
import Tracing

@testable import TelemetryBuffer

@Suite struct BufferTests {
    private let scratch = Scratch()
    private let spans = Spans()

    @Test func `what is flushed is read back whole while the buffer is open, and after it is closed`() async throws {
        let buffer = try scratch.buffer()
        let root = try spans.span(1, 1, outcome: .error("no"))
        let child = try spans.span(1, 2, parent: 1, "catalog", "SELECT", kind: .client, start: 5, attributes: ["k": 1])
        buffer.onEnd(child)
        buffer.onEnd(root)
        try await buffer.flush()
        for _ in 0..<2 {
            let stored = try await scratch.reader.trace(try traceID(1))
            #expect(stored.map(\.spanID) == [root.context.spanID, child.context.spanID])
            #expect(stored.map(\.service) == ["checkout", "catalog"])
            #expect(stored.map(\.status) == [.error, .unset])
            #expect(stored.map(\.kind) == [.server, .client])
            #expect(stored[1].parentSpanID == root.context.spanID)
            #expect(try stored[1].decoded().attributes == ["k": 1])
            #expect(try stored[0].decoded().outcome == .error("no"))
            await buffer.close()
        }
    }

    @Test func `run writes by itself and a graceful end leaves nothing behind`() async throws {
        let buffer = try scratch.buffer(BufferConfiguration(flushInterval: .milliseconds(1)))
        let running = Task { await buffer.run() }
        buffer.onEnd(try spans.span(1, 1))
        while await buffer.counts().enqueued == 0 { await Task.yield() }
        for id in 2..<100 { buffer.onEnd(try spans.span(1, UInt64(id), parent: 1)) }
        running.cancel()
        await running.value
        // What ends its spans after that still finds the buffer open.
        buffer.onEnd(try spans.span(1, 100, parent: 1))
        await buffer.close()
        #expect(!scratch.files.exists(scratch.files.ledger + "-wal"))
        #expect(try await scratch.reader.counts().enqueued == 100)
        buffer.onEnd(try spans.span(2, 1))
        #expect(await buffer.counts().dropped == 1)
    }

    @Test func `beyond the queue's bounds spans are dropped and counted, and the count survives`() async throws {
        let configuration = BufferConfiguration(queueSpans: 10)
        let buffer = try scratch.buffer(configuration)
        for id in 1...25 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        #expect(await buffer.counts().dropped == 15)
        try await buffer.flush()
        #expect(await buffer.counts().enqueued == 10)
        await buffer.close()
        #expect(try await scratch.reader.counts().dropped == 15)
        #expect(await (try scratch.buffer()).counts().dropped == 15)
    }

    @Test func `the queue is bounded in bytes too`() async throws {
        let buffer = try scratch.buffer(BufferConfiguration(queueBytes: 10_000))
        let large = try spans.span(1, 1, attributes: ["k": .string(String(repeating: "x", count: 4_000))])
        for _ in 0..<5 { buffer.onEnd(large) }
        #expect(await buffer.counts().dropped == 3)
    }

    @Test func `a kill loses nothing that was flushed`() async throws {
        let buffer = try scratch.buffer()
        for trace in 1...500 { buffer.onEnd(try spans.span(UInt64(trace), 1, start: UInt64(trace))) }
        try await buffer.flush()
        let killed = try scratch.copied()
        let reopened = try killed.buffer()
        #expect(reopened.openReport.setAside.isEmpty)
        #expect(await reopened.counts().enqueued == 500)
        reopened.onEnd(try spans.span(501, 1, start: 501))
        try await reopened.flush()
        #expect(try await killed.reader.traces(TraceFilter(limit: 1_000)).count == 501)
    }

    @Test func `a full disk keeps what waits in memory, says so, and goes on when there is room`() async throws {
        let buffer = try scratch.buffer()
        try await buffer.writer.limitActiveSlice(bytes: 64 << 10)
        for id in 1...2_000 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        await #expect(throws: (any Error).self) { try await buffer.flush() }
        let counts = await buffer.counts()
        #expect(counts.lastError != nil && counts.enqueued == 0 && counts.dropped == 0)
        try await buffer.writer.limitActiveSlice(bytes: nil)
        try await buffer.flush()
        #expect(await buffer.counts().enqueued == 2_000)
        #expect(await buffer.counts().lastError == nil)
        #expect(try await scratch.reader.trace(try traceID(1)).count == 2_000)
    }

    @Test func `while the files are not in their place spans wait in memory, and are written when they are back`()
        async throws
    {
        let buffer = try scratch.buffer()
        buffer.onEnd(try spans.span(1, 1))
        try await buffer.flush()
        let elsewhere = scratch.path + "-elsewhere"
        try FileManager.default.moveItem(atPath: scratch.path, toPath: elsewhere)
        for id in 2...100 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        await #expect(throws: FileGone.self) { try await buffer.flush() }
        let counts = await buffer.counts()
        #expect(counts.lastError?.contains("not there") == true && counts.enqueued == 1 && counts.dropped == 0)
        try FileManager.default.moveItem(atPath: elsewhere, toPath: scratch.path)
        try await buffer.flush()
        #expect(await buffer.counts().enqueued == 100)
        #expect(try await scratch.reader.trace(try traceID(1)).count == 100)
    }

    @Test func `a slice that somebody has removed is counted as evicted, and another begun`() async throws {
        let buffer = try scratch.buffer()
        for id in 1...10 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        try await buffer.flush()
        scratch.files.unlink(scratch.files.slice(1))
        for id in 11...30 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        await #expect(throws: FileGone.self) { try await buffer.flush() }
        try await buffer.flush()
        let counts = await buffer.counts()
        #expect(counts.evicted == 10 && counts.pending == 20 && counts.lastError == nil)
        #expect(try await scratch.reader.counts().balances(offered: 30))
        #expect(try await scratch.reader.trace(try traceID(1)).count == 20)
    }

    @Test func `what cannot be written to the end is counted as dropped`() async throws {
        let buffer = try scratch.buffer()
        try await buffer.writer.limitActiveSlice(bytes: 64 << 10)
        for id in 1...6_000 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        await buffer.close()
        let counts = await buffer.counts()
        #expect(counts.balances(offered: 6_000) && counts.dropped == 6_000)
        try await buffer.flush()
        #expect(try await scratch.reader.counts().dropped == 6_000)
    }

    @Test func `a sixty-fourth service begins a new slice`() async throws {
        let names = (0..<150).map { "service-\($0)" }
        let spans = Spans(names)
        let buffer = try scratch.buffer()
        for (index, name) in names.enumerated() { buffer.onEnd(try spans.span(1, UInt64(index + 1), name)) }
        try await buffer.flush()
        #expect(scratch.files.sliceIDs() == [1, 2, 3])
        let trace = try #require(try await scratch.reader.traces().first)
        #expect(trace.services.count == 150 && trace.spanCount == 150)
    }
}
