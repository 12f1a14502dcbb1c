import Foundation
import Simulation
import Synchronization
import Testing

/// Worlds in which everything fails that can, by seeds. `POPSHOP_SIMULATION_SEEDS` says how many, and
/// `POPSHOP_SIMULATION_SEED` which one alone, and prints what happens in it.
@Suite struct SimulationTests {
    @Test func `whatever fails and whenever, the books balance, and at the end nothing is missing or there twice`()
        async throws
    {
        if let seed = number("POPSHOP_SIMULATION_SEED") {
            let outcome = await Simulation.play(seed, keepsLines: true)
            outcome.lines.forEach { print($0) }
            #expect(outcome.violations.isEmpty, "seed \(seed): \(outcome.violations.joined(separator: "; "))")
            return
        }
        let count = number("POPSHOP_SIMULATION_SEEDS") ?? 100
        let tallies = Mutex<[String: Int]>([:])
        await Simulation.play(1..<count + 1) { outcome in
            tallies.withLock { $0.merge(outcome.tallies, uniquingKeysWith: +) }
            #expect(outcome.violations.isEmpty, "seed \(outcome.seed): \(outcome.violations.joined(separator: "; "))")
            return outcome.violations.isEmpty
        }
        // Worlds that meet nothing prove nothing.
        let met = tallies.withLock { $0 }
        let wanted = [
            "COMMIT's answer lost", "answerCut", "answerGarbled", "answerLost", "backordered", "doubled", "down",
            "failed flushes", "kills", "late", "misconfigured", "partial_success", "portal", "quarantined", "redirect",
            "refused orders", "refusedKey", "rejected", "requestCut", "requestLost", "spans evicted", "spans expired",
            "spans quarantined", "spans rejected", "spans retimed", "spans whose answer a kill took", "storm",
            "throttle", "turnedAway",
        ]
        if count >= 1_000 { #expect(wanted.filter { met[$0, default: 0] == 0 } == []) }
        print(met.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", "))
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>) func `a seed plays the same world again`(seed: UInt64) async {
        let (first, second) = (await Simulation.play(seed), await Simulation.play(seed))
        #expect(first.digest == second.digest)
    }

    private func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }
}
