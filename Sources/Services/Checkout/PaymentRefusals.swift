import Faults
import Synchronization

/// Which payments are refused: of every hundred exactly as many as the fault's strength says, spread evenly, and the same
/// ones each time it is switched on with the same seed. Nothing is left to chance.
final class PaymentRefusals: Sendable {
    private struct State {
        var setting: FaultSetting?
        var next: UInt64 = 0
    }

    private let seed: UInt64
    private let state = Mutex(State())

    init(seed: UInt64) { self.seed = seed }

    /// Whether the next payment is refused.
    func refusesNext(_ setting: FaultSetting) -> Bool {
        let number = state.withLock { state in
            if state.setting != setting { state = State(setting: setting) }
            defer { state.next += 1 }
            return state.next
        }
        return Self.refuses(number, percent: setting.strength ?? 0, seed: seed)
    }

    /// 37 has no divisor in common with 100, so that a hundred payments go through all places; each hundred begins at
    /// another one, by the seed.
    static func refuses(_ number: UInt64, percent: Int, seed: UInt64) -> Bool {
        let (hundred, place) = number.quotientAndRemainder(dividingBy: 100)
        let first = mix(seed &+ hundred &* 0x9e37_79b9_7f4a_7c15) % 100
        return (first + place * 37) % 100 < UInt64(max(0, percent))
    }

    /// The finalizer of splitmix64 (Steele, Lea and Flood, 2014).
    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
