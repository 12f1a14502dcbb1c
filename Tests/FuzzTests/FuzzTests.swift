import Foundation
import Testing

/// Every parser of what others write, against what nobody would write: seeded mutations of `Corpus/<target>`, the same in
/// every run. `POPSHOP_FUZZ_SECONDS=600 swift test --filter FuzzTests` goes on for that long for each, in other inputs every
/// time, or only those that `POPSHOP_FUZZ_ONLY` names; the input it is at is in the temporary folder, so that one that ends
/// the process is known.
@Suite
struct FuzzTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seconds = environment["POPSHOP_FUZZ_SECONDS"].flatMap(Double.init)
    private static let targets: [FuzzTarget] = {
        guard let only = environment["POPSHOP_FUZZ_ONLY"]?.split(separator: ",") else { return FuzzTarget.all }
        return FuzzTarget.all.filter { target in only.contains { $0 == target.name } }
    }()

    @Test("What was found once is found no more", arguments: targets)
    func corpus(target: FuzzTarget) throws {
        for input in try target.corpus() {
            #expect(throws: Never.self, "\(shown(input))") { try target.run(input) }
        }
    }

    @Test("Nothing ends the process, and what is read means what was written", arguments: targets)
    func mutations(target: FuzzTarget) throws {
        let corpus = try target.corpus()
        guard let seconds = Self.seconds else {
            try run(target, corpus, seed: 1, count: 2_000)
            return
        }
        let end = ContinuousClock.now + .seconds(seconds)
        let trace = FileManager.default.temporaryDirectory.appending(path: "popshop-fuzz-\(target.name)")
        var (seed, count) = (UInt64.random(in: 0..<1 << 32), 0)
        while ContinuousClock.now < end {
            try run(target, corpus, seed: seed, count: 1_000, trace)
            (seed, count) = (seed + 1, count + 1_000)
        }
        print("\(target.name): \(count) inputs in \(Int(seconds)) s")
    }

    private func run(_ target: FuzzTarget, _ corpus: [[UInt8]], seed: UInt64, count: Int, _ trace: URL? = nil) throws {
        var mutator = Mutator(seed: seed, tokens: target.tokens)
        // Written over in place: a file that is made anew for each input would be most of the work.
        let file = try trace.map { url in
            try Data().write(to: url)
            return try FileHandle(forWritingTo: url)
        }
        for _ in 0..<count {
            let input = mutator.next(of: corpus)
            try file?.seek(toOffset: 0)
            try file?.write(contentsOf: Data(input))
            try file?.truncate(atOffset: UInt64(input.count))
            do {
                try target.run(input)
            } catch {
                Issue.record("\(target.name), seed \(seed): \(error): \(shown(input))")
                return
            }
        }
    }
}

private func shown(_ input: [UInt8]) -> String { "base64 \(Data(input).base64EncodedString())" }

extension FuzzTarget: CustomTestStringConvertible {
    var testDescription: String { name }
}
