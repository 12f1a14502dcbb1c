import Foundation
import ServiceTracing
import SwiftProtobuf
import Testing

@testable import OTLP

private typealias AnyValue = Opentelemetry_Proto_Common_V1_AnyValue

@Suite struct DecodingTests {
    private let resource = Resource(attributes: ["service.name": "cart"])

    @Test func `bytes that are no span throw and never trap, cut or garbled`() {
        var spans = RandomSpans(seed: 7)
        var generator = SplitMix(state: 9)
        var thrown = 0
        for _ in 0..<200 {
            let bytes = OTLPEncoder.span(spans.next(resource: resource))
            var garbled = bytes
            for _ in 0..<3 { garbled[Int(generator.next() % UInt64(bytes.count))] = UInt8(generator.next() & 0xff) }
            let cut = Array(bytes.prefix(Int(generator.next() % UInt64(bytes.count))))
            for broken in [garbled, cut] {
                if (try? DecodedSpan(otlp: broken)) == nil { thrown += 1 }
                _ = try? DecodedResource(otlp: broken)
            }
        }
        #expect(thrown > 0)
    }

    @Test(arguments: [[], [0xff], [0x0a, 0x10, 0x01], [0x0a, 0x01, 0x01, 0x12, 0x01, 0x01]] as [[UInt8]])
    func `a span without valid ids throws and says so`(bytes: [UInt8]) {
        #expect(throws: OTLPDecodingError.self) { try DecodedSpan(otlp: bytes) }
    }

    @Test func `values without a case of ours become readable text`() {
        #expect(
            AttributeValue(value { $0.kvlistValue.values = [pair("a", int: 1), pair("b\"", int: 2)] })
                == #"{"a":1,"b\"":2}"#
        )
        #expect(AttributeValue(value { $0.bytesValue = .init([1, 2, 3]) }) == #""AQID""#)
        let nested = value { $0.arrayValue.values = [value { $0.arrayValue.values = [value { $0.intValue = 1 }] }] }
        #expect(AttributeValue(nested) == "[[1]]")
        let mixed = value {
            $0.arrayValue.values = [value { $0.stringValue = "x" }, value { $0.doubleValue = .infinity }]
        }
        #expect(AttributeValue(mixed) == #"["x","Infinity"]"#)
        #expect(AttributeValue(AnyValue()) == "null")
    }

    @Test func `a resource without a name is an unknown service`() throws {
        #expect(try DecodedResource(otlp: []).serviceName == "unknown_service")
    }

    private func value(_ body: (inout AnyValue) -> Void) -> AnyValue { AnyValue.with(body) }

    private func pair(_ key: String, int: Int64) -> Opentelemetry_Proto_Common_V1_KeyValue {
        .with {
            $0.key = key
            $0.value = value { $0.intValue = int }
        }
    }

    /// Of SwiftProtobuf 1.39: room was made for one byte, and five were written.
    @Test(arguments: ["4294967296", "-4294967296", "24294967295", "9223372036854775807", "2147483648"])
    func `an enumeration's number that is none of 32 bits is refused`(number: String) {
        for fields in ["\"kind\":\(number)", "\"status\":{\"code\":\(number)}"] {
            let span = #"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",\#(fields)}"#
            let request = #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(span)]}]}]}"#
            #expect(throws: OTLPDecodingError.self) { try ExportRequest(json: Array(request.utf8)) }
        }
    }
}
