import BackgroundExecutor
import Gzip
import HTTPClient
import HTTPTypes
import ServiceTracing
import TelemetryBuffer

/// One request with spans, and what its answer means.
struct SpanExchange: Sendable {
    let transport: any HTTPTransport
    /// Without its content.
    let request: OutgoingRequest
    let clock: any TraceClock

    init(_ transport: any HTTPTransport, _ request: OutgoingRequest, _ clock: any TraceClock) {
        (self.transport, self.request, self.clock) = (transport, request, clock)
    }

    /// What came of it.
    struct Reply: Sendable {
        let answer: OTLPAnswer
        /// The answer's `Date`, in seconds since 1970.
        var date: Int?
        /// From the first byte out to the last one in.
        var took = Duration.zero
        /// No answer came in time.
        var isLate = false
    }

    /// Packs, sends and reads the answer, away from the lane's own actor.
    @concurrent
    func send(_ batch: SpanBatch, packedBy packer: Packer) async -> (batch: SpanBatch, reply: Reply) {
        guard let body = await packer.pack(batch) else {
            let answer = OTLPAnswer.retry(reason: "There is no memory to send spans.", after: nil, offline: false)
            return (batch, Reply(answer: answer))
        }
        return (batch, await post(body, count: batch.count))
    }

    /// Sends a request that is packed, and reads the answer.
    ///
    /// A backend may repeat what it was sent: no secret is taken over from its words.
    func post(_ body: [UInt8], count: Int) async -> Reply {
        var request = request
        request.body = body
        let begun = clock.monotonic
        do throws(HTTPTransportError) {
            let response = try await transport.send(request)
            let answer = OTLPAnswer(response, count: count, now: Int(clock.wall / 1_000_000_000))
            return Reply(
                answer: answer.without(secrets),
                date: Self.date(response),
                took: .nanoseconds(Int64(clamping: clock.monotonic - begun))
            )
        } catch {
            return Reply(answer: OTLPAnswer(error), isLate: error.code == .timeout)
        }
    }

    /// What was answered to a question for the time.
    enum Time: Equatable, Sendable {
        /// The answer's `Date`, in seconds since 1970, and whether only a backend answers so.
        case told(Int, isBackend: Bool)
        /// The upstream has no clock (RFC 9110, section 6.6.1): there is only this machine's.
        case clockless
        /// Nothing is learnt: a server that fails need not date its answer.
        case untold
        /// Not now, and nothing else before that either: a `Retry-After`.
        case later(reason: String, after: Duration)
        /// The backend takes nothing before a person has put something right.
        case blocked(reason: String)
    }

    /// Asks for nothing but the time, of whatever answers. It learns nothing of a gateway that answers a 501 and no date for
    /// a backend that knows of no such method.
    ///
    /// - Throws: When there is no answer.
    func time() async throws(HTTPTransportError) -> Time {
        var question = request
        question.method = .head
        question.headers = [:]
        let response = try await transport.send(question)
        let answer = OTLPAnswer(response, count: 0, now: Int(clamping: clock.wall / 1_000_000_000))
        if case .retry(let reason, let after?, _) = answer { return .later(reason: reason, after: after) }
        if let date = Self.date(response) { return .told(date, isBackend: false) }
        return response.status.code < 500 ? .clockless : .untold
    }

    /// Asks the backend itself by a request without spans: one that it takes (OTLP, *OTLP/HTTP Response*: an empty request
    /// SHOULD be a success), and that costs nothing if by this machine's clock it would not have taken some.
    func timeOfBackend() async -> Time {
        let reply = await sendNothing()
        switch reply.answer {
        case .delivered: return reply.date.map { .told($0, isBackend: true) } ?? .untold
        case .retry(let reason, let after?, _): return .later(reason: reason, after: after)
        case .blocked(let reason): return .blocked(reason: reason)
        // It may be that it refuses requests without spans.
        case .retry, .split: return reply.date.map { .told($0, isBackend: false) } ?? .untold
        }
    }

    /// A request without spans.
    func sendNothing() async -> Reply {
        guard let body = Gzip.compress([]) else {
            return Reply(answer: .retry(reason: "There is no memory to send spans.", after: nil, offline: false))
        }
        return await post(body, count: 0)
    }

    /// In seconds since 1970; nil for none, and for one that no clock can show: from 2262 on there are no nanoseconds for it.
    private static func date(_ response: IncomingResponse) -> Int? {
        guard let seconds = response.headers[.date].flatMap(HTTPDate.seconds) else { return nil }
        return seconds <= Int.max / 1_000_000_000 ? seconds : nil
    }

    /// The values of the headers that are the user's, and what follows `Bearer` in them.
    private var secrets: [String] {
        request.headers.filter { ![.contentType, .contentEncoding].contains($0.name) }.flatMap { field in
            [field.value] + field.value.split(separator: " ").map(String.init)
        }.filter { $0.count >= 4 && $0 != "Bearer" }
    }
}

/// Makes requests of batches: the work of a drain, on a thread that gives way to the shop's requests.
actor Packer {
    private nonisolated let executor = BackgroundExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Returns: Nil when there is no memory for it.
    func pack(_ batch: SpanBatch) -> [UInt8]? { Gzip.compress(batch.request) }
}

extension OTLPAnswer {
    fileprivate func without(_ secrets: [String]) -> OTLPAnswer {
        func clean(_ text: String) -> String {
            secrets.reduce(text) { $0.replacing($1, with: "[secret]") }
        }
        switch self {
        case .delivered(let rejected, let message): return .delivered(rejected: rejected, message: clean(message))
        case .retry(let reason, let after, let offline):
            return .retry(reason: clean(reason), after: after, offline: offline)
        case .blocked(let reason): return .blocked(reason: clean(reason))
        case .split(let reason, let tooLarge): return .split(reason: clean(reason), tooLarge: tooLarge)
        }
    }
}
