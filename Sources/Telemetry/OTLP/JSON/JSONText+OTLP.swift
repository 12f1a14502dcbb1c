import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

private typealias Value = Opentelemetry_Proto_Common_V1_AnyValue
private typealias Pair = Opentelemetry_Proto_Common_V1_KeyValue
private typealias Span = Opentelemetry_Proto_Trace_V1_Span

// OTLP's messages as JSON. Empty lists, zero counts and empty strings are left out; a value that is set is not.
extension JSONText {
    mutating func resourceSpans(_ message: Opentelemetry_Proto_Trace_V1_ResourceSpans) {
        object { json in
            json.member("resource") { json in
                json.object { json in
                    json.attributes(message.resource.attributes)
                    json.count("droppedAttributesCount", message.resource.droppedAttributesCount)
                }
            }
            json.member("scopeSpans") { $0.list(message.scopeSpans) { $0.scopeSpans($1) } }
            json.text("schemaUrl", message.schemaURL)
        }
    }

    private mutating func scopeSpans(_ message: Opentelemetry_Proto_Trace_V1_ScopeSpans) {
        object { json in
            json.member("scope") { json in
                json.object { json in
                    json.text("name", message.scope.name)
                    json.text("version", message.scope.version)
                    json.attributes(message.scope.attributes)
                    json.count("droppedAttributesCount", message.scope.droppedAttributesCount)
                }
            }
            json.member("spans") { $0.list(message.spans) { $0.span($1) } }
            json.text("schemaUrl", message.schemaURL)
        }
    }

    private mutating func span(_ span: Span) {
        object { json in
            json.member("traceId") { $0.quotedHex(span.traceID) }
            json.member("spanId") { $0.quotedHex(span.spanID) }
            json.text("traceState", span.traceState)
            if !span.parentSpanID.isEmpty { json.member("parentSpanId") { $0.quotedHex(span.parentSpanID) } }
            json.count("flags", span.flags)
            json.member("name", string: span.name)
            json.member("kind", raw: span.kind.rawValue)
            json.member("startTimeUnixNano", string: "\(span.startTimeUnixNano)")
            json.member("endTimeUnixNano", string: "\(span.endTimeUnixNano)")
            json.attributes(span.attributes)
            json.count("droppedAttributesCount", span.droppedAttributesCount)
            if !span.events.isEmpty { json.member("events") { $0.list(span.events) { $0.event($1) } } }
            json.count("droppedEventsCount", span.droppedEventsCount)
            if !span.links.isEmpty { json.member("links") { $0.list(span.links) { $0.link($1) } } }
            json.count("droppedLinksCount", span.droppedLinksCount)
            if span.hasStatus { json.status(span.status) }
        }
    }

    private mutating func event(_ event: Span.Event) {
        object { json in
            json.member("timeUnixNano", string: "\(event.timeUnixNano)")
            json.member("name", string: event.name)
            json.attributes(event.attributes)
            json.count("droppedAttributesCount", event.droppedAttributesCount)
        }
    }

    private mutating func link(_ link: Span.Link) {
        object { json in
            json.member("traceId") { $0.quotedHex(link.traceID) }
            json.member("spanId") { $0.quotedHex(link.spanID) }
            json.text("traceState", link.traceState)
            json.attributes(link.attributes)
            json.count("droppedAttributesCount", link.droppedAttributesCount)
            json.count("flags", link.flags)
        }
    }

    private mutating func status(_ status: Opentelemetry_Proto_Trace_V1_Status) {
        member("status") { json in
            json.object { json in
                json.text("message", status.message)
                if status.code != .unset { json.member("code", raw: status.code.rawValue) }
            }
        }
    }

    private mutating func attributes(_ pairs: [Pair]) {
        if !pairs.isEmpty { member("attributes") { $0.pairs(pairs) } }
    }

    private mutating func pairs(_ pairs: [Pair]) {
        list(pairs) { json, pair in
            json.object { json in
                json.member("key", string: pair.key)
                json.member("value") { $0.value(pair.value) }
            }
        }
    }

    private mutating func value(_ value: Value) {
        object { json in
            switch value.value {
            case .stringValue(let value)?: json.member("stringValue", string: value)
            case .boolValue(let value)?: json.member("boolValue", raw: value)
            case .intValue(let value)?: json.member("intValue", string: "\(value)")
            case .doubleValue(let value)?: json.member("doubleValue") { $0.double(value) }
            case .bytesValue(let value)?: json.member("bytesValue", string: value.base64EncodedString())
            case .stringValueStrindex(let value)?: json.member("stringValueStrindex", raw: value)
            case .arrayValue(let array)?:
                json.member("arrayValue") {
                    $0.object { $0.member("values") { $0.list(array.values) { $0.value($1) } } }
                }
            case .kvlistValue(let list)?:
                json.member("kvlistValue") { $0.object { $0.member("values") { $0.pairs(list.values) } } }
            case nil: break
            }
        }
    }

    /// A value as anyone would write it in JSON, without OTLP's wrapping.
    mutating func plain(_ value: Opentelemetry_Proto_Common_V1_AnyValue) {
        switch value.value {
        case .stringValue(let value)?: quoted(value)
        case .boolValue(let value)?: raw(value)
        case .intValue(let value)?: raw(value)
        case .doubleValue(let value)?: double(value)
        case .bytesValue(let value)?: quoted(value.base64EncodedString())
        case .stringValueStrindex(let value)?: raw(value)
        case .arrayValue(let array)?: list(array.values) { $0.plain($1) }
        case .kvlistValue(let list)?:
            object { json in
                for pair in list.values { json.member(pair.key) { $0.plain(pair.value) } }
            }
        case nil: raw("null")
        }
    }

    private mutating func text(_ key: String, _ value: String) {
        if !value.isEmpty { member(key, string: value) }
    }

    private mutating func count(_ key: String, _ value: UInt32) {
        if value != 0 { member(key, raw: value) }
    }
}
