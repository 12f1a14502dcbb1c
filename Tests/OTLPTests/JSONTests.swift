import Foundation
import ServiceTracing
import Testing
import Tracing

@testable import OTLP

@Suite struct JSONTests {
    private let resource = Resource(attributes: ["service.name": "ad"])

    @Test func `a span is written with hex ids, integer enums and 64-bit integers as strings`() throws {
        let traceID = try #require(TraceID("0af7651916cd43dd8448eb211c80319c"))
        let spanID = try #require(SpanID("b7ad6b7169203331"))
        let span = SpanData(
            name: "a \"b\"\n",
            kind: .client,
            context: SpanContext(traceID: traceID, spanID: spanID, flags: .sampled),
            parentSpanID: spanID,
            startTime: 1_760_000_000_000_000_001,
            endTime: 1_760_000_000_000_000_002,
            attributes: ["i": 42, "d": 0.5, "b": true, "l": .ints([1])],
            outcome: .error("no"),
            resource: resource
        )
        var json = OTLPJSON()
        var text = try json.append(resource: OTLPEncoder.resource(resource), spans: [OTLPEncoder.span(span)])
        text += json.finish()
        let expected = #"""
            {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"ad"}}]},\#
            "scopeSpans":[{"scope":{"name":"popshop","version":"1.0.0"},"spans":[{\#
            "traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",\#
            "parentSpanId":"b7ad6b7169203331","flags":257,"name":"a \"b\"\u000a","kind":3,\#
            "startTimeUnixNano":"1760000000000000001","endTimeUnixNano":"1760000000000000002","attributes":[\#
            {"key":"i","value":{"intValue":"42"}},{"key":"d","value":{"doubleValue":0.5}},\#
            {"key":"b","value":{"boolValue":true}},\#
            {"key":"l","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}],\#
            "status":{"message":"no","code":2}}]}]}]}
            """#
        #expect(String(decoding: text, as: UTF8.self) == expected)
    }

    @Test func `resources follow each other in one document that parses`() throws {
        var spans = RandomSpans(seed: 11)
        var json = OTLPJSON()
        var text: [UInt8] = []
        for _ in 0..<20 {
            let batch = (0..<5).map { _ in OTLPEncoder.span(spans.next(resource: resource)) }
            text += try json.append(resource: OTLPEncoder.resource(resource), spans: batch)
        }
        text += json.finish()
        let document = try JSONSerialization.jsonObject(with: Data(text)) as? [String: [[String: Any]]]
        #expect(document?["resourceSpans"]?.count == 20)
    }

    @Test func `nothing exported is an empty document`() {
        #expect(String(decoding: OTLPJSON().finish(), as: UTF8.self) == #"{"resourceSpans":[]}"#)
    }

    @Test func `a span that does not decode is refused and leaves the document whole`() throws {
        var json = OTLPJSON()
        #expect(throws: OTLPDecodingError.self) { try json.append(resource: [], spans: [[0xff]]) }
        #expect(String(decoding: json.finish(), as: UTF8.self) == #"{"resourceSpans":[]}"#)
    }

    @Test func `what decodes is written without what does not`() throws {
        var spans = RandomSpans(seed: 12)
        var json = OTLPJSON()
        let span = OTLPEncoder.span(spans.next(resource: resource))
        var (text, unreadable) = json.appendReadable(resource: [], spans: [[0xff], span, [0xff, 0xff]])
        #expect(unreadable == 2)
        #expect(json.appendReadable(resource: [0xff], spans: [span]) == ([], 1))
        #expect(json.appendReadable(resource: [], spans: [[0xff]]) == ([], 1))
        text += json.finish()
        let document = try JSONSerialization.jsonObject(with: Data(text)) as? [String: [[String: Any]]]
        #expect(document?["resourceSpans"]?.count == 1)
    }
}
