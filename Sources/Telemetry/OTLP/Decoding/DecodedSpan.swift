public import ServiceTracing
import SwiftProtobuf
public import Tracing

/// A span read from OTLP's protobuf form, ours or anyone's.
public struct DecodedSpan: Hashable, Sendable {
    public let traceID: TraceID
    public let spanID: SpanID
    /// Nil for the root of a trace.
    public let parentSpanID: SpanID?
    /// Nil when the sender did not say whether the parent is of another process.
    public let parentIsRemote: Bool?
    public let flags: TraceFlags
    public let traceState: TraceState
    public let name: String
    /// `internal` also for a kind that is unspecified or unknown, as the specification advises.
    public let kind: SpanKind
    /// Nanoseconds since 1970, UTC.
    public let startTime: UInt64
    /// Nanoseconds since 1970, UTC.
    public let endTime: UInt64
    /// In the order they were sent. What `Attributes` would cut or refuse on a span of ours is cut or refused here.
    public let attributes: Attributes
    /// What the sender had dropped, and what was refused here.
    public let droppedAttributes: Int
    public let events: [Event]
    public let droppedEvents: Int
    /// Those with valid ids; the others count as dropped.
    public let links: [Link]
    public let droppedLinks: Int
    public let outcome: SpanOutcome

    /// Reads the content of one `Span` message.
    ///
    /// - Throws: `OTLPDecodingError` when the bytes are not protobuf or an id is not valid.
    public init(otlp bytes: [UInt8]) throws(OTLPDecodingError) {
        let span: Opentelemetry_Proto_Trace_V1_Span
        do { span = try .init(serializedBytes: bytes) } catch { throw OTLPDecodingError("span: \(error)") }
        try self.init(span)
    }

    init(_ span: Opentelemetry_Proto_Trace_V1_Span) throws(OTLPDecodingError) {
        guard let traceID = TraceID(bytes: span.traceID), let spanID = SpanID(bytes: span.spanID) else {
            throw OTLPDecodingError("span: invalid trace or span id")
        }
        self.traceID = traceID
        self.spanID = spanID
        parentSpanID = SpanID(bytes: span.parentSpanID)
        parentIsRemote = span.flags & SpanFlags.hasIsRemote == 0 ? nil : span.flags & SpanFlags.isRemote != 0
        flags = TraceFlags(rawValue: UInt8(truncatingIfNeeded: span.flags))
        traceState = TraceState(headers: [span.traceState])
        name = span.name
        kind = SpanKind(span.kind)
        startTime = span.startTimeUnixNano
        endTime = span.endTimeUnixNano
        attributes = Attributes(span.attributes)
        droppedAttributes = Int(span.droppedAttributesCount) + attributes.dropped
        events = span.events.map(Event.init)
        droppedEvents = Int(span.droppedEventsCount)
        links = span.links.compactMap(Link.init)
        droppedLinks = Int(span.droppedLinksCount) + span.links.count - links.count
        outcome = SpanOutcome(span.status)
    }
}

/// A resource read from OTLP's protobuf form.
public struct DecodedResource: Hashable, Sendable {
    /// In the order they were sent.
    public let attributes: Attributes
    /// `service.name`, or `unknown_service`.
    public let serviceName: String

    /// Reads the content of one `Resource` message.
    ///
    /// - Throws: `OTLPDecodingError` when the bytes are not protobuf.
    public init(otlp bytes: [UInt8]) throws(OTLPDecodingError) {
        let resource: Opentelemetry_Proto_Resource_V1_Resource
        do { resource = try .init(serializedBytes: bytes) } catch { throw OTLPDecodingError("resource: \(error)") }
        self.init(resource)
    }

    init(_ resource: Opentelemetry_Proto_Resource_V1_Resource) {
        attributes = Attributes(resource.attributes)
        serviceName = if case .string(let name)? = attributes["service.name"] { name } else { "unknown_service" }
    }
}

/// Bytes that are not the OTLP message they should be.
public struct OTLPDecodingError: Error, CustomStringConvertible {
    /// Which message, and what is wrong with it.
    public let description: String

    init(_ description: String) { self.description = description }
}
