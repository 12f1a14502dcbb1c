/// Whether a span is recorded (OpenTelemetry trace SDK, *Built-in samplers*), by its names in
/// `OTEL_TRACES_SAMPLER`.
public enum Sampler: Hashable, Sendable {
    case alwaysOn
    case alwaysOff
    /// The share of traces, 0…1, chosen by the trace id's last seven bytes so that every service chooses alike.
    case traceIDRatio(Double)
    /// What the parent decided; a root asks the inner one.
    indirect case parentBased(root: Sampler)

    /// The specification's default.
    public static let standard = Sampler.parentBased(root: .alwaysOn)

    /// Reads `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`; nil for an unknown name. An argument that is not a
    /// ratio counts as 1, as the specification says.
    public init?(name: String, argument: String?) {
        let ratio = argument.flatMap(Double.init).flatMap { (0...1).contains($0) ? $0 : nil } ?? 1
        switch name {
        case "always_on": self = .alwaysOn
        case "always_off": self = .alwaysOff
        case "traceidratio": self = .traceIDRatio(ratio)
        case "parentbased_always_on": self = .parentBased(root: .alwaysOn)
        case "parentbased_always_off": self = .parentBased(root: .alwaysOff)
        case "parentbased_traceidratio": self = .parentBased(root: .traceIDRatio(ratio))
        default: return nil
        }
    }

    /// The share of 2⁵⁶, in whole numbers: a `Double` has 53 bits and would round the last ids up, out of a ratio of 1.
    private static func threshold(_ ratio: Double) -> UInt64 {
        if ratio >= 1 { return 1 << 56 }
        return ratio > 0 ? UInt64(ratio * 0x1p56) : 0
    }

    func samples(_ traceID: TraceID, parent: SpanContext?) -> Bool {
        switch self {
        case .alwaysOn: true
        case .alwaysOff: false
        case .traceIDRatio(let ratio): traceID.low & 0x00ff_ffff_ffff_ffff < Self.threshold(ratio)
        case .parentBased(let root): parent?.isSampled ?? root.samples(traceID, parent: nil)
        }
    }
}
