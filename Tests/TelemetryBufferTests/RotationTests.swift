import Foundation
import GRDB
import ServiceTracing
import Testing
import Tracing

@testable import TelemetryBuffer

@Suite struct RotationTests {
    private let scratch = Scratch()
    private let spans = Spans()
    private let small = BufferConfiguration(maxBytes: 1 << 20, sliceBytes: 128 << 10)

    private func fill(_ buffer: SpanBuffer, _ traces: ClosedRange<UInt64>) async throws {
        for trace in traces {
            buffer.onEnd(
                try spans.span(trace, 1, start: trace, attributes: ["k": .string(String(repeating: "x", count: 400))])
            )
            if trace % 50 == 0 { try await buffer.flush() }
        }
        try await buffer.flush()
    }

    @Test func `the budget drops the oldest slices, gives their space back, and the books balance`() async throws {
        let buffer = try scratch.buffer(small)
        try await fill(buffer, 1...4_000)
        let counts = await buffer.counts()
        #expect(counts.evicted > 0 && counts.balances(offered: 4_000))
        #expect(counts.bytes < 3 << 20)
        let left = try await scratch.reader.traces(TraceFilter(limit: 1_000))
        #expect(left.first?.traceID == (try traceID(4_000)))
        #expect(try await scratch.reader.trace(try traceID(1)).isEmpty)
        await buffer.close()
        var afterwards = try await scratch.reader.counts()
        #expect(afterwards.balances(offered: 4_000) && afterwards.evicted == counts.evicted)
        afterwards = await (try scratch.buffer(small)).counts()
        #expect(afterwards.balances(offered: 4_000))
    }

    @Test func `a crash between folding and unlinking doubles nothing`() async throws {
        let buffer = try scratch.buffer(BufferConfiguration())
        try await fill(buffer, 1...100)
        try await buffer.writer.sealActive()
        try await fill(buffer, 101...150)
        try await buffer.writer.foldOldest()
        let killed = try scratch.copied()
        #expect(killed.files.sliceIDs() == [1, 2])
        #expect(try await killed.reader.counts().balances(offered: 150))
        let reopened = try killed.buffer()
        #expect(killed.files.sliceIDs() == [2])
        let counts = await reopened.counts()
        #expect(counts.evicted == 100 && counts.pending == 50)
    }

    @Test func `a crash between cataloguing a slice and making its file loses nothing`() async throws {
        let buffer = try scratch.buffer()
        try await fill(buffer, 1...10)
        try await buffer.writer.catalogueNext()
        let killed = try scratch.copied()
        let reopened = try killed.buffer()
        #expect(await reopened.counts().balances(offered: 10))
        try await fill(reopened, 11...20)
        #expect(await reopened.counts().balances(offered: 20))
        #expect(try await killed.reader.traces().count == 20)
    }

    @Test func `a corrupt slice is set aside and the rest goes on`() async throws {
        let buffer = try scratch.buffer()
        try await fill(buffer, 1...100)
        try await buffer.writer.sealActive()
        try await fill(buffer, 101...150)
        await buffer.close()
        try Data(repeating: 0x5a, count: 8_192).write(to: URL(fileURLWithPath: scratch.files.slice(1)))
        #expect(try await scratch.reader.traces().count == 50)
        let reopened = try scratch.buffer()
        let path = try #require(reopened.openReport.setAside.first?.path)
        #expect(path.contains("00000001.sqlite.corrupt-") && scratch.files.exists(path))
        let counts = await reopened.counts()
        #expect(counts.evicted == 100 && counts.pending == 50)
    }

    @Test(arguments: ["ledger.sqlite", "slices/00000001.sqlite", "slices/00000002.sqlite"])
    func `of what a newer version wrote nothing is touched, and a version that cannot be is a bad file`(
        name: String
    ) async throws {
        let buffer = try scratch.buffer(BufferConfiguration())
        try await fill(buffer, 1...20)
        try await buffer.writer.sealActive()
        try await fill(buffer, 21...30)
        await buffer.close()
        let path = scratch.path + "/" + name
        let version = try setVersion(of: path) { $0 + 1 }
        let before = try files()
        #expect(throws: NewerSchema.self) { try scratch.buffer() }
        #expect(try files() == before)
        // The newer one is used again.
        _ = try setVersion(of: path) { _ in version }
        let again = try scratch.buffer()
        #expect(await again.counts().pending == 30)
        #expect(again.openReport.setAside.isEmpty)
        await again.close()
        _ = try setVersion(of: path) { _ in 1 << 20 }
        let fresh = try scratch.buffer()
        #expect(fresh.openReport.setAside.count == 1)
        await fresh.close()
    }

    /// - Returns: What it was.
    private func setVersion(of path: String, _ change: (Int) -> Int) throws -> Int {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.write { db in
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            try db.execute(sql: "PRAGMA user_version = \(change(version))")
            return version
        }
    }

    /// The databases, by their names, as they are.
    private func files() throws -> [String: Data] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: scratch.path)
        let databases = names.filter { $0.hasSuffix(".sqlite") || $0.contains("corrupt") }
        return Dictionary(
            uniqueKeysWithValues: databases.map {
                ($0, FileManager.default.contents(atPath: scratch.path + "/" + $0) ?? Data())
            }
        )
    }

    @Test func `a corrupt ledger is set aside and made anew from the slices`() async throws {
        let buffer = try scratch.buffer()
        try await fill(buffer, 1...100)
        try await buffer.writer.sealActive()
        try await fill(buffer, 101...150)
        await buffer.close()
        try Data("not a database, long enough to be read as one".utf8).write(
            to: URL(fileURLWithPath: scratch.files.ledger)
        )
        let reopened = try scratch.buffer()
        #expect(reopened.openReport.rebuiltLedger && reopened.openReport.setAside.count == 1)
        try await fill(reopened, 151...160)
        #expect(await reopened.counts().balances(offered: 160))
        #expect(try await scratch.reader.counts().balances(offered: 160))
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the books balance after each of 1,000 random operations`(seed: UInt64) async throws {
        var random = SplitMix(state: seed)
        let scratch = Scratch()
        var configuration = BufferConfiguration(maxBytes: 600 << 10, sliceBytes: 100 << 10, queueSpans: 40)
        var buffer = try scratch.buffer(configuration)
        var offered = 0
        for step in 1...1_000 {
            switch random.next() % 20 {
            case 0: try await buffer.writer.sealActive()
            case 1: try await buffer.writer.foldOldest()
            case 2:
                await buffer.close()
                configuration.maxBytes = Int(300 + random.next() % 600) << 10
                buffer = try scratch.buffer(configuration)
            case 3...8: try await buffer.flush()
            default:
                let text = String(repeating: "x", count: Int(random.next() % 2_000))
                for _ in 0..<random.next() % 30 {
                    offered += 1
                    buffer.onEnd(
                        try spans.span(
                            random.next() % 500 + 1,
                            1,
                            start: UInt64(step),
                            attributes: ["k": .string(text)]
                        )
                    )
                }
            }
            let counts = await buffer.counts()
            #expect(counts.balances(offered: offered - buffer.waiting), "seed \(seed), step \(step)")
        }
        await buffer.close()
        #expect(try await scratch.reader.counts().balances(offered: offered))
    }
}

/// splitmix64 (Steele, Lea and Flood, 2014).
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

// The steps of the writer's work, one by one, so that a test can stop between them.
extension BufferWriter {
    func sealActive() throws { try seal() }

    func foldOldest() throws {
        if let slice = sealed.first { try fold(slice) }
    }

    func catalogueNext() throws { try ledger.add(1_000, created: 1) }
}

extension SpanBuffer {
    /// Accepted and not yet on disk.
    var waiting: Int { queue.held }
}
