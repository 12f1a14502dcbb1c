import CZlib
import ConsoleAPI
import Foundation
import HTTPClient
import HTTPTypes
import Logging
import ServiceTracing
import SwiftProtobuf
import Synchronization
import Testing
import Tracing

@testable import OTLP
@testable import Sync
@testable import TelemetryBuffer

/// Both clocks, turned by a test.
final class ManualClock: TraceClock {
    private let times = Mutex((wall: UInt64(1_760_000_000_000_000_000), monotonic: UInt64(1_000_000_000)))

    var wall: UInt64 { times.withLock { $0.wall } }
    var monotonic: UInt64 { times.withLock { $0.monotonic } }

    func advance(_ duration: Duration) {
        times.withLock {
            $0.wall += duration.nanoseconds
            $0.monotonic += duration.nanoseconds
        }
    }

    /// Somebody sets the clock.
    func step(seconds: Int64) {
        times.withLock { $0.wall = $0.wall &+ UInt64(bitPattern: seconds * 1_000_000_000) }
    }

    /// As an HTTP date.
    func date(plus seconds: Int = 0) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.string(from: Date(timeIntervalSince1970: Double(Int(wall / 1_000_000_000) + seconds)))
    }
}

/// What a request brought.
struct Delivery: Sendable {
    let headers: HTTPFields
    let ids: [UInt64]
    /// By resource, in the order of the request.
    let services: [String]
    let bytes: Int
    let starts: [UInt64]
    var names: [String] { spans.map(\.name) }
    let spans: [Opentelemetry_Proto_Trace_V1_Span]

    /// What a question for the time brings.
    init() { (headers, ids, services, bytes, starts, spans) = ([:], [], [], 0, [], []) }

    init(_ headers: HTTPFields, _ body: [UInt8]) throws {
        let bytes = try gunzip(body)
        let request = try Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest(serializedBytes: bytes)
        self.headers = headers
        self.bytes = bytes.count
        services = request.resourceSpans.map { resource in
            resource.resource.attributes.first { $0.key == "service.name" }?.value.stringValue ?? ""
        }
        spans = request.resourceSpans.flatMap { $0.scopeSpans.flatMap(\.spans) }
        ids = spans.map { $0.spanID.reduce(0) { $0 << 8 | UInt64($1) } }
        starts = spans.map(\.startTimeUnixNano)
    }
}

/// An ingress of ours: answers as a test says, and keeps what it took.
final class FakeIngress: HTTPTransport {
    typealias Answer = Result<IncomingResponse, HTTPTransportError>

    private struct State {
        var script: @Sendable (Delivery) -> Answer
        /// To a question for the time; nil for a backend that knows of no such method.
        var time: Answer?
        var seen: [Delivery] = []
        var accepted: [UInt64] = []
    }

    private let state: Mutex<State>

    init(_ script: @escaping @Sendable (Delivery) -> Answer = { _ in .ok() }) {
        state = Mutex(State(script: script))
    }

    /// Every request.
    var seen: [Delivery] { state.withLock { $0.seen } }
    /// The ids of all that was answered with success.
    var accepted: [UInt64] { state.withLock { $0.accepted } }

    func script(_ script: @escaping @Sendable (Delivery) -> Answer) { state.withLock { $0.script = script } }

    /// What questions for the time are answered with.
    func scriptTime(_ answer: Answer?) { state.withLock { $0.time = answer } }

    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        if request.method == .head, let answer = state.withLock({ $0.time }) { return try answer.get() }
        if request.method == .head { return try time(state.withLock { $0.script }(Delivery())) }
        guard let delivery = try? Delivery(request.headers, request.body) else {
            throw HTTPTransportError(.other, "not OTLP")
        }
        defer { Events.raise() }
        let answer = state.withLock { state in
            let answer = state.script(delivery)
            state.seen.append(delivery)
            if case .success(let response) = answer, response.status.code == 200 { state.accepted += delivery.ids }
            return answer
        }
        return try answer.get()
    }
}

extension FakeIngress {
    /// As backends do that know of no such method: the date is there all the same.
    private func time(_ answer: Answer) throws(HTTPTransportError) -> IncomingResponse {
        let date = try answer.get().headers[.date]
        return IncomingResponse(status: .methodNotAllowed, headers: date.map { [.date: $0] } ?? [:], body: [])
    }
}

extension Result where Success == IncomingResponse, Failure == HTTPTransportError {
    static func status(_ code: Int, _ headers: HTTPFields = [:], _ body: [UInt8] = []) -> Self {
        .success(IncomingResponse(status: .init(code: code), headers: headers, body: body))
    }

    /// What a Collector says.
    static func ok(rejected: Int64 = 0, _ message: String = "", date: String? = nil) -> Self {
        var response = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse()
        if rejected > 0 || !message.isEmpty {
            response.partialSuccess.rejectedSpans = rejected
            response.partialSuccess.errorMessage = message
        }
        var headers: HTTPFields = [.contentType: "application/x-protobuf"]
        if let date { headers[.date] = date }
        return .status(200, headers, (try? response.serializedBytes()) ?? [])
    }

    static func page(_ code: Int = 200) -> Self {
        .status(code, [.contentType: "text/html"], Array("<html>Log in to the conference Wi-Fi</html>".utf8))
    }

    static func fails(_ code: HTTPTransportError.Code) -> Self { .failure(HTTPTransportError(code, "It is so.")) }
}

/// A buffer on a disk of its own, a lane, an ingress and a clock.
final class Bench: Sendable {
    let path: String
    let clock: ManualClock
    let ingress: FakeIngress
    let buffer: SpanBuffer
    let lane: SpanUplink
    private let ownsFiles: Bool
    private let services: [Resource]

    init(
        at path: String? = nil,
        clock: ManualClock = ManualClock(),
        ingress: FakeIngress = FakeIngress(),
        upstream: SpanUpstream? = SpanUpstream(url: "https://ingress.test/v1/traces", key: .fixed("s3cret-key")),
        sliceBytes: Int = 64 << 20,
        transport: (any HTTPTransport)? = nil,
        isTraced: Bool = false,
        _ change: (inout SpanUplinkOptions) -> Void = { _ in }
    ) throws {
        self.path = path ?? FileManager.default.temporaryDirectory.path + "/popshop-sync-\(UUID().uuidString)"
        ownsFiles = path == nil
        self.clock = clock
        self.ingress = ingress
        services = ["checkout", "cart"].map { Resource(attributes: ["service.name": .string($0)]) }
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        buffer = try SpanBuffer(
            directory: self.path,
            configuration: BufferConfiguration(sliceBytes: sliceBytes, queueSpans: 1 << 20, queueBytes: 1 << 30),
            logger: quiet,
            clock: clock
        )
        var options = SpanUplinkOptions()
        change(&options)
        lane = SpanUplink(
            outbox: buffer.outbox(),
            transport: transport ?? ingress,
            upstream: upstream,
            tracer: isTraced
                ? ServiceTracer(
                    resource: Resource(attributes: ["service.name": "sync"]),
                    processor: buffer,
                    clock: clock
                )
                : nil,
            options: options,
            clock: clock,
            seed: 7,
            logger: quiet
        )
    }

    deinit { if ownsFiles { try? FileManager.default.removeItem(atPath: path) } }

    /// Records spans with the given ids that start now, of two services by turns.
    func record(_ ids: ClosedRange<UInt64>, startingBefore age: Duration = .zero, filler: Int = 0) async throws {
        for id in ids { buffer.onEnd(try span(id, start: clock.wall - age.nanoseconds, filler: filler)) }
        try await buffer.flush()
    }

    func span(_ id: UInt64, start: UInt64, filler: Int = 0) throws -> SpanData {
        SpanData(
            name: "GET /",
            kind: .server,
            context: SpanContext(
                traceID: try #require(TraceID(high: 1, low: id / 10 + 1)),
                spanID: try #require(SpanID(id))
            ),
            parentSpanID: nil,
            startTime: start,
            endTime: start + 1_000_000,
            attributes: filler > 0 ? ["filler": .string(String(repeating: "x", count: filler))] : [:],
            outcome: .unset,
            resource: services[Int(id % 2)]
        )
    }

    /// Pending, sent, rejected, expired, evicted, quarantined; after checking that the books balance, in the slices'
    /// rows too.
    func books() async throws -> [Int] {
        let counts = await buffer.counts()
        #expect(try await TraceReader(directory: path).counts().states == counts.states)
        return counts.states
    }
}

extension BufferCounts {
    var states: [Int] { [pending, sent, rejected, expired, evicted, quarantined] }
}

func gunzip(_ bytes: [UInt8]) throws -> [UInt8] {
    var stream = z_stream()
    try #require(czlib_gunzip_init(&stream) == Z_OK)
    defer { inflateEnd(&stream) }
    var (input, output) = (bytes, [UInt8]())
    try input.withUnsafeMutableBufferPointer { source in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        var outcome = Z_OK
        while outcome == Z_OK {
            let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(buffer.count)
                outcome = inflate(&stream, Z_NO_FLUSH)
                count = buffer.count - Int(stream.avail_out)
            }
            output += chunk
        }
        try #require(outcome == Z_STREAM_END)
    }
    return output
}
