import ServiceTracing

/// How far the upstream's clock is from this machine's, for as long as nobody sets the latter.
struct ClockSkew: Sendable {
    /// The upstream's clock less this one, in nanoseconds; zero while they agree, or nothing is known.
    private(set) var offset: Int64 = 0
    /// This machine's wall clock less the time since its boot, when the offset was measured: it moves when the clock is
    /// set, and not while the machine sleeps.
    private var base: Int64?

    var isKnown: Bool { base != nil }

    /// What a person has to do.
    var notice: String? {
        guard offset != 0 else { return nil }
        let way = offset < 0 ? "ahead of" : "behind"
        return "This machine's clock is \(abs(offset) / 1_000_000_000) s \(way) the upstream's: set it right."
    }

    /// - Parameter date: The upstream's, in seconds since 1970.
    mutating func note(upstream date: Int, _ clock: any TraceClock, tolerating: Duration) {
        let difference = Int64(date) * 1_000_000_000 - Int64(clamping: clock.wall)
        offset = abs(difference) <= Int64(clamping: tolerating.nanoseconds) ? 0 : difference
        base = Self.base(clock)
    }

    /// What was measured against a clock that has been set since counts for nothing.
    mutating func forget(ifSetSince clock: any TraceClock, tolerating: Duration) {
        guard let base, abs(Self.base(clock) - base) > Int64(clamping: tolerating.nanoseconds) else { return }
        self = ClockSkew()
    }

    private static func base(_ clock: any TraceClock) -> Int64 {
        Int64(clamping: clock.wall) - Int64(clamping: clock.sinceBoot)
    }
}
