import ConsoleAPI
import Foundation
import HTTPClient
import HTTPTypes
import TelemetryBuffer
import Testing

@testable import Sync

/// Promise 3's table, a case a row: ten spans wait, the ingress answers so once, and this is what became of them.
@Suite struct AnswerTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let answer: FakeIngress.Answer
        let state: LaneState
        /// Pending, sent, rejected, expired, evicted, quarantined.
        let books: [Int]

        init(_ name: String, _ answer: FakeIngress.Answer, _ state: LaneState, _ books: [Int]) {
            (self.name, self.answer, self.state, self.books) = (name, answer, state, books)
        }

        var testDescription: String { name }
    }

    private static let waiting = [10, 0, 0, 0, 0, 0]
    private static let sent = [0, 10, 0, 0, 0, 0]
    private static let json: HTTPFields = [.contentType: "application/json"]
    private static let proto: HTTPFields = [.contentType: "application/x-protobuf"]

    static let rows: [Row] = [
        Row("200 with OTLP's answer", .ok(), .idle, sent),
        Row("200 with an empty body", .status(200), .idle, sent),
        Row("200 protobuf, empty", .status(200, proto), .idle, sent),
        Row("200 with JSON {}", .status(200, json, Array("{}".utf8)), .idle, sent),
        Row("200 with an empty text", .status(200, [.contentType: "text/plain"]), .idle, sent),
        Row("202 empty", .status(202), .idle, sent),
        Row("204", .status(204), .idle, sent),
        Row("partial_success, 3 rejected", .ok(rejected: 3, "too old"), .idle, [0, 7, 3, 0, 0, 0]),
        Row("partial_success, all rejected", .ok(rejected: 10, "no"), .idle, [0, 0, 10, 0, 0, 0]),
        Row("partial_success, more rejected than sent", .ok(rejected: 99, "no"), .idle, [0, 0, 10, 0, 0, 0]),
        Row("partial_success, 0 rejected: a warning", .ok(rejected: 0, "careful"), .idle, sent),
        Row(
            "partial_success in JSON",
            .status(200, json, Array(#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}"#.utf8)),
            .idle,
            [0, 8, 2, 0, 0, 0]
        ),
        Row("200 with a login page", .page(), .backingOff, waiting),
        Row("200 with an empty HTML page", .status(200, [.contentType: "text/html"]), .backingOff, waiting),
        Row("200 with foreign JSON", .status(200, json, Array(#"{"login":"here"}"#.utf8)), .backingOff, waiting),
        Row("200 with garbage protobuf", .status(200, proto, [0xff, 0xff, 1, 2, 3]), .backingOff, waiting),
        Row("200 with a body of no type", .status(200, [:], [1, 2]), .backingOff, waiting),
        Row("201", .status(201), .backingOff, waiting),
        Row("302", .status(302, [.location: "http://portal/"]), .backingOff, waiting),
        Row("307", .status(307, [.location: "http://portal/"]), .backingOff, waiting),
        Row("408", .status(408), .backingOff, waiting),
        Row("429", .status(429), .backingOff, waiting),
        Row("500", .status(500), .backingOff, waiting),
        Row("502", .status(502), .backingOff, waiting),
        Row("503", .status(503), .backingOff, waiting),
        Row("504", .status(504), .backingOff, waiting),
        Row("511 (a portal that is honest)", .page(511), .backingOff, waiting),
        Row("401", .status(401), .blocked, waiting),
        Row("403", .status(403), .blocked, waiting),
        Row("404", .status(404), .blocked, waiting),
        Row("405", .status(405), .blocked, waiting),
        Row("407", .status(407), .blocked, waiting),
        Row("422", .status(422), .blocked, waiting),
        Row("no such host", .fails(.resolve), .offline, waiting),
        Row("no connection", .fails(.connect), .offline, waiting),
        Row("time-out", .fails(.timeout), .offline, waiting),
        Row("TLS", .fails(.tls), .offline, waiting),
        Row("half an answer", .fails(.badResponse), .backingOff, waiting),
        Row("64 MiB of answer", .fails(.responseTooLarge), .backingOff, waiting),
        Row("a bad URL", .fails(.invalidURL), .blocked, waiting),
    ]

    @Test(arguments: rows)
    func `each answer has its one effect`(row: Row) async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        #expect(try await bench.books() == Self.waiting)
        bench.ingress.script { _ in row.answer }
        await bench.lane.round()
        let status = await bench.lane.status()
        #expect(status.state == row.state)
        #expect(try await bench.books() == row.books)
        // An upstream that is not there is not even sent a request.
        let requests = if case .failure = row.answer { 0 } else { 1 }
        #expect(bench.ingress.seen.count == requests)
        if ProcessInfo.processInfo.environment["POPSHOP_TEST_SHOW"] != nil { show(row, status) }
        if row.state != .idle {
            let sentence = try #require(status.lastError)
            #expect(!sentence.contains("s3cret-key") && sentence.count < 250)
            #expect(status.nextAttempt != nil)
        }
        // What waits is delivered once all is well, and only that.
        bench.ingress.script { _ in .ok() }
        bench.clock.advance(.seconds(61))
        await bench.lane.round()
        #expect(await bench.lane.status().state == .idle)
        #expect(try await bench.books()[0] == 0)
        #expect(bench.ingress.seen.count == requests + (row.books[0] > 0 ? 1 : 0))
        await bench.buffer.close()
    }

    /// A line of the table, for people.
    private func show(_ row: Row, _ status: LaneStatus) {
        let names = ["pending", "sent", "rejected", "expired", "evicted", "quarantined"]
        let books = zip(row.books, names).filter { $0.0 > 0 }.map { "\($0) \($1)" }.joined(separator: ", ")
        print("\(row.name) | \(status.state.rawValue) | 10 pending | \(books) | \(status.lastError ?? "")")
    }

    @Test(arguments: [400, 413])
    func `one poison among a thousand is found, quarantined alone, and the rest arrives once`(code: Int) async throws {
        let bench = try Bench { $0.probeSpans = 100 }
        try await bench.record(1...1_000)
        bench.ingress.script { $0.ids.contains(637) ? .status(code) : .ok() }
        await bench.lane.round()
        #expect(try await bench.books() == [0, 999, 0, 0, 0, 1])
        #expect(bench.ingress.accepted.sorted() == (1...1_000).filter { $0 != 637 })
        // Halving 900: twenty requests and a few, not hundreds.
        #expect(bench.ingress.seen.count < 40)
        await bench.buffer.close()
    }

    @Test func `an upstream that refuses everything blocks, and nothing is quarantined`() async throws {
        let bench = try Bench()
        try await bench.record(1...500)
        bench.ingress.script { _ in .status(400) }
        for _ in 0..<3 {
            await bench.lane.round()
            #expect(await bench.lane.status().state == .blocked)
            bench.clock.advance(.seconds(61))
        }
        #expect(try await bench.books() == [500, 0, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `too large a request is halved until it fits, and the next ones begin at that size`() async throws {
        let bench = try Bench { $0.maxRequestBytes = 1_000_000 }
        try await bench.record(1...2_000, filler: 400)
        bench.ingress.script { $0.bytes > 300_000 ? .status(413) : .ok() }
        await bench.lane.round()
        #expect(try await bench.books() == [0, 2_000, 0, 0, 0, 0])
        #expect(bench.ingress.accepted.sorted() == Array(1...2_000))
        await bench.buffer.close()
    }
}
