import SwiftProtobuf

/// Moves stored spans in time, so that what a backend would refuse as too old can still be shown.
public enum OTLPRetiming {
    /// The span, its events included, moved by so many nanoseconds; its own times are kept in the attributes
    /// `popshop.original_start_time_unix_nano` and `popshop.original_end_time_unix_nano`. Bytes that are no span come
    /// back as they are.
    ///
    /// - Parameter payload: The content of one `Span` message.
    public static func moved(_ payload: [UInt8], by shift: Int64) -> [UInt8] {
        guard var span = try? Opentelemetry_Proto_Trace_V1_Span(serializedBytes: payload) else { return payload }
        span.attributes += [
            .init("popshop.original_start_time_unix_nano", span.startTimeUnixNano),
            .init("popshop.original_end_time_unix_nano", span.endTimeUnixNano),
        ]
        span.startTimeUnixNano = span.startTimeUnixNano.moved(by: shift)
        span.endTimeUnixNano = span.endTimeUnixNano.moved(by: shift)
        for index in span.events.indices {
            span.events[index].timeUnixNano = span.events[index].timeUnixNano.moved(by: shift)
        }
        return (try? span.serializedBytes()) ?? payload
    }
}

extension UInt64 {
    fileprivate func moved(by shift: Int64) -> UInt64 { self &+ UInt64(bitPattern: shift) }
}

extension Opentelemetry_Proto_Common_V1_KeyValue {
    fileprivate init(_ key: String, _ time: UInt64) {
        self.init()
        self.key = key
        value.intValue = Int64(clamping: time)
    }
}
