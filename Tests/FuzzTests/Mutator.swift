@testable import LoadGeneratorService

/// Makes new inputs of old ones, the same for the same seed.
struct Mutator {
    private var random: SplitMix64
    /// What the target's grammar is made of.
    let tokens: [[UInt8]]

    /// Longer ones say nothing more, and take longer.
    static let longest = 4096

    init(seed: UInt64, tokens: [String]) {
        random = SplitMix64(seed: seed)
        self.tokens = tokens.map { Array($0.utf8) }
    }

    /// One of them, changed in one to eight places.
    mutating func next(of corpus: [[UInt8]]) -> [UInt8] {
        var bytes = pick(corpus)
        for _ in 0...below(8) { change(&bytes, corpus) }
        return Array(bytes.prefix(Self.longest))
    }

    private mutating func change(_ bytes: inout [UInt8], _ corpus: [[UInt8]]) {
        let at = below(bytes.count + 1)
        let end = min(bytes.count, at + below(16))
        switch below(10) {
        case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8(below(8))
        case 1 where at < bytes.count: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 2: bytes.removeSubrange(at..<end)
        case 3: bytes.insert(contentsOf: bytes[at..<end], at: at)
        case 4: bytes = Array(bytes[..<at])
        case 5:
            let other = pick(corpus)
            bytes = Array(bytes[..<at]) + other[below(other.count + 1)...]
        case 6: bytes.insert(contentsOf: Array(repeating: pick(tokens), count: 1 + below(64)).joined(), at: at)
        case 7: bytes.insert(contentsOf: String(number()).utf8, at: at)
        case 8: bytes.replaceSubrange(at..<end, with: pick(tokens))
        default: bytes.insert(contentsOf: pick(tokens), at: at)
        }
    }

    /// Numbers at which something changes.
    private mutating func number() -> Int64 {
        let edges: [Int64] = [0, -1, 255, 256, 65_535, 65_536, 1 << 31, 1 << 32, 1 << 53, .max, .min]
        return edges[below(edges.count)] &+ Int64(below(3)) &- 1
    }

    private mutating func pick(_ choices: [[UInt8]]) -> [UInt8] { choices.isEmpty ? [] : choices[below(choices.count)] }

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
}
