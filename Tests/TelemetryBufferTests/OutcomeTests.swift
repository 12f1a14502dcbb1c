import Foundation
import GRDB
import ServiceTracing
import Testing
import Tracing

@testable import TelemetryBuffer

@Suite struct OutcomeTests {
    private let spans = Spans()
    private let everything: ClosedRange<UInt64> = 0...UInt64(Int64.max)

    @Test func `outcomes in order make one row a slice`() async throws {
        let scratch = Scratch()
        let buffer = try scratch.buffer()
        for id in 1...100 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        try await buffer.flush()
        let outbox = buffer.outbox()
        while let batch = try await outbox.nextBatch(maxBytes: 300, window: everything).batch {
            await outbox.settle(batch, .delivered())
        }
        await buffer.close()
        let slice = try DatabaseQueue(path: scratch.files.slice(1))
        let rows = try slice.read { try Row.fetchAll($0, sql: "SELECT first_seq, last_seq, state FROM outcomes") }
        #expect(rows.map { [$0[0], $0[1], $0[2]] as [Int64] } == [[1, 100, 1]])
    }

    @Test func `a span that is lent is not lent again until it is given back`() async throws {
        let scratch = Scratch()
        let buffer = try scratch.buffer()
        for id in 1...100 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        try await buffer.flush()
        let outbox = buffer.outbox()
        let first = try #require(try await outbox.nextBatch(maxBytes: .max, maxSpans: 60, window: everything).batch)
        let second = try #require(try await outbox.nextBatch(maxBytes: .max, window: everything).batch)
        #expect(first.ranges == [1...60] && second.ranges == [61...100])
        #expect(try await outbox.nextBatch(maxBytes: .max, window: everything).batch == nil)
        await outbox.giveBack(first.halves.first)
        #expect(try await outbox.nextBatch(maxBytes: .max, window: everything).batch?.ranges == [1...30])
        await buffer.close()
    }

    @Test func `a disk that is full keeps what was delivered lent, and writes it when there is room`() async throws {
        let scratch = Scratch()
        let buffer = try scratch.buffer()
        for id in 1...10 { buffer.onEnd(try spans.span(1, UInt64(id))) }
        try await buffer.flush()
        let outbox = buffer.outbox()
        let batch = try #require(try await outbox.nextBatch(maxBytes: .max, window: everything).batch)
        try await buffer.writer.breakSlice(true)
        await outbox.settle(batch, .delivered())
        #expect(await buffer.counts().sent == 0)
        #expect(try await outbox.nextBatch(maxBytes: .max, window: everything).batch == nil)
        try await buffer.writer.breakSlice(false)
        #expect(try await outbox.nextBatch(maxBytes: .max, window: everything).batch == nil)
        #expect(await buffer.counts().sent == 10)
        await buffer.close()
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `a span is in one state at a time, whatever happens`(seed: UInt64) async throws {
        var random = SplitMix(state: seed)
        let scratch = Scratch()
        var configuration = BufferConfiguration(maxBytes: 1 << 20, sliceBytes: 60 << 10, queueSpans: 1 << 20)
        var buffer = try scratch.buffer(configuration)
        var outbox = buffer.outbox()
        var lent: [SpanBatch] = []
        var offered = 0
        for step in 1...600 {
            switch random.next() % 16 {
            case 0:
                await buffer.close()
                configuration.maxBytes = Int(300 + random.next() % 600) << 10
                (buffer, lent) = (try scratch.buffer(configuration), [])
                outbox = buffer.outbox()
            case 1: try await buffer.writer.sealActive()
            case 2: try await buffer.writer.foldOldest()
            case 3: try await outbox.expire(olderThan: Spans.base + UInt64(step) * 500)
            case 4: if random.next() % 4 == 0 { _ = try await outbox.retime(endingAt: Spans.base * 2) }
            case 5...8:
                let take = try await outbox.nextBatch(
                    maxBytes: Int(random.next() % 20_000),
                    window: (Spans.base + UInt64(step) * 400)...UInt64(Int64.max)
                )
                if let batch = take.batch { lent.append(batch) }
            case 9...12:
                guard !lent.isEmpty else { break }
                let batch = lent.remove(at: Int(random.next() % UInt64(lent.count)))
                switch random.next() % 5 {
                case 0: await outbox.giveBack(batch)
                case 1: await outbox.settle(batch, .quarantined(reason: "bad"))
                case 2: lent += [batch.halves.first, batch.halves.second].filter { $0.count > 0 }
                case 3: await outbox.settle(batch, .delivered(rejected: Int(random.next() % 9), reason: "no"))
                default: await outbox.settle(batch, .delivered())
                }
            default:
                for _ in 0..<random.next() % 60 {
                    offered += 1
                    buffer.onEnd(try spans.span(random.next() % 500 + 1, 1, start: UInt64(step) + random.next() % 50))
                }
                try await buffer.flush()
            }
            #expect(await buffer.counts().balances(offered: offered), "seed \(seed), step \(step)")
        }
        await buffer.close()
        #expect(try await scratch.reader.counts().balances(offered: offered))
        try Self.checkSlices(scratch)
    }

    /// The rows of every slice tell the same as its counters, and no two of them overlap.
    private static func checkSlices(_ scratch: Scratch) throws {
        for id in scratch.files.sliceIDs() {
            let queue = try DatabaseQueue(path: scratch.files.slice(id))
            let (outcomes, counters, rows) = try queue.read { db in
                (
                    try SliceOutcomes.read(db), try SliceCounters.read(db),
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM spans")
                )
            }
            try queue.close()
            func count(_ state: OutcomeRange.State) -> Int {
                outcomes.ranges.filter { $0.state == state }.reduce(0) { $0 + $1.count }
            }
            #expect(rows == counters.enqueued)
            #expect(count(.answered) == counters.sent + counters.rejected)
            #expect(outcomes.ranges.reduce(0) { $0 + $1.rejected } == counters.rejected)
            #expect(count(.expired) == counters.expired && count(.quarantined) == counters.quarantined)
            let pending = outcomes.pending(enqueued: counters.enqueued)
            #expect(pending.reduce(0) { $0 + Int($1.last - $1.first + 1) } == counters.pending)
            for (left, right) in zip(outcomes.ranges, outcomes.ranges.dropFirst()) { #expect(left.last < right.first) }
        }
    }
}

extension BufferWriter {
    /// Makes every write to the active slice fail, as a disk does.
    func breakSlice(_ isBroken: Bool) throws { try active?.refuseWrites(isBroken) }
}
