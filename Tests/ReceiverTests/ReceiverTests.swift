import Foundation
import Gzip
import HTTPClient
import HTTPTypes
import Logging
import OTLPReceiver
import ServiceLifecycle
import ServiceTracing
import SwiftProtobuf
import TelemetryBuffer
import TestSupport
import Testing
import Tracing

@testable import OTLP

@Suite(.timeLimit(.minutes(15))) struct ReceiverTests {
    private typealias Request = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest

    private static let json = """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"elsewhere"}}]},
        "scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
        "spanId":"EEE19B7EC3C1B174","parentSpanId":"eee19b7ec3c1b173","name":"I'm a server span","kind":2,
        "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"someday":{"new":true},
        "attributes":[{"key":"my.span.attr","value":{"intValue":"7"}}],"status":{"code":2,"message":"no"}}]}]}]}
        """

    /// A receiver on a port of its own, for as long as the closure runs.
    private func withReceiver(
        queueSpans: Int = 1 << 16,
        waiting: Int = 0,
        _ body: @escaping @Sendable (_ url: String, _ client: CurlClient, _ buffer: TraceReader) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let buffer = try SpanBuffer(
            directory: directory.path,
            configuration: BufferConfiguration(queueSpans: queueSpans),
            logger: logger
        )
        Self.spans(waiting).forEach(buffer.onEnd)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let application = OTLPReceiver(buffer: buffer).application(host: "127.0.0.1", port: 0, logger: logger) {
            port.yield($0)
        }
        let client = try CurlClient()
        try await withThrowingTaskGroup { group in
            group.addTask { try await application.run() }
            var numbers = ports.makeAsyncIterator()
            let number = try #require(await numbers.next())
            try await body("http://127.0.0.1:\(number)/v1/traces", client, TraceReader(directory: directory.path))
            group.cancelAll()
            try? await group.waitForAll()
        }
        await client.shutDown()
        await buffer.close()
    }

    private func post(
        _ url: String,
        _ client: CurlClient,
        _ body: [UInt8],
        _ headers: HTTPFields
    ) async throws -> IncomingResponse {
        try await client.send(OutgoingRequest(method: .post, url: url, headers: headers, body: body))
    }

    private static let resource = Resource(attributes: ["service.name": "elsewhere"])

    private static func request(_ count: Int) throws -> [UInt8] {
        OTLPEncoder.request(resource: OTLPEncoder.resource(resource), spans: spans(count).map(OTLPEncoder.span))
    }

    private static func spans(_ count: Int) -> [SpanData] {
        let ids = IDGenerator(seed: 1)
        return (0..<count).map { _ in
            SpanData(
                name: "work",
                context: SpanContext(traceID: ids.traceID(), spanID: ids.spanID()),
                startTime: 1_700_000_000_000_000_000,
                endTime: 1_700_000_000_001_000_000,
                resource: resource
            )
        }
    }

    @Test func `what is answered is on disk, packed or not`() async throws {
        try await withReceiver { url, client, reader in
            let message = try Self.request(100)
            let plain = try await post(url, client, message, [.contentType: "application/x-protobuf"])
            #expect(plain.status == .ok && plain.headers[.contentType] == "application/x-protobuf")
            #expect(try ExportResponse(protobuf: plain.body).rejectedSpans == 0)
            #expect(try await reader.counts().pending == 100)
            let packed = try await post(
                url,
                client,
                try #require(Gzip.compress(message)),
                [.contentType: "application/x-protobuf", .contentEncoding: "gzip"]
            )
            #expect(packed.status == .ok)
            #expect(try await reader.counts().pending == 200)
            #expect(try await reader.traces().first?.services == ["elsewhere"])
        }
    }

    @Test func `JSON is read by OTLP's own rules: ids in hex, of either case, and fields of a later day`() async throws
    {
        try await withReceiver { url, client, reader in
            let answer = try await post(url, client, Array(Self.json.utf8), [.contentType: "application/json"])
            #expect(answer.status == .ok && answer.headers[.contentType] == "application/json")
            #expect(String(decoding: answer.body, as: UTF8.self) == "{}")
            let trace = try #require(TraceID("5b8efff798038103d269b633813fc60c"))
            let span = try #require(try await reader.trace(trace).first)
            let decoded = try DecodedSpan(otlp: span.payload)
            #expect(decoded.spanID.description == "eee19b7ec3c1b174")
            #expect(decoded.parentSpanID?.description == "eee19b7ec3c1b173")
            #expect(decoded.name == "I'm a server span" && decoded.kind == .server)
            #expect(decoded.endTime - decoded.startTime == 1_000_000_000)
        }
    }

    @Test func `spans without valid ids are refused alone, by partial_success`() async throws {
        try await withReceiver { url, client, reader in
            var request = try Request(serializedBytes: Self.request(5))
            request.resourceSpans[0].scopeSpans[0].spans[2].traceID = Data()
            let answer = try await post(
                url,
                client,
                try request.serializedBytes(),
                [.contentType: "application/x-protobuf"]
            )
            #expect(answer.status == .ok)
            let response = try ExportResponse(protobuf: answer.body)
            #expect(response.rejectedSpans == 1 && !response.message.isEmpty)
            #expect(try await reader.counts().pending == 4)
        }
    }

    @Test(
        arguments: [
            ("application/x-protobuf", "identity", Array("garbage".utf8), 400),
            ("application/json", "identity", Array("{\"resourceSpans\": 7}".utf8), 400),
            ("application/json", "identity", Array(json.replacing("5b8efff7", with: "zzzzzzzz").utf8), 400),
            ("application/x-protobuf", "gzip", Array("no gzip".utf8), 400),
            ("application/x-protobuf", "gzip", Array((Gzip.compress([1, 2, 3, 4]) ?? []).dropLast(4)), 400),
            ("application/x-protobuf", "gzip", Gzip.compress([UInt8](repeating: 0, count: 40 << 20)) ?? [], 413),
            ("application/x-protobuf", "br", [1], 415), ("text/plain", "identity", [1], 415),
        ] as [(String, String, [UInt8], Int)]
    )
    func `what is not OTLP is refused with a sentence, and nothing is kept`(
        type: String,
        coding: String,
        body: [UInt8],
        status: Int
    ) async throws {
        try await withReceiver { url, client, reader in
            let answer = try await post(url, client, body, [.contentType: type, .contentEncoding: coding])
            #expect(answer.status.code == status)
            #expect(String(decoding: answer.body, as: UTF8.self).hasSuffix(".\n"))
            #expect(try await reader.counts().pending == 0)
        }
    }

    @Test(arguments: [(76, 413), (60, 429)])
    func `more than there is room for is turned away before any of it is taken, for ever where there never is`(
        count: Int,
        status: Int
    ) async throws {
        try await withReceiver(queueSpans: 100, waiting: 30) { url, client, reader in
            let form: HTTPFields = [.contentType: "application/x-protobuf"]
            let answer = try await post(url, client, try Self.request(count), form)
            #expect(answer.status.code == status && answer.headers[.retryAfter] == (status == 429 ? "1" : nil))
            #expect(try await reader.counts().pending == 0)
            let fits = try await post(url, client, try Self.request(40), form)
            #expect(fits.status == .ok)
            #expect(try await reader.counts().pending == 70)
        }
    }

    @Test func `on loopback a Host that does not name this machine is turned away`() async throws {
        try await withReceiver { url, _, reader in
            let port = try #require(url.split(separator: ":").last?.split(separator: "/").first.flatMap { Int($0) })
            let head = "POST /v1/traces HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nConnection: close\r\n"
            for (host, status) in [
                ("evil.example:4318", 421), ("127.0.0.1.evil.example", 421), ("localhost:4318", 200),
            ] {
                let request = "\(head)Host: \(host)\r\nContent-Length: 0\r\n\r\n"
                #expect(await RawConnection.exchange(request, port: port).hasPrefix("HTTP/1.1 \(status)"), "\(host)")
            }
            #expect(try await reader.counts().pending == 0)
        }
    }
}
