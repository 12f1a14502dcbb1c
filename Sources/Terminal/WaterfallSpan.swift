public import OTLP
import ServiceTracing
public import TelemetryBuffer

/// A span as the waterfall needs it.
public struct WaterfallSpan: Sendable {
    /// A moment within it.
    struct Moment: Sendable {
        let name: String
        let time: UInt64
        /// `key=value …`.
        let details: String
    }

    let traceID: TraceID
    let spanID: SpanID
    let parentSpanID: SpanID?
    let service: String
    let name: String
    /// Nanoseconds since 1970, UTC.
    let start: UInt64
    /// Never before the start.
    let end: UInt64
    let failed: Bool
    /// What went wrong, as far as it was said.
    let failure: String
    /// Of a database span.
    let statement: String?
    let events: [Moment]
    let links: [SpanContext]

    var duration: UInt64 { end - start }
}

extension WaterfallSpan {
    /// A span of a service.
    public init(service: String, _ span: DecodedSpan) {
        var (failed, failure) = (false, "")
        if case .error(let message) = span.outcome {
            (failed, failure) = (true, Self.failure(span.attributes.text("error.type"), message))
        }
        self.init(
            traceID: span.traceID,
            spanID: span.spanID,
            parentSpanID: span.parentSpanID,
            service: service,
            name: span.name,
            start: span.startTime,
            end: max(span.startTime, span.endTime),
            failed: failed,
            failure: failure,
            statement: span.attributes.text("db.query.text") ?? span.attributes.text("db.statement"),
            events: span.events.map { Moment(name: $0.name, time: $0.time, details: $0.attributes.words) },
            links: span.links.map(\.context)
        )
    }

    /// A span of the buffer; by its columns where its bytes do not decode.
    public init(_ stored: StoredSpan) {
        if let span = try? stored.decoded() {
            self.init(service: stored.service, span)
        } else {
            self.init(
                traceID: stored.traceID,
                spanID: stored.spanID,
                parentSpanID: stored.parentSpanID,
                service: stored.service,
                name: stored.name,
                start: stored.startTime,
                end: max(stored.startTime, stored.endTime),
                failed: stored.status == .error,
                failure: "its details cannot be read",
                statement: nil,
                events: [],
                links: []
            )
        }
    }

    /// The type is left out where the message begins with it.
    private static func failure(_ type: String?, _ message: String) -> String {
        guard let type, !message.hasPrefix(type) else { return message.isEmpty ? "failed, without a reason" : message }
        return message.isEmpty ? type : "\(type): \(message)"
    }
}

extension Attributes {
    fileprivate func text(_ key: String) -> String? {
        if case .string(let text)? = self[key], !text.isEmpty { text } else { nil }
    }

    fileprivate var words: String { all.map { "\($0.key)=\($0.value.words)" }.joined(separator: " ") }
}

extension AttributeValue {
    fileprivate var words: String {
        switch self {
        case .string(let value): value
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .strings(let values): "[\(values.joined(separator: ", "))]"
        case .ints(let values): "\(values)"
        case .doubles(let values): "\(values)"
        case .bools(let values): "\(values)"
        }
    }
}
