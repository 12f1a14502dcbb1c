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

    /// What came of it.
    struct Result: Sendable {
        let batch: SpanBatch
        let answer: OTLPAnswer
        /// The answer's `Date`, in seconds since 1970.
        let date: Int?
    }

    /// Compresses, sends and reads the answer, away from the lane's own actor.
    @concurrent
    func send(_ batch: SpanBatch) async -> Result {
        guard let body = Gzip.compress(batch.request) else {
            let answer = OTLPAnswer.retry(reason: "There is no memory to send spans.", after: nil, offline: false)
            return Result(batch: batch, answer: answer, date: nil)
        }
        var request = request
        request.body = body
        do throws(HTTPTransportError) {
            let response = try await transport.send(request)
            let answer = OTLPAnswer(response, count: batch.count, now: Int(clock.wall / 1_000_000_000))
            return Result(batch: batch, answer: answer, date: response.headers[.date].flatMap(HTTPDate.seconds))
        } catch {
            return Result(batch: batch, answer: OTLPAnswer(error), date: nil)
        }
    }
}
