import FoundationEssentials
import SwiftProtobuf

/// An `ExportTraceServiceRequest` as somebody sends it: the spans of each resource, as the contents of their messages.
public struct ExportRequest: Hashable, Sendable {
    /// A resource and its spans, of whatever scopes.
    public struct Group: Hashable, Sendable {
        /// The content of one `Resource` message.
        public let resource: [UInt8]
        /// The contents of `Span` messages.
        public let spans: [[UInt8]]
    }

    public let groups: [Group]
    /// Spans in all.
    public var count: Int { groups.reduce(0) { $0 + $1.spans.count } }

    /// From protobuf's binary form.
    ///
    /// - Throws: `OTLPDecodingError` when the bytes are not that message.
    public init(protobuf bytes: [UInt8]) throws(OTLPDecodingError) {
        do {
            try self.init(.init(serializedBytes: bytes))
        } catch {
            throw OTLPDecodingError("request: \(error)")
        }
    }

    /// From OTLP/JSON (OTLP specification, *JSON Protobuf Encoding*), which is protobuf's own JSON but for ids, which are
    /// hex and not base64, and for fields that are not known, which are passed over.
    ///
    /// - Throws: `OTLPDecodingError` when the bytes are not that message.
    public init(json bytes: [UInt8]) throws(OTLPDecodingError) {
        do {
            var options = JSONDecodingOptions()
            options.ignoreUnknownFields = true
            var request = try Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest(
                jsonUTF8Bytes: bytes,
                options: options
            )
            try Self.readIDs(&request)
            try self.init(request)
        } catch let error as OTLPDecodingError {
            throw error
        } catch {
            throw OTLPDecodingError("request: \(error)")
        }
    }

    private init(_ request: Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest) throws {
        groups = try request.resourceSpans.map { resourceSpans in
            Group(
                resource: try resourceSpans.resource.serializedBytes(),
                spans: try resourceSpans.scopeSpans.flatMap(\.spans).map { try $0.serializedBytes() }
            )
        }
    }

    /// Protobuf has read the ids' hex digits as base64; every text of a multiple of four such digits is one, and encodes
    /// to the same text again.
    private static func readIDs(
        _ request: inout Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest
    ) throws(OTLPDecodingError) {
        for resource in request.resourceSpans.indices {
            for scope in request.resourceSpans[resource].scopeSpans.indices {
                for span in request.resourceSpans[resource].scopeSpans[scope].spans.indices {
                    try readIDs(&request.resourceSpans[resource].scopeSpans[scope].spans[span])
                }
            }
        }
    }

    private static func readIDs(_ span: inout Opentelemetry_Proto_Trace_V1_Span) throws(OTLPDecodingError) {
        // SwiftProtobuf takes any number of JSON's for an enumeration's, counts the bytes of its lower half when it makes
        // room, and writes the whole: beyond that room's end.
        guard Int32(exactly: span.kind.rawValue) != nil, Int32(exactly: span.status.code.rawValue) != nil else {
            throw OTLPDecodingError("request: a kind or a status is out of range")
        }
        span.traceID = try bytes(span.traceID)
        span.spanID = try bytes(span.spanID)
        span.parentSpanID = try bytes(span.parentSpanID)
        for link in span.links.indices {
            span.links[link].traceID = try bytes(span.links[link].traceID)
            span.links[link].spanID = try bytes(span.links[link].spanID)
        }
    }

    private static func bytes(_ misread: Data) throws(OTLPDecodingError) -> Data {
        let digits = Array(misread.base64EncodedString().utf8)
        var bytes = Data()
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index..<min(index + 2, digits.count)], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16), pair.count == 2 else {
                throw OTLPDecodingError("request: an id is not in hex")
            }
            bytes.append(byte)
        }
        return bytes
    }
}

extension ExportResponse {
    /// A response in protobuf's binary form: no bytes where nothing was refused.
    public static func protobuf(rejected: Int, _ message: String) -> [UInt8] {
        (try? response(rejected, message).serializedBytes()) ?? []
    }

    /// A response in JSON.
    public static func json(rejected: Int, _ message: String) -> [UInt8] {
        (try? response(rejected, message).jsonUTF8Bytes()) ?? Array("{}".utf8)
    }

    private static func response(
        _ rejected: Int,
        _ message: String
    ) -> Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse {
        var response = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse()
        if rejected > 0 || !message.isEmpty {
            response.partialSuccess.rejectedSpans = Int64(rejected)
            response.partialSuccess.errorMessage = message
        }
        return response
    }
}
