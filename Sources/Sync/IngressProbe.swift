import Gzip
public import HTTPClient
import OTLP
public import ServiceTracing

/// One span, sent at once and by the side of the buffer, that proves an endpoint and a key.
public struct IngressProbe: Sendable {
    /// What the backend said to it.
    public enum Outcome: Hashable, Sendable {
        /// The backend has taken it; with a warning, if it had one.
        case taken(warning: String)
        /// It will not take spans like this until somebody has put something right.
        case refused(reason: String)
        /// It may take them later.
        case unanswered(reason: String)
    }

    /// What to look for in the backend.
    public let traceID: TraceID
    public let outcome: Outcome

    /// Sends the span and waits for the answer.
    ///
    /// - Parameter resource: Whom the span is of.
    public static func send(
        to upstream: SpanUpstream,
        transport: any HTTPTransport,
        resource: Resource,
        timeout: Duration = .seconds(10),
        clock: any TraceClock = SystemTraceClock(),
        ids: IDGenerator = IDGenerator()
    ) async -> IngressProbe {
        let context = SpanContext(traceID: ids.traceID(), spanID: ids.spanID(), flags: [.sampled, .random])
        let now = clock.wall
        let span = SpanData(
            name: "popshop doctor",
            context: context,
            startTime: now - Duration.milliseconds(1).nanoseconds,
            endTime: now,
            resource: resource
        )
        let request = OTLPEncoder.request(resource: OTLPEncoder.resource(resource), spans: [OTLPEncoder.span(span)])
        let outcome = await post(request, to: upstream, transport, timeout, clock)
        return IngressProbe(traceID: context.traceID, outcome: outcome)
    }

    private static func post(
        _ request: [UInt8],
        to upstream: SpanUpstream,
        _ transport: any HTTPTransport,
        _ timeout: Duration,
        _ clock: any TraceClock
    ) async -> Outcome {
        let exchange: SpanExchange
        do throws(SpanUpstream.Refused) {
            exchange = SpanExchange(transport, try upstream.request(timeout: timeout, maxAnswerBytes: 1 << 20), clock)
        } catch {
            return .refused(reason: error.reason)
        }
        guard let body = Gzip.compress(request) else {
            return .unanswered(reason: "There is no memory to send a span.")
        }
        return switch await exchange.post(body, count: 1).answer {
        case .delivered(0, let message): .taken(warning: message)
        case .delivered(_, let message): .refused(reason: "The upstream refuses the span: \(message)")
        case .retry(let reason, _, _): .unanswered(reason: reason)
        case .blocked(let reason), .split(let reason, _): .refused(reason: reason)
        }
    }
}
