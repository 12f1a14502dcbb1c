import SwiftProtobuf

/// A backend's `ExportTraceServiceResponse`.
public struct ExportResponse: Hashable, Sendable {
    /// Spans refused for good, which must not be sent again.
    public let rejectedSpans: Int
    /// Why, or a warning when none was refused; empty for none.
    public let message: String

    /// From protobuf's binary form; no bytes are a response without a word.
    ///
    /// - Throws: `OTLPDecodingError` when the bytes are not that message.
    public init(protobuf bytes: [UInt8]) throws(OTLPDecodingError) {
        do {
            self.init(try Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse(serializedBytes: bytes))
        } catch {
            throw OTLPDecodingError("response: \(error)")
        }
    }

    /// From JSON. A field that OTLP does not know makes it something else: a portal's answer is JSON, too.
    ///
    /// - Throws: `OTLPDecodingError` when the bytes are not that message.
    public init(json bytes: [UInt8]) throws(OTLPDecodingError) {
        do {
            self.init(try Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse(jsonUTF8Bytes: bytes))
        } catch {
            throw OTLPDecodingError("response: \(error)")
        }
    }

    private init(_ response: Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse) {
        rejectedSpans = Int(max(0, response.partialSuccess.rejectedSpans))
        message = response.partialSuccess.errorMessage
    }
}
