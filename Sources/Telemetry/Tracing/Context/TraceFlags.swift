/// The flags of a `traceparent` (W3C Trace Context level 2, section 3.2.2.5).
///
/// Only the two defined bits exist here, so that every other bit is sent as 0 as the specification demands.
public struct TraceFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue & 0b11
    }

    /// The caller may have recorded the trace.
    public static let sampled = TraceFlags(rawValue: 0b01)
    /// The right-most 7 bytes of the trace id are random.
    public static let random = TraceFlags(rawValue: 0b10)
}
