import Foundation
import GRDB
import ServiceTracing
import Testing
import Tracing

@testable import TelemetryBuffer

/// A disk that rots: whatever is read then, the process goes on. A trap in here ends the test run.
@Suite struct FlippedBitTests {
    private let spans = Spans()
    private let everything: ClosedRange<UInt64> = 0...UInt64(Int64.max)

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `a flipped bit in any file of the buffer ends no reader and no writer, and new spans are kept`(seed: UInt64)
        async throws
    {
        let sound = Scratch()
        try await fill(sound)
        var random = SplitMix(state: seed)
        for path in [sound.files.ledger, sound.files.slice(1), sound.files.slice(2)] {
            let bytes = try Data(contentsOf: URL(filePath: path))
            for _ in 0..<20 {
                let rotten = try sound.copied()
                var damaged = bytes
                let place = Int(random.next() % UInt64(bytes.count))
                damaged[place] ^= 1 << UInt8(random.next() % 8)
                try damaged.write(to: URL(filePath: rotten.path + path.dropFirst(sound.path.count)))
                await read(rotten)
                try await open(rotten, "seed \(seed): byte \(place) of \(path)")
            }
        }
    }

    @Test func `values that no column can have are corruption, and not the end of the process`() async throws {
        let scratch = Scratch()
        try await fill(scratch)
        for sql in [
            "UPDATE counters SET enqueued = 9223372036854775807", "UPDATE counters SET sent = -1",
            "UPDATE outcomes SET last_seq = 9223372036854775807", "UPDATE outcomes SET rejected = 9000000000000000000",
            "UPDATE traces SET end_ns = -9223372036854775808", "UPDATE spans SET end_ns = -9223372036854775808",
            "UPDATE spans SET start_ns = 9223372036854775807", "DELETE FROM counters", "DELETE FROM resources",
        ] {
            let rotten = try scratch.copied()
            let slice = try DatabaseQueue(path: rotten.files.slice(1))
            try await slice.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA ignore_check_constraints = ON; \(sql)")
            }
            try slice.close()
            await read(rotten)
            try await open(rotten, sql)
        }
    }

    @Test(arguments: [
        ("ledger.sqlite", "dropped", "drapped"), ("ledger.sqlite", "sealed_ns", "sealed_ms"),
        ("slices/00000001.sqlite", "quarantined", "quarantimed"), ("slices/00000001.sqlite", "root_name", "root_mame"),
        ("slices/00000001.sqlite", "payload", "paylaad"), ("slices/00000002.sqlite", "end_ns", "end_ms"),
    ])
    func `a column whose name has changed is corruption, and not the end of the process`(
        file: String,
        name: String,
        other: String
    ) async throws {
        let scratch = Scratch()
        try await fill(scratch)
        let queue = try DatabaseQueue(path: scratch.path + "/" + file)
        try await queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA writable_schema = ON")
            try db.execute(
                sql: "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table'",
                arguments: [name, other]
            )
        }
        try queue.close()
        await read(scratch)
        try await open(scratch, file)
    }

    @Test func `an export has all that can be read, and says how many cannot`() async throws {
        let scratch = Scratch()
        let buffer = try scratch.buffer()
        for id in 1...2_000 { buffer.onEnd(try spans.span(UInt64(id), 1, start: UInt64(id))) }
        await buffer.close()
        var bytes = try Data(contentsOf: URL(filePath: scratch.files.slice(1)))
        let pages = bytes.count / 4_096
        for page in pages / 2..<pages / 2 + 5 {
            bytes.replaceSubrange(page * 4_096..<(page + 1) * 4_096, with: Data(repeating: 0x5a, count: 4_096))
        }
        try bytes.write(to: URL(filePath: scratch.files.slice(1)))
        var exported = 0
        let unreadable = try await scratch.reader.export(.everything) { exported += $0.spans.count }
        #expect(unreadable > 0 && exported > 1_000 && exported + unreadable == 2_000)
    }

    /// Two slices, some spans of the first settled.
    private func fill(_ scratch: Scratch) async throws {
        let buffer = try scratch.buffer()
        for id in 1...60 { buffer.onEnd(try spans.span(UInt64(id % 7), UInt64(id), start: UInt64(id))) }
        try await buffer.flush()
        let outbox = buffer.outbox()
        for settlement in [Settlement.delivered(rejected: 1, reason: "no"), .expired, .quarantined(reason: "bad")] {
            let take = try await outbox.nextBatch(maxBytes: .max, maxSpans: 5, window: everything)
            await outbox.settle(try #require(take.batch), settlement)
        }
        try await buffer.writer.sealActive()
        for id in 61...90 { buffer.onEnd(try spans.span(UInt64(id % 7), UInt64(id), start: UInt64(id))) }
        await buffer.close()
    }

    /// Everything that a viewer asks, whatever is answered.
    private func read(_ scratch: Scratch) async {
        let reader = scratch.reader
        _ = try? await reader.counts()
        for trace in (try? await reader.traces()) ?? [] {
            _ = try? await reader.trace(trace.traceID)
            _ = try? await reader.delivery(of: trace.traceID)
            _ = trace.durationMilliseconds
        }
        _ = try? await reader.traces(TraceFilter(errorsOnly: true, limit: 10))
        _ = try? await reader.serviceMap(since: 0)
        _ = try? await reader.pulse(of: ["checkout"], since: 0)
        _ = try? await reader.losses()
        _ = try? await reader.export(.everything) { _ in }
    }

    /// Opens it as a shop does, sends what waits, moves what has expired to now, and records more.
    private func open(_ scratch: Scratch, _ what: String) async throws {
        let buffer = try scratch.buffer()
        let outbox = buffer.outbox()
        for _ in 0..<20 {
            guard let batch = try? await outbox.nextBatch(maxBytes: 2_000, window: everything).batch else { break }
            await outbox.settle(batch, .delivered())
        }
        _ = try? await outbox.expire(olderThan: Spans.base)
        _ = try? await outbox.retime(endingAt: Spans.base)
        let before = await buffer.counts().enqueued
        for id in 101...110 { buffer.onEnd(try spans.span(99, UInt64(id))) }
        // A file that turns out to be bad is set aside by the first try.
        for _ in 0..<3 where (try? await buffer.flush()) == nil {}
        let counts = await buffer.counts()
        #expect(counts.lastError == nil && counts.enqueued >= before + 10, "\(what): \(counts)")
        #expect(try await scratch.reader.trace(try traceID(99)).count == 10, "\(what)")
        await buffer.close()
    }
}
