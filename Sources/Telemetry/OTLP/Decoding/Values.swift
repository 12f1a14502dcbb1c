import ServiceTracing
import Tracing

extension Attributes {
    init(_ pairs: [Opentelemetry_Proto_Common_V1_KeyValue]) {
        self.init()
        for pair in pairs { self[pair.key] = AttributeValue(pair.value) }
    }
}

extension AttributeValue {
    /// Lists of one kind and scalars as they are; what there is no case for becomes text of JSON's look.
    init(_ value: Opentelemetry_Proto_Common_V1_AnyValue) {
        switch value.value {
        case .stringValue(let value)?: self = .string(value)
        case .boolValue(let value)?: self = .bool(value)
        case .intValue(let value)?: self = .int(value)
        case .doubleValue(let value)?: self = .double(value)
        case .arrayValue(let list)?: self = AttributeValue(list.values) ?? .string(value.text)
        default: self = .string(value.text)
        }
    }

    /// Nil for a list of several kinds, or of lists. An empty list is one of strings: the wire does not tell.
    private init?(_ list: [Opentelemetry_Proto_Common_V1_AnyValue]) {
        func all<Value>(_ read: (Opentelemetry_Proto_Common_V1_AnyValue.OneOf_Value) -> Value?) -> [Value]? {
            let values = list.compactMap { $0.value.flatMap(read) }
            return values.count == list.count ? values : nil
        }
        if let values = all({ if case .stringValue(let value) = $0 { value } else { nil } }) {
            self = .strings(values)
        } else if let values = all({ if case .intValue(let value) = $0 { value } else { nil } }) {
            self = .ints(values)
        } else if let values = all({ if case .doubleValue(let value) = $0 { value } else { nil } }) {
            self = .doubles(values)
        } else if let values = all({ if case .boolValue(let value) = $0 { value } else { nil } }) {
            self = .bools(values)
        } else {
            return nil
        }
    }
}

extension Opentelemetry_Proto_Common_V1_AnyValue {
    /// The value as plain JSON: for people.
    var text: String {
        var json = JSONText()
        json.plain(self)
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

extension Event {
    init(_ event: Opentelemetry_Proto_Trace_V1_Span.Event) {
        self.init(name: event.name, time: event.timeUnixNano, attributes: Attributes(event.attributes))
    }
}

extension Link {
    init?(_ link: Opentelemetry_Proto_Trace_V1_Span.Link) {
        guard let traceID = TraceID(bytes: link.traceID), let spanID = SpanID(bytes: link.spanID) else { return nil }
        let context = SpanContext(
            traceID: traceID,
            spanID: spanID,
            flags: TraceFlags(rawValue: UInt8(truncatingIfNeeded: link.flags)),
            traceState: TraceState(headers: [link.traceState]),
            isRemote: link.flags & SpanFlags.isRemote != 0
        )
        self.init(context: context, attributes: Attributes(link.attributes))
    }
}

extension SpanKind {
    init(_ kind: Opentelemetry_Proto_Trace_V1_Span.SpanKind) {
        switch kind {
        case .server: self = .server
        case .client: self = .client
        case .producer: self = .producer
        case .consumer: self = .consumer
        case .unspecified, .internal, .UNRECOGNIZED: self = .internal
        }
    }
}

extension SpanOutcome {
    init(_ status: Opentelemetry_Proto_Trace_V1_Status) {
        switch status.code {
        case .ok: self = .ok
        case .error: self = .error(status.message)
        case .unset, .UNRECOGNIZED: self = .unset
        }
    }
}
