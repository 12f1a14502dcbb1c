public import OTLP
public import ServiceTracing
import Tracing

/// A span as the buffer takes it: encoded once, beside the few columns that are searched by.
public struct EncodedSpan: Sendable {
    let traceID: TraceID
    let spanID: SpanID
    let parentSpanID: SpanID?
    let kind: SpanKindCode
    let status: SpanStatusCode
    let startTime: Int64
    let endTime: Int64
    let name: String
    let databaseSystem: String?
    let payload: [UInt8]
    let origin: Origin

    /// Encodes a span of this process.
    public init(_ span: SpanData) {
        traceID = span.context.traceID
        spanID = span.context.spanID
        parentSpanID = span.parentSpanID
        kind = SpanKindCode(span.kind)
        status = SpanStatusCode(span.outcome)
        startTime = Int64(clamping: span.startTime)
        endTime = Int64(clamping: span.endTime)
        name = span.name
        databaseSystem = kind == .client ? span.attributes.databaseSystem : nil
        payload = OTLPEncoder.span(span)
        origin = .local(span.resource)
    }

    /// Takes a span received as OTLP; its bytes are kept as they came.
    ///
    /// - Parameters:
    ///   - otlp: The content of one `Span` message.
    ///   - resource: Shared by the spans of one `ResourceSpans`.
    /// - Throws: `OTLPDecodingError` when the bytes are no span.
    public init(otlp payload: [UInt8], resource: EncodedResource) throws(OTLPDecodingError) {
        let span = try DecodedSpan(otlp: payload)
        traceID = span.traceID
        spanID = span.spanID
        parentSpanID = span.parentSpanID
        kind = SpanKindCode(span.kind)
        status = SpanStatusCode(span.outcome)
        startTime = Int64(clamping: span.startTime)
        endTime = Int64(clamping: span.endTime)
        name = span.name
        databaseSystem = kind == .client ? span.attributes.databaseSystem : nil
        self.payload = payload
        origin = .received(resource)
    }

    /// Roughly what it takes in memory, in bytes.
    var footprint: Int { payload.count + name.utf8.count + 160 }
}

/// A resource received as OTLP. A class, so that the spans of one request share it.
public final class EncodedResource: Sendable {
    let serviceName: String
    let payload: [UInt8]

    /// - Parameter otlp: The content of one `Resource` message.
    /// - Throws: `OTLPDecodingError` when the bytes are no resource.
    public init(otlp payload: [UInt8]) throws(OTLPDecodingError) {
        serviceName = try DecodedResource(otlp: payload).serviceName
        self.payload = payload
    }
}

/// Whose span it is. The resource is encoded by the writer, once, and not for every span.
enum Origin: Sendable {
    case local(Resource)
    case received(EncodedResource)

    var id: ObjectIdentifier {
        switch self {
        case .local(let resource): ObjectIdentifier(resource)
        case .received(let resource): ObjectIdentifier(resource)
        }
    }

    var serviceName: String {
        switch self {
        case .local(let resource): resource.serviceName
        case .received(let resource): resource.serviceName
        }
    }

    var payload: [UInt8] {
        switch self {
        case .local(let resource): OTLPEncoder.resource(resource)
        case .received(let resource): resource.payload
        }
    }
}

extension Attributes {
    /// The database's kind, by the stable name or the older one (semantic conventions, *Database*).
    fileprivate var databaseSystem: String? {
        for key in ["db.system.name", "db.system"] {
            if case .string(let system)? = self[key], !system.isEmpty { return system }
        }
        return nil
    }
}
