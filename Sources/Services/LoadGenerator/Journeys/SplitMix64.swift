/// splitmix64 (Steele, Lea and Flood, 2014), which any machine and any version of Swift counts the same way.
///
/// The standard library's `random(in:using:)` promises no such thing, so nothing of it is used where a seed must
/// always give the same show.
struct SplitMix64: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// One arrival's own generator: what others draw, and when, cannot change what it draws.
    init(seed: UInt64, arrival: Int) {
        // Mixed, because the plain sum of both would give neighbours the same sequence shifted by one.
        state = Self.mix(Self.mix(seed) ^ UInt64(bitPattern: Int64(arrival)))
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mix(state)
    }

    /// A number from 0 up to, but not including, the bound.
    mutating func next(below bound: UInt64) -> UInt64 {
        // The bias of multiplying is below 2^-40 for the bounds used here.
        next().multipliedFullWidth(by: bound).high
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Things to choose from, each as often as its weight says.
public struct Weighted<Value: Sendable>: Sendable {
    let options: [(value: Value, weight: Int)]
    private let total: UInt64

    /// - Parameter options: At least one, with weights of at least 1.
    init(_ options: [(value: Value, weight: Int)]) {
        precondition(!options.isEmpty && options.allSatisfy { $0.weight > 0 }, "a choice needs something to choose")
        self.options = options
        total = UInt64(options.reduce(0) { $0 + $1.weight })
    }

    func pick(with generator: inout SplitMix64) -> Value {
        var rest = generator.next(below: total)
        for option in options.dropLast() {
            if rest < UInt64(option.weight) { return option.value }
            rest -= UInt64(option.weight)
        }
        return options[options.count - 1].value
    }
}
