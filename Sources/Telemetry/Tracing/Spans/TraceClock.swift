#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The two times a span needs: when it was, and how long it took.
public protocol TraceClock: Sendable {
    /// Nanoseconds since 1970, UTC; steps when someone sets the clock.
    var wall: UInt64 { get }
    /// Nanoseconds since some start; never steps.
    var monotonic: UInt64 { get }
}

/// The machine's clocks.
public struct SystemTraceClock: TraceClock {
    public init() {}

    public var wall: UInt64 { read(CLOCK_REALTIME) }
    public var monotonic: UInt64 { read(CLOCK_MONOTONIC) }

    private func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
