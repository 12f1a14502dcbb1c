import Foundation
import Simulation
import Synchronization

// simulate COUNT [FIRST [BROKEN]]: plays so many seeds from the first on, and ends when so many have broken a promise.
// simulate --seed N: plays one and prints what happened.

let arguments = CommandLine.arguments.dropFirst()
if arguments.first == "--seed", let seed = arguments.dropFirst().first.flatMap({ UInt64($0) }) {
    let outcome = await Simulation.play(seed, keepsLines: true)
    outcome.lines.forEach { print($0) }
    print("digest \(String(outcome.digest, radix: 16)), \(outcome.violations.count) promises broken")
    exit(outcome.violations.isEmpty ? 0 : 1)
}
let count = arguments.first.flatMap { UInt64($0) } ?? 1_000
let first = arguments.dropFirst().first.flatMap { UInt64($0) } ?? 1
let most = arguments.dropFirst(2).first.flatMap { Int($0) } ?? 10
let begun = ContinuousClock.now
let sums = Mutex((played: 0, broken: 0, tallies: [String: Int]()))
await Simulation.play(first..<first + count) { outcome in
    sums.withLock { sums in
        sums.played += 1
        sums.tallies.merge(outcome.tallies, uniquingKeysWith: +)
        if !outcome.violations.isEmpty {
            sums.broken += 1
            print("seed \(outcome.seed): \(outcome.violations.joined(separator: "; "))")
        }
        return sums.broken < most
    }
}
let (played, broken, tallies) = sums.withLock { $0 }
print("\(played) worlds, \(broken) with a broken promise, in \(ContinuousClock.now - begun)")
for (name, tally) in tallies.sorted(by: { $0.key < $1.key }) { print("  \(name): \(tally)") }
exit(broken == 0 ? 0 : 1)
