import ServiceTracing
import SwiftProtobuf
import Testing
import Tracing

@testable import OTLP

private typealias Request = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest
private typealias Span = Opentelemetry_Proto_Trace_V1_Span

private let resource = Resource(attributes: ["service.name": "checkout", "host.name": "booth"])

@Suite struct EncodingTests {
    private let traceID = TraceID("0af7651916cd43dd8448eb211c80319c")
    private let spanID = SpanID("b7ad6b7169203331")

    private func span(_ name: String = "GET /", attributes: Attributes = [:]) throws -> SpanData {
        let context = SpanContext(traceID: try #require(traceID), spanID: try #require(spanID))
        return SpanData(
            name: name,
            context: context,
            startTime: 1,
            endTime: 2,
            attributes: attributes,
            resource: resource
        )
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `what is encoded is decoded to the same, for 500 random spans`(seed: UInt64) throws {
        var spans = RandomSpans(seed: seed)
        for _ in 0..<500 {
            let span = spans.next(resource: resource)
            let decoded = try DecodedSpan(otlp: OTLPEncoder.span(span))
            #expect(decoded.traceID == span.context.traceID)
            #expect(decoded.spanID == span.context.spanID)
            #expect(decoded.flags == span.context.flags)
            #expect(decoded.traceState == span.context.traceState)
            #expect(decoded.parentSpanID == span.parentSpanID)
            #expect(decoded.parentIsRemote == span.parentIsRemote)
            #expect(decoded.name == span.name)
            #expect(decoded.kind == span.kind)
            #expect(decoded.startTime == span.startTime)
            #expect(decoded.endTime == span.endTime)
            #expect(decoded.attributes.all == span.attributes.all)
            #expect(decoded.droppedAttributes == span.attributes.dropped)
            #expect(decoded.events == span.events)
            #expect(decoded.droppedEvents == span.droppedEvents)
            #expect(decoded.links == span.links)
            #expect(decoded.droppedLinks == span.droppedLinks)
            #expect(decoded.outcome == span.outcome)
        }
    }

    @Test func `the bytes are those of swift-protobuf, so nothing unknown and nothing out of order is written`() throws
    {
        var spans = RandomSpans(seed: 5)
        for _ in 0..<500 {
            let bytes = OTLPEncoder.span(spans.next(resource: resource))
            let generated = try Span(serializedBytes: bytes)
            #expect(generated.unknownFields.data.isEmpty)
            let again: [UInt8] = try generated.serializedBytes()
            #expect(again == bytes)
        }
    }

    @Test func `flags say whether the parent is remote, by bits 8 and 9`() throws {
        for remote in [false, true] {
            let context = SpanContext(traceID: try #require(traceID), spanID: try #require(spanID), flags: .sampled)
            let span = SpanData(
                name: "n",
                context: context,
                parentIsRemote: remote,
                startTime: 1,
                endTime: 2,
                resource: resource
            )
            #expect(try Span(serializedBytes: OTLPEncoder.span(span)).flags == (remote ? 0x301 : 0x101))
        }
    }

    @Test func `an unset status is left out`() throws {
        #expect(try Span(serializedBytes: OTLPEncoder.span(try span())).hasStatus == false)
    }

    @Test func `empty and huge strings arrive whole`() throws {
        let huge = String(repeating: "漢", count: 1 << 20)
        // As long as an attribute's text may be, in bytes.
        let long = String(repeating: "é", count: 2048)
        let span = try span(huge, attributes: ["empty": "", "list": .strings([long, ""])])
        let decoded = try DecodedSpan(otlp: OTLPEncoder.span(span))
        #expect(decoded.name == huge)
        #expect(decoded.attributes == ["empty": "", "list": .strings([long, ""])])
        #expect(try DecodedSpan(otlp: OTLPEncoder.span(try self.span(""))).name == "")
    }

    @Test func `a resource arrives whole`() throws {
        let decoded = try DecodedResource(otlp: OTLPEncoder.resource(resource))
        #expect(decoded.attributes == resource.attributes)
        #expect(decoded.serviceName == "checkout")
    }

    @Test func `a request frames the spans under resource and scope, wherever they lie`() throws {
        let encoded = try ["a", "b"].map { OTLPEncoder.span(try span($0)) }
        let bytes = OTLPEncoder.request(resource: OTLPEncoder.resource(resource), spans: encoded)
        let places = [0..<encoded[0].count, encoded[0].count..<encoded[0].count + encoded[1].count]
        let joined = encoded[0] + encoded[1]
        #expect(bytes == OTLPEncoder.request(resource: OTLPEncoder.resource(resource), spans: places, of: joined))
        let request = try Request(serializedBytes: bytes)
        let resourceSpans = try #require(request.resourceSpans.first)
        let scopeSpans = try #require(resourceSpans.scopeSpans.first)
        #expect(request.resourceSpans.count == 1 && resourceSpans.scopeSpans.count == 1)
        #expect(DecodedResource(resourceSpans.resource).serviceName == "checkout")
        #expect(scopeSpans.scope.name == "popshop")
        #expect(scopeSpans.scope.version == OTLPEncoder.scopeVersion)
        #expect(scopeSpans.spans.map(\.name) == ["a", "b"])
    }

    @Test func `two requests one after the other decode as one message`() throws {
        let resourceBytes = OTLPEncoder.resource(resource)
        let one = OTLPEncoder.request(resource: resourceBytes, spans: [OTLPEncoder.span(try span("a"))])
        let two = OTLPEncoder.request(resource: resourceBytes, spans: [OTLPEncoder.span(try span("b"))])
        let request = try Request(serializedBytes: one + two)
        #expect(request.resourceSpans.flatMap(\.scopeSpans).flatMap(\.spans).map(\.name) == ["a", "b"])
    }

    @Test func `varints take the bytes that are counted for them`() {
        for value in [0, 1, 127, 128, 16_383, 16_384, UInt64(UInt32.max), UInt64(Int64.max), .max] as [UInt64] {
            let written = writeWire(varintSize(value)) { $0.varint(value) }
            #expect(written.count == varintSize(value))
        }
    }
}
