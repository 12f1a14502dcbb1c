import SwiftProtobuf

/// Writes an `ExportTraceServiceRequest` as OTLP/JSON (OTLP specification, *JSON Protobuf Encoding*): ids in hex, enums
/// as integers, lowerCamelCase, 64-bit integers as strings.
///
/// A part at a time, so that a large export needs no large memory: the texts of `append`, in order, and at last that
/// of `finish` are the document.
public struct OTLPJSON: Sendable {
    private var isEmpty = true

    public init() {}

    /// The next `ResourceSpans`, in UTF-8, with what must stand in front of it.
    ///
    /// - Parameters:
    ///   - resource: The content of a `Resource` message.
    ///   - spans: The contents of `Span` messages.
    /// - Throws: `OTLPDecodingError` when one of them does not decode; nothing is then written.
    public mutating func append(
        resource: [UInt8],
        spans: some Sequence<[UInt8]>
    ) throws(OTLPDecodingError) -> [UInt8] {
        var decoded = Opentelemetry_Proto_Trace_V1_ResourceSpans()
        do {
            decoded.resource = try .init(serializedBytes: resource)
            var scope = Opentelemetry_Proto_Trace_V1_ScopeSpans()
            scope.scope.name = OTLPEncoder.scopeName
            scope.scope.version = OTLPEncoder.scopeVersion
            scope.spans = try spans.map { try .init(serializedBytes: $0) }
            decoded.scopeSpans = [scope]
        } catch {
            throw OTLPDecodingError("resource or span: \(error)")
        }
        var json = JSONText()
        json.raw(isEmpty ? Self.opening : ",")
        json.resourceSpans(decoded)
        isEmpty = false
        return json.bytes
    }

    /// As `append`, without what does not decode.
    ///
    /// - Returns: The text, and how many spans are not in it.
    public mutating func appendReadable(resource: [UInt8], spans: [[UInt8]]) -> (json: [UInt8], unreadable: Int) {
        if let json = try? append(resource: resource, spans: spans) { return (json, 0) }
        let readable = spans.filter { (try? Opentelemetry_Proto_Trace_V1_Span(serializedBytes: $0)) != nil }
        guard !readable.isEmpty, let json = try? append(resource: resource, spans: readable) else {
            return ([], spans.count)
        }
        return (json, spans.count - readable.count)
    }

    /// The end of the document, in UTF-8.
    public func finish() -> [UInt8] { Array(((isEmpty ? Self.opening : "") + "]}").utf8) }

    private static let opening = #"{"resourceSpans":["#
}
