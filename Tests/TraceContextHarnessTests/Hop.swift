import HTTPClient
import HTTPTypes
import Hummingbird
import ServiceKit
import ServiceTracing
import ShopAPI
import Synchronization
import TestSupport
import Testing
import TraceContextHarness

/// A hop over real sockets: bytes that no HTTP library has mended go to the harness, and a server of ours keeps the
/// headers of each call that the harness makes on account of them.
struct Hop {
    static let trace = "12345678901234567890123456789012"
    static let parent = "1234567890123456"

    /// A `traceparent` header line.
    static func traceparent(_ flags: String = "01") -> String { "traceparent: 00-\(trace)-\(parent)-\(flags)" }

    /// What came of one request.
    struct Outcome: Sendable {
        let answer: String
        /// The headers of each call, in order.
        let calls: [HTTPFields]
        /// Of the harness.
        let spans: [SpanData]

        private var parents: [String] { calls.first?[values: .traceparent] ?? [] }
        /// The one `traceparent` that was sent on; nil when there is none, more than one, or one that is not valid.
        var sent: SpanContext? { parents.count == 1 ? SpanContext(traceParent: parents[0]) : nil }
        var flags: String? { parents.first.map { String($0.suffix(2)) } }
        /// The `tracestate` lines as they were sent on.
        var states: [String] { calls.first?[values: .tracestate] ?? [] }
        var baggage: String? { calls.first?[.baggage] }
        /// The same trace, another span.
        var continues: Bool {
            sent?.traceID.description == Hop.trace && sent?.spanID.description != Hop.parent
        }
        /// A trace of its own.
        var restarts: Bool { sent.map { $0.traceID.description != Hop.trace } ?? false }
    }

    private let harness: RunningService
    private let listener: RunningService
    private let received: Received
    private let spans: SpanCollector

    /// Runs both while the body runs.
    static func run(_ body: (Hop) async throws -> Void) async throws {
        let (spans, received, client) = (SpanCollector(), Received(), try CurlClient())
        let harness = TraceContextHarness(transport: client, tracer: ServiceTracer("harness", spans))
        let running = try await RunningService(harness.router())
        let listener = try await RunningService(received.router())
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(
                try await body(Hop(harness: running, listener: listener, received: received, spans: spans))
            )
        } catch {
            outcome = .failure(error)
        }
        await client.shutDown()
        await running.stop()
        await listener.stop()
        try outcome.get()
    }

    /// Sends a request with these header lines, as they are, and asks for so many calls.
    func send(_ lines: [String], calls: Int = 1) async throws -> Outcome {
        received.clear()
        spans.removeAll()
        let actions = (0..<calls).map { #"{"url":"\#(listener.url)/\#($0)","arguments":[]}"# }
        let body = "[\(actions.joined(separator: ","))]"
        let head = ["POST / HTTP/1.1", "Host: harness", "Connection: close", "Content-Length: \(body.utf8.count)"]
        let request = (head + lines).joined(separator: "\r\n") + "\r\n\r\n" + body
        let answer = await RawConnection.exchange(request, port: harness.port)
        return Outcome(answer: answer, calls: received.calls, spans: spans.spans)
    }

    func send(_ lines: String...) async throws -> Outcome { try await send(lines) }

    /// What the harness answers to a body, at its other path.
    func post(_ body: String) async -> String {
        let length = "Content-Length: \(body.utf8.count)"
        let head = "POST /test HTTP/1.1\r\nHost: harness\r\nConnection: close\r\n\(length)\r\n\r\n"
        return await RawConnection.exchange(head + body, port: harness.port)
    }
}

/// Keeps the headers of what is posted to it.
private final class Received: Sendable {
    private let kept = Mutex<[HTTPFields]>([])

    var calls: [HTTPFields] { kept.withLock { $0 } }

    func clear() { kept.withLock { $0 = [] } }

    func router() -> ServiceRouter {
        let router = ServiceRouter(
            .ad,
            tracer: ServiceTracer("listener", SpanCollector()),
            gate: AdminGate(token: nil)
        )
        router.post("/{number}") { request, _ in
            self.kept.withLock { $0.append(request.headers) }
            return try .json(JSONValue.null)
        }
        return router
    }
}
