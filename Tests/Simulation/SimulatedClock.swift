import ServiceTracing
import Synchronization

/// What time it is in a world, in nanoseconds: the true one, which no machine of it knows.
final class WorldTime: Sendable {
    private let nanoseconds = Mutex<UInt64>(1_760_000_000_000_000_000)

    var now: UInt64 { nanoseconds.withLock { $0 } }

    func advance(seconds: Double) { nanoseconds.withLock { $0 += UInt64(seconds * 1e9) } }
}

/// One machine's clocks: its wall clock is wrong by as much as somebody has set it, and its monotonic one stands while
/// the machine sleeps. They belong to the machine: a process that starts again finds them as they are.
final class EdgeClock: TraceClock {
    private let time: WorldTime
    private let state = Mutex((offset: Int64(0), slept: UInt64(0)))
    private static let boot: UInt64 = 1_759_999_000_000_000_000

    init(_ time: WorldTime) { self.time = time }

    var wall: UInt64 { time.now &+ UInt64(bitPattern: state.withLock { $0.offset }) }
    var monotonic: UInt64 { time.now - Self.boot - state.withLock { $0.slept } }
    var sinceBoot: UInt64 { time.now - Self.boot }

    /// The wall clock less the true time, in seconds.
    var error: Int { Int(state.withLock { $0.offset } / 1_000_000_000) }

    /// Somebody sets the clock: so wrong, or right with zero.
    func set(error seconds: Int) { state.withLock { $0.offset = Int64(seconds) * 1_000_000_000 } }

    /// The lid is closed, and opened again.
    func sleep(seconds: Int) {
        state.withLock { $0.slept += UInt64(seconds) * 1_000_000_000 }
        time.advance(seconds: Double(seconds))
    }
}
