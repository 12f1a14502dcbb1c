import ServiceTracing
import Tracing

// The messages of OTLP 1.10 that are written, field by field in the order of their numbers: the same bytes as
// swift-protobuf makes, which a test holds them to.

extension SpanData: WireMessage {
    func write(to sink: inout some WireSink) {
        sink.id(1, high: context.traceID.high, context.traceID.low)
        sink.id(2, context.spanID.value)
        if let state = context.traceState.header() { sink.string(3, state) }
        if let parentSpanID { sink.id(4, parentSpanID.value) }
        sink.string(5, name)
        sink.number(6, kind.number)
        sink.fixed64(7, startTime)
        sink.fixed64(8, endTime)
        for attribute in attributes.all { sink.message(9, attribute) }
        sink.number(10, UInt64(attributes.dropped))
        for event in events { sink.message(11, event) }
        sink.number(12, UInt64(droppedEvents))
        for link in links { sink.message(13, link) }
        sink.number(14, UInt64(droppedLinks))
        if outcome != .unset { sink.message(15, outcome) }
        sink.fixed32(16, flags(context.flags, remote: parentIsRemote))
    }
}

extension Event: WireMessage {
    func write(to sink: inout some WireSink) {
        sink.fixed64(1, time)
        sink.string(2, name)
        for attribute in attributes.all { sink.message(3, attribute) }
        sink.number(4, UInt64(attributes.dropped))
    }
}

extension Link: WireMessage {
    func write(to sink: inout some WireSink) {
        sink.id(1, high: context.traceID.high, context.traceID.low)
        sink.id(2, context.spanID.value)
        if let state = context.traceState.header() { sink.string(3, state) }
        for attribute in attributes.all { sink.message(4, attribute) }
        sink.number(5, UInt64(attributes.dropped))
        sink.fixed32(6, flags(context.flags, remote: context.isRemote))
    }
}

extension SpanOutcome: WireMessage {
    func write(to sink: inout some WireSink) {
        switch self {
        case .unset: break
        case .ok: sink.number(3, 1)
        case .error(let sentence):
            sink.string(2, sentence)
            sink.number(3, 2)
        }
    }
}

extension Resource: WireMessage {
    func write(to sink: inout some WireSink) {
        for attribute in attributes.all { sink.message(1, attribute) }
        sink.number(2, UInt64(attributes.dropped))
    }
}

extension Attribute: WireMessage {
    func write(to sink: inout some WireSink) {
        sink.string(1, key)
        sink.message(2, value)
    }
}

// A `oneof`: what is set is written, zero or not.
extension AttributeValue: WireMessage {
    func write(to sink: inout some WireSink) {
        switch self {
        case .string(let value): sink.present(1, value)
        case .bool(let value):
            sink.tag(2, 0)
            sink.varint(value ? 1 : 0)
        case .int(let value):
            sink.tag(3, 0)
            sink.varint(UInt64(bitPattern: value))
        case .double(let value):
            sink.tag(4, 1)
            sink.fixed64(value.bitPattern)
        case .strings(let values): sink.message(5, ArrayMessage(values: values, make: AttributeValue.string))
        case .ints(let values): sink.message(5, ArrayMessage(values: values) { .int($0) })
        case .doubles(let values): sink.message(5, ArrayMessage(values: values, make: AttributeValue.double))
        case .bools(let values): sink.message(5, ArrayMessage(values: values, make: AttributeValue.bool))
        }
    }
}

private struct ArrayMessage<Element>: WireMessage {
    let values: [Element]
    let make: (Element) -> AttributeValue

    func write(to sink: inout some WireSink) {
        for value in values { sink.message(1, make(value)) }
    }
}

extension SpanKind {
    /// OTLP's `SpanKind`.
    var number: UInt64 {
        switch self {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }
}

/// trace.proto, `SpanFlags`: the trace flags, that it is known whether the context is remote, and whether it is.
private func flags(_ flags: TraceFlags, remote: Bool) -> UInt32 {
    UInt32(flags.rawValue) | SpanFlags.hasIsRemote | (remote ? SpanFlags.isRemote : 0)
}

/// trace.proto, `SpanFlags`: bits 8 and 9.
enum SpanFlags {
    static let hasIsRemote: UInt32 = 0x100
    static let isRemote: UInt32 = 0x200
}
