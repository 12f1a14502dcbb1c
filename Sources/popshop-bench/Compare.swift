import ArgumentParser
import Foundation

/// Two checkouts' figures, taken in turns on one machine.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures two checkouts in turns, and prints the second's figures over the first's.",
        discussion: """
            In both, first: swift build -c release --product popshop && swift build -c release --product popshop-bench
            """
    )

    @Argument(help: "The checkout before.")
    var before: String

    @Argument(help: "The checkout after.")
    var after: String

    /// Not `only`, which the command above this one would take for its own.
    @Option(name: .customLong("benchmark"), help: ArgumentHelp("Only this one; may be repeated.", valueName: "name"))
    var only: [String] = []

    @Option(help: "Turns of each.")
    var rounds = 3

    func validate() throws {
        for checkout in [before, after] where !FileManager.default.isExecutableFile(atPath: Self.executable(checkout)) {
            throw ValidationError("\(checkout) has no .build/release/popshop-bench: build it first.")
        }
        for name in only where !Benchmarks.names.contains(name) {
            throw ValidationError(
                "--benchmark must be one of \(Benchmarks.names.joined(separator: ", ")), not \(name)."
            )
        }
        guard rounds > 0 else { throw ValidationError("--rounds must be 1 or more.") }
    }

    func run() throws {
        MainThread.serve { [self] in
            let workplace = try Workplace()
            defer { workplace.cleanUp() }
            workplace.cleanUpOnSignals()
            try await compare(in: workplace)
        }
    }

    private func compare(in workplace: Workplace) async throws {
        // ABBA: what drifts drifts for both.
        var samples: [String: [Figure]] = [before: [], after: []]
        for round in 0..<rounds {
            for checkout in round % 2 == 0 ? [before, after] : [after, before] {
                samples[checkout, default: []] += try await figures(of: checkout, in: workplace)
            }
        }
        let names = (samples[before] ?? []).map(\.name)
        var seen: Set<String> = []
        print(Table.comparisonHeader)
        for name in names where seen.insert(name).inserted {
            let (old, new) = (samples[before, default: []], samples[after, default: []])
            guard let like = new.first(where: { $0.name == name }) else { continue }
            let of = { (figures: [Figure]) in figures.filter { $0.name == name }.map(\.median) }
            print(Table.comparison(like, of(old), of(new)))
        }
    }

    private func figures(of checkout: String, in workplace: Workplace) async throws -> [Figure] {
        var figures: [Figure] = []
        for name in only.isEmpty ? [nil] : only.map(Optional.some) {
            let file = workplace.newPath("report.json")
            let words = [Self.executable(checkout), "--json", file] + (name.map { ["--only", $0] } ?? [])
            try await workplace.start(words).wait()
            let report = try Data(contentsOf: URL(fileURLWithPath: file))
            figures += try JSONDecoder().decode(Report.self, from: report).figures
        }
        return figures
    }

    private static func executable(_ checkout: String) -> String { checkout + "/.build/release/popshop-bench" }
}
