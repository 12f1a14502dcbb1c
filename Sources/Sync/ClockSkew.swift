import ServiceTracing

/// How far the upstream's clock is from this machine's, for as long as nobody sets the latter.
struct ClockSkew: Sendable {
    /// The upstream's clock less this one, in nanoseconds; zero while nothing is known. Small ones count as well: what is
    /// left of a backend's window after the lane's margin is no room for a difference that is tolerated.
    private(set) var offset: Int64 = 0
    /// Whether the clocks differ by more than is tolerated.
    private var differs = false
    /// This machine's wall clock less the time since its boot, when the offset was measured: it moves when the clock is
    /// set, and not while the machine sleeps.
    private var base: Int64?
    private var isSure = false

    /// Whether anything may expire by it. Two clocks that agree vouch for each other; of two that do not, the backend's
    /// own counts, and what answers before a backend has taken a span may be a login page with a wrong clock.
    var isKnown: Bool { base != nil && isSure }

    /// What a person has to do.
    var notice: String? {
        guard differs else { return nil }
        let way = offset < 0 ? "ahead of" : "behind"
        return "This machine's clock is \(abs(offset) / 1_000_000_000) s \(way) the upstream's: set it right."
    }

    /// - Parameters:
    ///   - date: The upstream's, in seconds since 1970.
    ///   - isBackend: Whether it comes with an answer that only the backend gives.
    mutating func note(upstream date: Int, isBackend: Bool, _ clock: any TraceClock, tolerating: Duration) {
        offset = Int64(date) * 1_000_000_000 - Int64(clamping: clock.wall)
        differs = abs(offset) > Int64(clamping: tolerating.nanoseconds)
        isSure = isBackend || !differs
        base = Self.base(clock)
    }

    /// The upstream has no clock: but for what a backend has told, there is only this machine's.
    mutating func trustOwn(_ clock: any TraceClock) {
        guard !isSure else { return }
        (offset, differs, isSure, base) = (0, false, true, Self.base(clock))
    }

    /// What was measured against a clock that has been set since counts for nothing.
    ///
    /// - Returns: Whether it was.
    mutating func forget(ifSetSince clock: any TraceClock, tolerating: Duration) -> Bool {
        guard let base, abs(Self.base(clock) - base) > Int64(clamping: tolerating.nanoseconds) else { return false }
        self = ClockSkew()
        return true
    }

    private static func base(_ clock: any TraceClock) -> Int64 {
        Int64(clamping: clock.wall) - Int64(clamping: clock.sinceBoot)
    }
}
