import ServiceTracing

/// Says of most trace ids at once that they are not among those it was given: a Bloom filter of 16 bits an id and four
/// looks, by which one in 400 strangers passes.
struct TraceSieve: Sendable {
    private var words: [UInt64] = []
    private var count = 0
    private static let bitsOfAnID = 16

    /// How many ids fit before it has to be made anew, larger.
    var room: Int { words.count * UInt64.bitWidth / Self.bitsOfAnID - count }

    /// - Parameter capacity: Ids.
    init(capacity: Int = 0) {
        var size = 1_024
        while size * UInt64.bitWidth < capacity * Self.bitsOfAnID { size *= 2 }
        words = Array(repeating: 0, count: size)
    }

    mutating func insert(_ id: TraceID) {
        count += 1
        let (first, step) = mix(id)
        for look in 0..<4 {
            let bit = bit(first, step, look)
            words[bit >> 6] |= 1 << UInt64(bit & 63)
        }
    }

    func mayContain(_ id: TraceID) -> Bool {
        let (first, step) = mix(id)
        for look in 0..<4 {
            let bit = bit(first, step, look)
            if words[bit >> 6] & 1 << UInt64(bit & 63) == 0 { return false }
        }
        return true
    }

    /// Looks are as far apart as a second hash says (Kirsch and Mitzenmacher, *Less Hashing, Same Performance*).
    private func bit(_ first: Int, _ step: Int, _ look: Int) -> Int {
        (first &+ look &* step) & (words.count * UInt64.bitWidth - 1)
    }

    /// Ids from elsewhere may be anything but random (the finalizer of SplitMix64).
    private func mix(_ id: TraceID) -> (first: Int, step: Int) {
        var mixed = id.high ^ id.low &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        mixed ^= mixed >> 31
        return (Int(truncatingIfNeeded: mixed), Int(truncatingIfNeeded: mixed >> 32) | 1)
    }
}
