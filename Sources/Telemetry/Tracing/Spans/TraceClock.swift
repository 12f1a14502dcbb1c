#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The two times a span needs, when it was and how long it took, and one that tells whether the first was set.
public protocol TraceClock: Sendable {
    /// Nanoseconds since 1970, UTC; steps when someone sets the clock.
    var wall: UInt64 { get }
    /// Nanoseconds since some start; never steps.
    var monotonic: UInt64 { get }
    /// As `monotonic`, but goes on while the machine sleeps.
    var sinceBoot: UInt64 { get }
}

extension TraceClock {
    public var sinceBoot: UInt64 { monotonic }
}

/// The machine's clocks.
public struct SystemTraceClock: TraceClock {
    public init() {}

    public var wall: UInt64 { read(CLOCK_REALTIME) }
    public var monotonic: UInt64 { read(CLOCK_MONOTONIC) }
    #if canImport(Glibc)
        public var sinceBoot: UInt64 { read(CLOCK_BOOTTIME) }
    #endif

    private func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
