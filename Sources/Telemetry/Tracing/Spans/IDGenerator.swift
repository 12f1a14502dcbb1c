import Synchronization

/// Makes trace and span ids: xoshiro256**, seeded from the system's generator.
///
/// The system's generator is a system call for every eight bytes; a trace needs three draws and a span one.
public final class IDGenerator: Sendable {
    private let state: Mutex<Xoshiro256>

    /// Seeded from the system's generator.
    public convenience init() {
        var system = SystemRandomNumberGenerator()
        self.init(seed: system.next())
    }

    /// The same seed gives the same ids: for tests.
    public init(seed: UInt64) {
        state = Mutex(Xoshiro256(seed: seed))
    }

    /// A trace id of 16 random bytes.
    public func traceID() -> TraceID {
        state.withLock { generator in
            while true {
                if let id = TraceID(high: generator.next(), low: generator.next()) { return id }
            }
        }
    }

    /// A span id of 8 random bytes.
    public func spanID() -> SpanID {
        state.withLock { generator in
            while true {
                if let id = SpanID(generator.next()) { return id }
            }
        }
    }
}

/// xoshiro256** 1.0 (Blackman and Vigna, 2018), its state filled by splitmix64 as its authors advise.
struct Xoshiro256: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init(seed: UInt64) {
        var seed = seed
        func splitmix() -> UInt64 {
            seed &+= 0x9e37_79b9_7f4a_7c15
            var z = seed
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
        state = (splitmix(), splitmix(), splitmix(), splitmix())
    }

    mutating func next() -> UInt64 {
        let result = rotate(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotate(state.3, 45)
        return result
    }

    private func rotate(_ value: UInt64, _ by: UInt64) -> UInt64 { value << by | value >> (64 - by) }
}
