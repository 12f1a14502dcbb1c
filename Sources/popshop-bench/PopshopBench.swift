import ArgumentParser
import Foundation

/// Runs the benchmarks that were asked for.
@main
struct PopshopBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "popshop-bench",
        abstract: "Measures PopShop, and beside each figure what this machine could do at most.",
        discussion: """
            Build it in release, with the popshop that it measures: \
            swift build -c release && swift run -c release popshop-bench
            """,
        subcommands: [Compare.self, Hello.self, Sink.self]
    )

    @Option(help: ArgumentHelp("Write the figures to this file as JSON, too.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Only this one: \(Benchmarks.names.joined(separator: ", ")).", valueName: "name"))
    var only: String?

    func validate() throws {
        guard only.map(Benchmarks.names.contains) ?? true else {
            throw ValidationError("--only must be one of \(Benchmarks.names.joined(separator: ", ")).")
        }
    }

    func run() throws {
        let (json, only) = (json, only)
        MainThread.serve {
            let workplace = try Workplace()
            defer { workplace.cleanUp() }
            workplace.cleanUpOnSignals()
            Self.show(Table.header)
            var figures: [Figure] = []
            for benchmark in Benchmarks.all where only == nil || benchmark.name == only {
                try await benchmark.run(workplace) { figure in
                    figures.append(figure)
                    Self.show(Table.row(figure))
                }
            }
            Self.show(Table.footer(figures))
            if let json { try Report(figures).write(to: json) }
        }
    }

    /// At once, also into a pipe: a figure takes a while.
    private static func show(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
