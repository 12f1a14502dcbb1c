import GRDB
public import OTLP
public import ServiceTracing
public import Tracing

/// A span as the buffer keeps it: what is searched by, and its OTLP bytes.
public struct StoredSpan: Hashable, Sendable {
    public let traceID: TraceID
    public let spanID: SpanID
    /// Nil for the root of a trace.
    public let parentSpanID: SpanID?
    public let service: String
    public let name: String
    public let kind: SpanKind
    public let status: SpanStatusCode
    /// Nanoseconds since 1970, UTC.
    public let startTime: UInt64
    /// Nanoseconds since 1970, UTC.
    public let endTime: UInt64
    /// The content of an OTLP `Resource` message.
    public let resource: [UInt8]
    /// The content of an OTLP `Span` message.
    public let payload: [UInt8]

    /// The span with its attributes, events and links.
    ///
    /// - Throws: `OTLPDecodingError` when the bytes are no span.
    public func decoded() throws(OTLPDecodingError) -> DecodedSpan { try DecodedSpan(otlp: payload) }

    /// Nil when its ids are none.
    ///
    /// - Throws: `RowDecodingError`.
    init?(_ row: Row, services: [Int64: String]) throws {
        let trace: DataBytes = try row.decode(forColumn: "trace_id")
        let span: DataBytes = try row.decode(forColumn: "span_id")
        let parent: DataBytes? = try row.decode(forColumn: "parent_span_id")
        guard let traceID = TraceID(bytes: trace.bytes), let spanID = SpanID(bytes: span.bytes) else { return nil }
        let (kind, status): (Int64, Int64) = try (row.decode(forColumn: "kind"), row.decode(forColumn: "status"))
        let (start, end): (Int64, Int64) = try (row.decode(forColumn: "start_ns"), row.decode(forColumn: "end_ns"))
        let resource: DataBytes = try row.decode(forColumn: "resource")
        let payload: DataBytes = try row.decode(forColumn: "payload")
        self.traceID = traceID
        self.spanID = spanID
        parentSpanID = parent.flatMap { SpanID(bytes: $0.bytes) }
        service = services[try row.decode(forColumn: "service_id")] ?? ""
        name = try row.decode(forColumn: "name")
        self.kind = SpanKindCode(rawValue: kind)?.kind ?? .internal
        self.status = SpanStatusCode(rawValue: status) ?? .unset
        startTime = UInt64(clamping: start)
        endTime = UInt64(clamping: end)
        self.resource = resource.bytes
        self.payload = payload.bytes
    }
}
