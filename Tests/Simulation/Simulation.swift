import FoundationEssentials
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// What became of one world.
public struct Outcome: Sendable {
    public let seed: UInt64
    /// Of all that happened: the same for the same seed.
    public let digest: UInt64
    /// Promises that were broken, one sentence each.
    public let violations: [String]
    /// What happened, line by line, when it was asked for.
    public let lines: [String]
    /// How often the world met what it is there for.
    public let tallies: [String: Int]
}

/// Worlds of edges, an ingress and an upstream, made of seeds.
public enum Simulation {
    /// Plays one world.
    public static func play(_ seed: UInt64, keepsLines: Bool = false) async -> Outcome {
        let log = EventLog(keepsLines: keepsLines)
        let directory = scratch(seed)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        do {
            try await World(seed: seed, directory: directory, log: log).play()
        } catch {
            log.violation("the world ended early: \(error)")
        }
        return Outcome(
            seed: seed,
            digest: log.digest,
            violations: log.violations,
            lines: log.lines,
            tallies: log.tallies
        )
    }

    /// Plays many, a few at a time.
    ///
    /// - Parameter each: Is told of each as it ends; false ends the whole.
    public static func play(
        _ seeds: Range<UInt64>,
        width: Int = 3,
        each: @escaping @Sendable (Outcome) -> Bool = { _ in true }
    ) async {
        let turn = Turn(seeds)
        await withTaskGroup { group in
            for _ in 0..<width {
                group.addTask {
                    while let seed = turn.next() {
                        if !each(await play(seed)) { turn.end() }
                    }
                }
            }
        }
    }

    private static let count = Atomic(0)

    /// In memory, where there is such a place: worlds are many, and none of them outlives the process.
    static func scratch(_ seed: UInt64) -> String {
        let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : FileManager.default.temporaryDirectory.path
        let number = count.add(1, ordering: .relaxed).newValue
        return "\(place)/popshop-simulation-\(getpid())-\(seed)-\(number)"
    }
}

/// Whose turn it is.
private final class Turn: Sendable {
    private let rest: Mutex<Range<UInt64>>

    init(_ seeds: Range<UInt64>) { rest = Mutex(seeds) }

    func next() -> UInt64? { rest.withLock { $0.popFirst() } }
    func end() { rest.withLock { $0 = 0..<0 } }
}
