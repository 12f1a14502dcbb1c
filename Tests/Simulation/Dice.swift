/// The one source of chance in a world: splitmix64 (Steele, Lea and Flood, 2014). The same seed gives the same throws.
struct Dice: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 ^ 0x5eed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// One of the range's numbers, each as likely as any other.
    mutating func pick(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next().multipliedFullWidth(by: UInt64(range.upperBound - range.lowerBound + 1)).high)
    }

    mutating func pick<Element>(_ choices: some RandomAccessCollection<Element>) -> Element {
        choices[choices.index(choices.startIndex, offsetBy: pick(0...choices.count - 1))]
    }

    /// Whether something happens that happens so many times in a hundred.
    mutating func chance(_ percent: Int) -> Bool { pick(1...100) <= percent }

    /// As likely between 1 and 10 as between 10 and 100.
    mutating func magnitude(upTo most: Int) -> Int {
        var bound = 1
        let bits = most.bitWidth - most.leadingZeroBitCount
        for _ in 0..<pick(0...bits) { bound *= 2 }
        return pick(1...min(most, bound))
    }

    /// Another generator, so that what is thrown in one place does not change what falls in another.
    mutating func fork() -> Dice { Dice(seed: next()) }
}
