import BackgroundExecutor
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
    let packer: Packer

    /// What came of it.
    struct Result: Sendable {
        let batch: SpanBatch
        let answer: OTLPAnswer
        /// The answer's `Date`, in seconds since 1970.
        let date: Int?
    }

    /// Packs, sends and reads the answer, away from the lane's own actor.
    ///
    /// A backend may repeat what it was sent: no secret is taken over from its words.
    @concurrent
    func send(_ batch: SpanBatch) async -> Result {
        guard let body = await packer.pack(batch) else {
            let answer = OTLPAnswer.retry(reason: "There is no memory to send spans.", after: nil, offline: false)
            return Result(batch: batch, answer: answer, date: nil)
        }
        var request = request
        request.body = body
        do throws(HTTPTransportError) {
            let response = try await transport.send(request)
            let answer = OTLPAnswer(response, count: batch.count, now: Int(clock.wall / 1_000_000_000))
            let date = response.headers[.date].flatMap(HTTPDate.seconds)
            return Result(batch: batch, answer: answer.without(secrets), date: date)
        } catch {
            return Result(batch: batch, answer: OTLPAnswer(error), date: nil)
        }
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
