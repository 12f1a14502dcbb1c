// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import OTLP
import ServiceTracing
public import ShopAPI
public import TelemetryBuffer
import Tracing

/// `GET /api/traces`: newest first.
public struct TraceListMessage: Codable, Hashable, Sendable {
    /// One trace.
    public struct Trace: Codable, Hashable, Sendable {
        public let trace_id: String
        public let root_name: String
        public let root_service: String
        /// RFC 3339 with nanoseconds: as `before`, it asks for what is older.
        public let start_time: String
        public let duration_ms: Double
        public let span_count: Int
        public let services: [String]
        /// Whether any span failed.
        public let error: Bool
        /// Whether its root has ended: until then its name and duration are those of what has.
        public let rooted: Bool

        public init(_ trace: TraceSummary) {
            trace_id = trace.traceID.description
            root_name = trace.rootName
            root_service = trace.rootService
            start_time = RFC3339.text(trace.startTime)
            // A span of another's may end before it starts.
            duration_ms = trace.endTime > trace.startTime ? Double(trace.endTime - trace.startTime) / 1e6 : 0
            span_count = trace.spanCount
            services = trace.services
            error = trace.errorCount > 0
            rooted = trace.isRooted
        }
    }

    public let traces: [Trace]

    public init(_ traces: [TraceSummary]) {
        self.traces = traces.map(Trace.init)
    }
}

/// `GET /api/traces/{trace_id}`: spans by their start.
public struct TraceMessage: Codable, Hashable, Sendable {
    public let trace_id: String
    public let spans: [SpanMessage]

    public init(_ spans: [StoredSpan], id: String) {
        trace_id = id
        self.spans = spans.map(SpanMessage.init)
    }
}

/// One span. Times are decimal strings, since they are more than a JSON number holds exactly.
public struct SpanMessage: Codable, Hashable, Sendable {
    /// A moment within a span.
    public struct Event: Codable, Hashable, Sendable {
        public let name: String
        public let time_unix_nano: String
        public let attributes: [String: JSONValue]
    }

    /// A pointer to another span.
    public struct Link: Codable, Hashable, Sendable {
        public let trace_id: String
        public let span_id: String
        public let attributes: [String: JSONValue]
    }

    public let span_id: String
    /// Null for the root.
    public let parent_span_id: String?
    public let service: String
    public let name: String
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    public let kind: String
    public let start_time_unix_nano: String
    public let end_time_unix_nano: String
    /// `unset`, `ok` or `error`.
    public let status: String
    /// What went wrong, in a sentence; null unless `status` is `error` and it was said.
    public let status_message: String?
    public let attributes: [String: JSONValue]
    public let events: [Event]
    public let links: [Link]

    /// A span whose bytes do not decode is shown by its columns.
    public init(_ span: StoredSpan) {
        let decoded = try? span.decoded()
        span_id = span.spanID.description
        parent_span_id = span.parentSpanID?.description
        service = span.service
        name = span.name
        kind = span.kind.word
        start_time_unix_nano = "\(span.startTime)"
        end_time_unix_nano = "\(span.endTime)"
        status =
            switch span.status {
            case .unset: "unset"
            case .ok: "ok"
            case .error: "error"
            }
        status_message = if case .error(let message)? = decoded?.outcome, !message.isEmpty { message } else { nil }
        attributes = decoded?.attributes.json ?? [:]
        events =
            decoded?.events.map {
                Event(name: $0.name, time_unix_nano: "\($0.time)", attributes: $0.attributes.json)
            } ?? []
        links =
            decoded?.links.map {
                Link(
                    trace_id: $0.context.traceID.description,
                    span_id: $0.context.spanID.description,
                    attributes: $0.attributes.json
                )
            } ?? []
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(span_id, forKey: .span_id)
        try container.encode(parent_span_id, forKey: .parent_span_id)
        try container.encode(service, forKey: .service)
        try container.encode(name, forKey: .name)
        try container.encode(kind, forKey: .kind)
        try container.encode(start_time_unix_nano, forKey: .start_time_unix_nano)
        try container.encode(end_time_unix_nano, forKey: .end_time_unix_nano)
        try container.encode(status, forKey: .status)
        try container.encode(status_message, forKey: .status_message)
        try container.encode(attributes, forKey: .attributes)
        try container.encode(events, forKey: .events)
        try container.encode(links, forKey: .links)
    }
}

extension SpanKind {
    fileprivate var word: String {
        switch self {
        case .internal: "internal"
        case .server: "server"
        case .client: "client"
        case .producer: "producer"
        case .consumer: "consumer"
        }
    }
}

extension Attributes {
    fileprivate var json: [String: JSONValue] {
        Dictionary(all.map { ($0.key, JSONValue($0.value)) }) { first, _ in first }
    }
}

extension JSONValue {
    fileprivate init(_ value: AttributeValue) {
        switch value {
        case .string(let value): self = .string(value)
        case .int(let value): self = .int(value)
        case .double(let value): self = JSONValue(value)
        case .bool(let value): self = .bool(value)
        case .strings(let values): self = .array(values.map { .string($0) })
        case .ints(let values): self = .array(values.map { .int($0) })
        case .doubles(let values): self = .array(values.map { JSONValue($0) })
        case .bools(let values): self = .array(values.map { .bool($0) })
        }
    }

    /// JSON has no number for these; protobuf's JSON mapping has the words.
    private init(_ value: Double) {
        self = value.isFinite ? .double(value) : .string(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
    }
}
