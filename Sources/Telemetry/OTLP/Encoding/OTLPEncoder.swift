public import ServiceTracing

/// Writes OTLP's protobuf form (opentelemetry-proto 1.10) by hand: a span is encoded once, when it ends, and an upload
/// is those bytes in a frame.
public enum OTLPEncoder {
    /// The name of the instrumentation scope on every span of ours.
    public static let scopeName = "popshop"
    /// The version of the instrumentation scope.
    public static let scopeVersion = "1.0.0"

    /// The content of one `Span` message, without tag or length. An unset status is left out.
    public static func span(_ span: SpanData) -> [UInt8] { span.wireBytes }

    /// The content of one `Resource` message, without tag or length.
    public static func resource(_ resource: Resource) -> [UInt8] { resource.wireBytes }

    /// One `ExportTraceServiceRequest` with one `ResourceSpans` and one `ScopeSpans` in it. Nothing is encoded anew.
    ///
    /// Two of these, one after the other, are one valid message (protobuf encoding guide, *Last One Wins*): an upload
    /// for several resources is their requests put together.
    ///
    /// - Parameters:
    ///   - resource: What `resource(_:)` made.
    ///   - spans: What `span(_:)` made.
    public static func request(resource: [UInt8], spans: some Sequence<[UInt8]>) -> [UInt8] {
        var (bytes, places): ([UInt8], [Range<Int>]) = ([], [])
        for span in spans {
            places.append(bytes.count..<bytes.count + span.count)
            bytes += span
        }
        return request(resource: resource, spans: places, of: bytes)
    }

    /// The same, of spans that lie in one piece of memory already. No generic code, on purpose: across modules that is not
    /// specialized, and was a fifth of what sending a span costs.
    ///
    /// - Parameters:
    ///   - resource: What `resource(_:)` made.
    ///   - spans: Where in `bytes` each is.
    ///   - bytes: What `span(_:)` made.
    public static func request(resource: [UInt8], spans: [Range<Int>], of bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { request(resource, spans, $0) }
    }

    private static func request(
        _ resource: [UInt8],
        _ spans: [Range<Int>],
        _ bytes: UnsafeRawBufferPointer
    ) -> [UInt8] {
        var scope = WireCounter()
        writeScope(spans, bytes, to: &scope)
        var all = WireCounter()
        writeResource(resource, scopeSize: scope.count, to: &all)
        let resourceSpans = all.count + scope.count
        let size = 1 + varintSize(UInt64(resourceSpans)) + resourceSpans
        return writeWire(size) { writer in
            writer.tag(1, 2)
            writer.varint(UInt64(resourceSpans))
            writeResource(resource, scopeSize: scope.count, to: &writer)
            writeScope(spans, bytes, to: &writer)
        }
    }

    /// The `ResourceSpans` up to where the content of its one `ScopeSpans` begins.
    private static func writeResource(_ resource: [UInt8], scopeSize: Int, to sink: inout some WireSink) {
        sink.bytes(1, resource)
        sink.tag(2, 2)
        sink.varint(UInt64(scopeSize))
    }

    private static func writeScope(
        _ spans: [Range<Int>],
        _ bytes: UnsafeRawBufferPointer,
        to sink: inout some WireSink
    ) {
        sink.message(1, Scope())
        for span in spans { sink.bytes(2, bytes[span]) }
    }

    private struct Scope: WireMessage {
        func write(to sink: inout some WireSink) {
            sink.string(1, scopeName)
            sink.string(2, scopeVersion)
        }
    }
}
