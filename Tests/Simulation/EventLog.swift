import Synchronization

/// What happens in a world, line by line: its digest is the same for the same seed. And what must not have happened.
final class EventLog: Sendable {
    private struct State {
        var lines: [String] = []
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        var violations: [String] = []
        var tallies: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let keepsLines: Bool

    init(keepsLines: Bool) { self.keepsLines = keepsLines }

    var lines: [String] { state.withLock { $0.lines } }
    var violations: [String] { state.withLock { $0.violations } }
    var tallies: [String: Int] { state.withLock { $0.tallies } }
    /// FNV-1a over all lines.
    var digest: UInt64 { state.withLock { $0.digest } }

    /// So much is broken that the world may never end by itself.
    var isHopeless: Bool { state.withLock { $0.violations.count >= EventLog.most } }
    private static let most = 8

    func note(_ line: String) {
        state.withLock { state in
            for byte in line.utf8 { state.digest = (state.digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
            if keepsLines { state.lines.append(line) }
        }
    }

    /// A promise is broken.
    func violation(_ sentence: String) {
        note("VIOLATION \(sentence)")
        state.withLock { if $0.violations.count < EventLog.most { $0.violations.append(sentence) } }
    }

    /// Counts something that a world is expected to have met.
    func tally(_ name: String, _ count: Int = 1) { state.withLock { $0.tallies[name, default: 0] += count } }
}
