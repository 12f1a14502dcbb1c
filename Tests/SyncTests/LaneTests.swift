import ChildProcess
import ConsoleAPI
import Foundation
import GRDB
import HTTPClient
import HTTPTypes
import SwiftProtobuf
import Synchronization
import Testing

@testable import OTLP
@testable import Sync
@testable import TelemetryBuffer

@Suite struct LaneTests {
    @Test func `every span arrives once, by id, with both resources in one request and in batches under 2 MB`()
        async throws
    {
        let bench = try Bench(sliceBytes: 1 << 20)
        try await bench.record(1...6_000, filler: 700)
        await bench.lane.round()
        #expect(bench.ingress.accepted.sorted() == Array(1...6_000))
        #expect(try await bench.books() == [0, 6_000, 0, 0, 0, 0])
        #expect(bench.ingress.seen.allSatisfy { $0.bytes < 2_000_000 })
        #expect(bench.ingress.seen.first?.services.sorted() == ["cart", "checkout"])
        let headers = try #require(bench.ingress.seen.first?.headers)
        #expect(headers[.authorization] == "Bearer s3cret-key")
        #expect(headers[.contentType] == "application/x-protobuf" && headers[.contentEncoding] == "gzip")
        await bench.lane.round()
        #expect(bench.ingress.accepted.count == 6_000)
        await bench.buffer.close()
    }

    @Test func `an outage of 72 hours deletes nothing and expires exactly what is older than the window`() async throws
    {
        let bench = try Bench()
        try await bench.record(9_001...9_001)
        await bench.lane.round()
        bench.ingress.script { _ in .fails(.connect) }
        for hour in 0..<72 as Range<UInt64> {
            try await bench.record(hour * 10 + 1...hour * 10 + 10)
            for _ in 0..<6 {
                bench.clock.advance(.seconds(600))
                await bench.lane.round()
            }
            #expect(try await bench.books().reduce(0, +) == Int(hour + 1) * 10 + 1)
        }
        // A day less 300 s: recorded on the hour, the last 23 hours' are within it, and it is the 72nd.
        let kept = Array(UInt64(491)...720)
        #expect(try await bench.books() == [230, 1, 0, 490, 0, 0])
        bench.ingress.script { _ in .ok() }
        await bench.lane.setSwitchedOff(true)
        await bench.lane.setSwitchedOff(false)
        await bench.lane.round()
        #expect(try await bench.books() == [0, 231, 0, 490, 0, 0])
        #expect(bench.ingress.accepted.dropFirst().sorted() == kept)
        #expect(bench.ingress.accepted.dropFirst().first == 491)
        await bench.buffer.close()
    }

    @Test func `a kill between sending and settling repeats that batch at most, and loses nothing`() async throws {
        let bench = try Bench()
        try await bench.record(1...1_000)
        let outbox = bench.buffer.outbox()
        let window = await bench.lane.window
        let settled = try #require(try await outbox.nextBatch(maxBytes: 20_000, window: window).batch)
        await outbox.settle(settled, .delivered())
        let sent = try #require(try await outbox.nextBatch(maxBytes: 20_000, window: window).batch)
        let killed = FileManager.default.temporaryDirectory.path + "/popshop-killed-\(UUID().uuidString)"
        try copy(bench.path, to: killed)
        defer { try? FileManager.default.removeItem(atPath: killed) }
        let again = try Bench(at: killed, clock: bench.clock)
        await again.lane.round()
        #expect(again.ingress.accepted.sorted() == Array(UInt64(settled.count + 1)...1_000))
        #expect(sent.count > 0 && again.ingress.accepted.count == 1_000 - settled.count)
        #expect(try await again.books() == [0, 1_000, 0, 0, 0, 0])
        await again.buffer.close()
        await bench.buffer.close()
    }

    @Test func `Retry-After is a floor that trying now does not lift`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.ingress.script { _ in .status(503, [.retryAfter: "120"]) }
        await bench.lane.round()
        #expect(await bench.lane.status().nextAttempt == .seconds(120))
        bench.ingress.script { _ in .ok() }
        await bench.lane.tryNow()
        bench.clock.advance(.seconds(119))
        await bench.lane.round()
        #expect(bench.ingress.seen.count == 1)
        bench.clock.advance(.seconds(1))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 10, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `trying now ends a back-off`() async throws {
        let bench = try Bench { ($0.backOffBase, $0.backOffCap) = (.seconds(3_600), .seconds(3_600)) }
        try await bench.record(1...10)
        bench.ingress.script { _ in .status(500) }
        await bench.lane.round()
        await bench.lane.round()
        #expect(bench.ingress.seen.count == 1)
        bench.ingress.script { _ in .ok() }
        await bench.lane.tryNow()
        await bench.lane.round()
        #expect(try await bench.books()[1] == 10)
        await bench.buffer.close()
    }

    @Test func `a blocked lane probes at the cap with a small batch, and a right key in the file unblocks it`()
        async throws
    {
        let file = FileManager.default.temporaryDirectory.path + "/popshop-key-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try "wrong-key\n".write(toFile: file, atomically: true, encoding: .utf8)
        let bench = try Bench(upstream: SpanUpstream(url: "https://ingress.test/", key: .file(file)))
        try await bench.record(1...1_000)
        bench.ingress.script { $0.headers[.authorization] == "Bearer right-key" ? .ok() : .status(401) }
        await bench.lane.round()
        #expect(await bench.lane.status().state == .blocked)
        try "right-key\n".write(toFile: file, atomically: true, encoding: .utf8)
        bench.clock.advance(.seconds(59))
        await bench.lane.round()
        #expect(bench.ingress.seen.count == 1)
        bench.clock.advance(.seconds(1))
        await bench.lane.round()
        #expect(bench.ingress.seen[1].ids.count == 100)
        #expect(try await bench.books() == [0, 1_000, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test(arguments: ["", "two\nlines", "snow\u{2603}man"])
    func `a key that no header may carry blocks without a request, and is not repeated`(key: String) async throws {
        let bench = try Bench(upstream: SpanUpstream(url: "https://ingress.test/", key: .fixed(key)))
        try await bench.record(1...10)
        await bench.lane.round()
        let status = await bench.lane.status()
        #expect(status.state == .blocked && bench.ingress.seen.isEmpty)
        #expect(key.isEmpty || status.lastError?.contains(key) == false)
        #expect(try await bench.books()[0] == 10)
        await bench.buffer.close()
    }

    @Test func `a backend that repeats the key does not bring it into the books or the status`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.ingress.script { delivery in
            let words = "cannot read: Bearer s3cret-key, key s3cret-key"
            return delivery.ids.contains(3)
                ? .status(400, [.contentType: "text/plain"], Array(words.utf8)) : .ok(rejected: 1, words)
        }
        await bench.lane.round()
        #expect(await bench.lane.status().lastError?.contains("s3cret-key") == false)
        #expect(try await bench.books()[5] == 1)
        await bench.buffer.close()
        for file in try FileManager.default.subpathsOfDirectory(atPath: bench.path) where file.hasSuffix(".sqlite") {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: bench.path + "/" + file))
            #expect(bytes.range(of: Data("s3cret-key".utf8)) == nil)
        }
    }

    @Test func `a slice that cannot be read holds up no other`() async throws {
        let bench = try Bench(sliceBytes: 200 << 10)
        for part in 0..<4 as Range<UInt64> {
            try await bench.record(part * 1_000 + 1...part * 1_000 + 1_000, filler: 300)
        }
        let first = BufferFiles(directory: bench.path).slice(1)
        try await bench.buffer.flush()
        try overwriteTail(of: first)
        await bench.lane.round()
        let books = try await bench.books()
        let status = await bench.lane.status()
        #expect(books[1] > 0 && books[0] > 0 && books.reduce(0, +) == 4_000, "\(books) \(status)")
        await bench.buffer.close()
    }

    /// All but the first pages, without opening the file as SQLite's locks know it.
    private func overwriteTail(of path: String) throws {
        let arguments = [
            "if=/dev/urandom", "of=\(path)", "bs=4096", "seek=8", "count=40", "conv=notrunc", "status=none",
        ]
        try #require(try ChildProcess.run("/bin/dd", arguments).code == 0)
    }

    @Test func `switched off nothing is sent, switched on it goes on at once`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        await bench.lane.setSwitchedOff(true)
        await bench.lane.tryNow()
        await bench.lane.round()
        #expect(await bench.lane.status().state == .offline && bench.ingress.seen.isEmpty)
        await bench.lane.setSwitchedOff(false)
        await bench.lane.round()
        #expect(try await bench.books()[1] == 10)
        await bench.buffer.close()
    }

    @Test func `with nowhere to send the lane is disabled and nothing expires`() async throws {
        let bench = try Bench(upstream: nil)
        try await bench.record(1...10, startingBefore: .seconds(200_000))
        await bench.lane.round()
        #expect(await bench.lane.status().state == .disabled)
        #expect(try await bench.books() == [10, 0, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `spans dated ahead are held and go when their time has come`() async throws {
        let bench = try Bench()
        try await bench.record(1...5)
        bench.clock.step(seconds: 7_200)
        try await bench.record(6...10)
        bench.clock.step(seconds: -7_200)
        await bench.lane.round()
        #expect(try await bench.books() == [5, 5, 0, 0, 0, 0])
        #expect(await bench.lane.status().lastError?.contains("wait for their time: 5.") == true)
        bench.clock.advance(.seconds(3_700))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 10, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `a clock three hours ahead is noticed before anything is sent, and costs no span`() async throws {
        let bench = try Bench()
        try await bench.record(1...1_000)
        let date = bench.clock.date(plus: -10_800)
        bench.ingress.script { .ok(rejected: Int64($0.ids.count), "in the future", date: date) }
        await bench.lane.round()
        #expect(try await bench.books() == [1_000, 0, 0, 0, 0, 0])
        #expect(bench.ingress.seen.allSatisfy { $0.ids.isEmpty })
        #expect(await bench.lane.status().lastError?.contains("10800 s ahead of") == true)
        // Somebody sets it right: what is recorded now goes, and what was dated ahead waits for its time.
        bench.clock.step(seconds: -10_800)
        try await bench.record(1_001...1_010)
        bench.ingress.script { _ in .ok() }
        await bench.lane.round()
        #expect(bench.ingress.accepted.sorted() == Array(1_001...1_010))
        #expect(await bench.lane.status().lastError?.contains("dated more than an hour ahead") == true)
        bench.clock.advance(.seconds(10_800))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 1_010, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `a clock that is a day ahead expires nothing, neither before the first contact nor after`() async throws
    {
        let bench = try Bench()
        try await bench.record(1...10)
        let right = bench.clock.date()
        bench.clock.step(seconds: 90_000)
        bench.ingress.script { _ in .fails(.connect) }
        await bench.lane.round()
        #expect(try await bench.books() == [10, 0, 0, 0, 0, 0])
        bench.ingress.script { _ in .ok(date: right) }
        await bench.lane.tryNow()
        await bench.lane.round()
        #expect(try await bench.books() == [0, 10, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `a night asleep is no clock that was set`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        let date = bench.clock.date(plus: -600)
        bench.ingress.script { _ in .ok(date: date) }
        await bench.lane.round()
        bench.clock.advance(.seconds(40_000))
        bench.ingress.script { _ in .fails(.timeout) }
        await bench.lane.round()
        #expect(await bench.lane.status().lastError?.contains("600 s ahead of") == true)
        await bench.buffer.close()
    }

    @Test func `a line too slow for large requests gets such as it carries, each span once`() async throws {
        let bench = try Bench { $0.maxRequestBytes = 1_000_000 }
        let (clock, ingress) = (bench.clock, bench.ingress)
        try await bench.record(1...9_000, filler: 900)
        // 20 kB a second of what is not packed: a request of a megabyte would take 50 s, and has 30.
        ingress.script { delivery in
            let seconds = delivery.bytes / 20_000
            clock.advance(.seconds(min(30, seconds)))
            return seconds < 30 ? .ok() : .fails(.timeout)
        }
        var timeouts = 0
        for _ in 0..<60 {
            await bench.lane.round()
            if await bench.lane.status().state == .offline { timeouts += 1 }
            bench.clock.advance(.seconds(60))
        }
        #expect(try await bench.books() == [0, 9_000, 0, 0, 0, 0])
        #expect(ingress.accepted.sorted() == Array(1...9_000))
        #expect((1...3).contains(timeouts), "\(timeouts)")
        await bench.buffer.close()
    }

    @Test func `spans that wait for their time are not looked at again before it`() async throws {
        let bench = try Bench(sliceBytes: 1 << 20)
        bench.clock.step(seconds: 7_200)
        try await bench.record(1...3_000, filler: 300)
        bench.clock.step(seconds: -7_200)
        for part in 0..<20 as Range<UInt64> {
            try await bench.record(part + 5_001...part + 5_001)
            await bench.lane.round()
        }
        #expect(bench.ingress.accepted == Array(5_001...5_020))
        #expect(await bench.lane.status().lastError?.contains("wait for their time: 3000.") == true)
        bench.clock.advance(.seconds(7_200))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 3_020, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `a proxy that turns everything away, after spans were taken, makes none of them bad`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        await bench.lane.round()
        bench.ingress.script { _ in .status(400) }
        for part in 1..<8 as Range<UInt64> {
            try await bench.record(part * 10 + 1...part * 10 + 10)
            bench.clock.advance(.seconds(61))
            await bench.lane.round()
        }
        let books = try await bench.books()
        #expect(books == [70, 10, 0, 0, 0, 0], "\(books)")
        #expect(await bench.lane.status().state != .idle)
        // One that is really bad is known by those that are taken beside it.
        bench.ingress.script { $0.ids.contains(33) ? .status(400) : .ok() }
        bench.clock.advance(.seconds(61))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 79, 0, 0, 0, 1])
        await bench.buffer.close()
    }

    @Test(arguments: [2, 7, 40, 120])
    func `a proxy that turns away for a while in the midst of a drain makes no good span bad`(count: Int) async throws {
        let bench = try Bench { $0.probeSpans = 10 }
        try await bench.record(1...200)
        let requests = Mutex(0)
        bench.ingress.script { delivery in
            let number = requests.withLock { number in
                number += 1
                return number
            }
            if delivery.ids.contains(150) { return .status(400) }
            return (2...count + 1).contains(number) ? .status(400) : .ok()
        }
        for _ in 0..<5 {
            await bench.lane.round()
            bench.clock.advance(.seconds(61))
        }
        #expect(try await bench.books() == [0, 199, 0, 0, 0, 1])
        #expect(bench.ingress.accepted.sorted() == (1...200).filter { $0 != 150 })
        await bench.buffer.close()
    }

    @Test(arguments: [400, 404, 411, 500, 501])
    func `a bad span is found also by an upstream that takes no request without spans`(code: Int) async throws {
        // One request at a time: of several under way the bad one's answer may be the last, and then it waits for others
        // to be taken after it.
        let bench = try Bench { $0.maxInFlight = 1 }
        bench.ingress.script { $0.ids.isEmpty ? .status(code) : $0.ids.contains(3) ? .status(400) : .ok() }
        try await bench.record(1...10)
        await bench.lane.round()
        #expect(try await bench.books() == [0, 9, 0, 0, 0, 1])
        await bench.buffer.close()
    }

    @Test func `a hundred bad spans among a thousand are found, and cost no good one`() async throws {
        let bench = try Bench { $0.probeSpans = 100 }
        try await bench.record(1...1_000)
        bench.ingress.script { delivery in delivery.ids.contains { $0 % 10 == 0 } ? .status(400) : .ok() }
        for _ in 0..<10 {
            await bench.lane.round()
            bench.clock.advance(.seconds(61))
        }
        #expect(try await bench.books() == [0, 900, 0, 0, 0, 100])
        await bench.buffer.close()
    }

    @Test func `while the disk does not take what became of spans no others are sent, and none again`() async throws {
        let bench = try Bench { $0.probeSpans = 10 }
        try await bench.record(1...500)
        let path = BufferFiles(directory: bench.path).slice(1)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: path, configuration: configuration)
        // Somebody else writes to the file, and does not come to an end.
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        await bench.lane.round()
        let sent = bench.ingress.accepted.count
        #expect(sent < 500)
        let status = await bench.lane.status()
        #expect(status.state == .backingOff && status.lastError?.hasPrefix("What became of spans") == true)
        bench.clock.advance(.seconds(61))
        await bench.lane.round()
        #expect(bench.ingress.accepted.count == sent)
        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try other.close()
        bench.clock.advance(.seconds(61))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 500, 0, 0, 0, 0])
        #expect(bench.ingress.accepted.sorted() == Array(1...500))
        await bench.buffer.close()
    }

    @Test func `a slice whose outcomes cannot be written holds up no other, and is not sent twice`() async throws {
        let bench = try Bench { $0.probeSpans = 10 }
        try await bench.record(1...50)
        try await bench.buffer.writer.seal()
        try await bench.record(51...100)
        let other = try DatabaseQueue(path: BufferFiles(directory: bench.path).slice(1))
        try await other.writeWithoutTransaction { try $0.execute(sql: "DROP TABLE outcomes") }
        try other.close()
        for _ in 0..<5 {
            await bench.lane.round()
            bench.clock.advance(.seconds(61))
        }
        let counts = await bench.buffer.counts()
        #expect(counts.pending == 50 && counts.sent == 50)
        let accepted = bench.ingress.accepted
        #expect(Set(accepted).isSuperset(of: 51...100) && Set(accepted).count == accepted.count)
        let status = await bench.lane.status()
        #expect(status.state == .idle && status.lastError?.hasPrefix("Files of the span buffer") == true)
        await bench.buffer.close()
    }

    @Test func `expired spans go with --retime, moved by one constant, their own times kept`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.clock.advance(.seconds(60))
        try await bench.record(11...20)
        bench.clock.advance(.seconds(7 * 86_400))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 0, 0, 20, 0, 0])
        let before = try await TraceReader(directory: bench.path).traces().map(\.startTime)
        #expect(try await bench.lane.outbox.retime(endingAt: bench.clock.wall) == 20)
        #expect(try await bench.books() == [20, 0, 0, 0, 0, 0])
        await bench.lane.round()
        #expect(try await bench.books() == [0, 20, 0, 0, 0, 0])
        let spans = bench.ingress.seen.flatMap(\.spans)
        let shifts = Set(
            spans.map { span in
                let original = span.attributes.first { $0.key == "popshop.original_start_time_unix_nano" }
                return Int64(span.startTimeUnixNano) - (original?.value.intValue ?? 0)
            }
        )
        // The latest ends now: seven days less its own millisecond.
        #expect(shifts == Set([Int64(7 * 86_400_000 - 1) * 1_000_000]))
        #expect(try await TraceReader(directory: bench.path).traces().map(\.startTime) == before)
        await bench.buffer.close()
    }

    private func copy(_ path: String, to target: String) throws {
        try #require(try ChildProcess.run("/bin/cp", ["-r", path, target]).code == 0)
    }
}
