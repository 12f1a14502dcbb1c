/// Full jitter: the n-th failure in a row is followed by `rand(0, min(cap, base·2ⁿ))`, and not by less than the other
/// side asked for (TELEMETRY, promise 2). Says only how long; the caller has the clock.
public struct BackOff: Sendable {
    public let base: Duration
    public let cap: Duration
    /// Failures in a row.
    public private(set) var failures = 0
    private var generator: SeededGenerator

    /// - Parameter seed: The same seed gives the same waits.
    public init(base: Duration = .seconds(1), cap: Duration = .seconds(60), seed: UInt64) {
        precondition(base > .zero && cap >= base, "a back-off grows from its base to its cap")
        self.base = base
        self.cap = cap
        generator = SeededGenerator(seed: seed)
    }

    /// The longest that the next wait may be, the floor apart.
    public var ceiling: Duration {
        var ceiling = base
        for _ in 0..<min(failures, 40) where ceiling < cap { ceiling = ceiling * 2 }
        return min(ceiling, cap)
    }

    /// Counts a failure and says how long to wait after it.
    public mutating func next(floor: Duration? = nil) -> Duration {
        let nanoseconds = UInt64(ceiling / .nanoseconds(1))
        failures += 1
        let wait = Duration.nanoseconds(Int64(generator.next(upTo: nanoseconds)))
        return max(wait, floor ?? .zero)
    }

    /// It worked: the next failure is the first.
    public mutating func reset() { failures = 0 }
}

/// splitmix64 (Steele, Lea and Flood, 2014).
struct SeededGenerator: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// From 0 to the bound, which is among them.
    mutating func next(upTo bound: UInt64) -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        z ^= z >> 31
        return bound == .max ? z : z.multipliedFullWidth(by: bound + 1).high
    }
}
