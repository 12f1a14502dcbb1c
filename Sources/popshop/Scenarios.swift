import ArgumentParser
import FoundationEssentials
import LoadGeneratorService
import Logging
import Shop
import ShopAPI
import Terminal

#if canImport(Glibc)
    import Glibc
#endif

struct Scenarios: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario",
        abstract: "Play a show of traffic and faults in the shop that runs on the data directory.",
        subcommands: [List.self, Run.self, Pause.self, Resume.self, Jump.self, Stop.self]
    )

    /// The compiled-in ones.
    static func book() throws -> (scenarios: ScenarioBook, journeys: JourneyBook) {
        let journeys = try JourneyBook.fixture()
        return (try ScenarioBook.fixture(journeys), journeys)
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The scenarios there are, and what they show.")

        @Flag(help: "As JSON.")
        var json = false

        func run() async throws {
            let scenarios = try book().scenarios.all.map(\.summary)
            if json {
                Output.line(String(decoding: try JSON.encoder.encode(scenarios), as: UTF8.self))
            } else {
                let style = TerminalStyle.detect(environment: ProcessInfo.processInfo.environment)
                Output.line(ScenarioTable.render(scenarios, style: style))
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Play a scenario and watch it; Ctrl-C leaves it running.",
            discussion: "Exits 0 when it is over, 64 for a bad name, value or file, 69 when no shop runs, 75 when a "
                + "scenario is being played already."
        )

        @Argument(help: ArgumentHelp("A scenario's name, or a file that ends in .json.", valueName: "name"))
        var scenario: String

        @OptionGroup var place: PlaceOptions

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("How long it takes; by default as long as it is written.", valueName: "minutes")
        )
        var durationMinutes: Double?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Journeys a minute at its busiest; by default as it is written.", valueName: "rpm")
        )
        var peakRPM: Int?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("The same seed plays the same journeys; by default the shop's.", valueName: "n")
        )
        var seed: Int?

        @Flag(help: "Start it, and do not watch.")
        var detach = false

        func validate() throws {
            if let durationMinutes, !ScenarioTimeline.durations.contains(durationMinutes) {
                throw ValidationError("--duration-minutes must be a number from 0.1 to 1440.")
            }
            if let peakRPM, !ScenarioTimeline.peaks.contains(peakRPM) {
                throw ValidationError("--peak-rpm must be a whole number from 1 to 60000.")
            }
            if let seed, seed < 0 { throw ValidationError("--seed must be a whole number, and not negative.") }
        }

        func run() async throws {
            let (summary, definition) = try choose()
            try await withShop(place) { shop in
                _ = try await shop.post("/api/scenario", try body(summary, definition), ScenarioStatus.self)
                guard !detach else { return }
                try await ScenarioWatch(shop: shop, summary: summary).run()
            }
        }

        /// - Returns: Its text, where it is a file's.
        private func choose() throws -> (summary: ScenarioSummary, definition: String?) {
            let (scenarios, journeys) = try book()
            guard scenario.hasSuffix(".json") else {
                guard let known = scenarios[scenario] else {
                    let names = scenarios.all.map(\.name).joined(separator: ", ")
                    throw Refusal(.usage, "There is no scenario \(scenario); there are \(names).")
                }
                return (known.summary, nil)
            }
            guard let bytes = FileManager.default.contents(atPath: scenario) else {
                throw Refusal(.usage, "The scenario \(scenario) cannot be read.")
            }
            do {
                let read = try Scenario(json: Array(bytes), book: journeys)
                return (read.summary, String(decoding: bytes, as: UTF8.self))
            } catch {
                throw Refusal(.usage, "\(scenario): \(error)")
            }
        }

        /// A file's text goes first and as it is, so that its lines are the request's.
        private func body(_ summary: ScenarioSummary, _ definition: String?) throws -> [UInt8] {
            var fields: [String: JSONValue] = ["action": "start", "scenario": .string(summary.name)]
            if let durationMinutes { fields["duration_minutes"] = .double(durationMinutes) }
            if let peakRPM { fields["peak_rpm"] = .int(peakRPM) }
            if let seed { fields["seed"] = .int(seed) }
            let rest = String(decoding: try JSON.encoder.encode(fields), as: UTF8.self)
            return Array((definition.map { "{\"definition\":\($0),\(rest.dropFirst())" } ?? rest).utf8)
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let time and traffic stand still; the faults stay as they are."
        )

        @OptionGroup var place: PlaceOptions

        func run() async throws { try await command("pause", place) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Go on where it was paused.")

        @OptionGroup var place: PlaceOptions

        func run() async throws { try await command("resume", place) }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End it, and the faults it has switched on.")

        @OptionGroup var place: PlaceOptions

        func run() async throws { try await command("stop", place) }
    }

    struct Jump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Go on at the beginning of a phase.")

        @Argument(help: "The phase.")
        var phase: String

        @OptionGroup var place: PlaceOptions

        func run() async throws { try await command("jump", place, ["phase": .string(phase)]) }
    }

    /// Sends a command and says where the scenario stands then.
    private static func command(
        _ action: String,
        _ place: PlaceOptions,
        _ more: [String: JSONValue] = [:]
    ) async throws {
        try await withShop(place) { shop in
            let fields = more.merging(["action": .string(action)]) { first, _ in first }
            let body = Array(try JSON.encoder.encode(fields))
            let status = try await shop.post("/api/scenario", body, ScenarioStatus.self)
            let list = try await shop.get("/api/scenarios", ScenarioList.self)
            let view = ScenarioView(
                list.summary(of: status),
                style: .detect(environment: ProcessInfo.processInfo.environment)
            )
            Output.line(status.running ? view.line(status) : view.account(status))
        }
    }

    /// Lends the shop that runs on the data directory.
    private static func withShop(
        _ place: PlaceOptions,
        _ body: (RunningShop) async throws -> Void
    ) async throws {
        let settings = try await place.settings()
        _ = Logs.start(.critical)
        guard let console = DataDirectory.owner(settings.dataDirectory)?.console else {
            throw Refusal(
                .unavailable,
                "No shop runs on \(settings.dataDirectory): start one with popshop demo, or name its --data-dir."
            )
        }
        try await RunningShop.attach(to: console, token: settings.adminToken, body)
    }
}

extension ScenarioList {
    /// Of the scenario that is played; one that came with its request is in no list.
    func summary(of status: ScenarioStatus) -> ScenarioSummary {
        let name = status.scenario ?? ""
        return scenarios.first { $0.name == name }
            ?? ScenarioSummary(
                name: name,
                title: name,
                description: "",
                duration_minutes: status.duration_seconds / 60,
                peak_rpm: status.current_rpm,
                phases: []
            )
    }
}

/// Watches a scenario until it is over: drawn over on a terminal, elsewhere a line a phase and one every 10 seconds.
private struct ScenarioWatch {
    let shop: RunningShop
    let summary: ScenarioSummary

    func run() async throws {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let view = ScenarioView(summary, style: .detect(environment: ProcessInfo.processInfo.environment))
        if isTerminal { Output.line("Ctrl-C leaves it running; popshop scenario stop ends it.\n") }
        var (drawn, said, phase) = (0, -10.0, "")
        while true {
            let status = try await shop.get("/api/scenarios", ScenarioList.self).status
            guard status.scenario == summary.name else {
                return Output.line("\(summary.title) was ended, and everything reset.")
            }
            if isTerminal {
                // What is drawn again may be shorter than it was.
                if drawn > 0 { Output.text("\u{1b}[\(drawn)A\r\u{1b}[J") }
                let lines = view.lines(status)
                drawn = lines.count
                Output.text(lines.map { $0 + "\n" }.joined())
            } else if status.running, status.phase != phase || status.elapsed_seconds - said >= 10 {
                (said, phase) = (status.elapsed_seconds, status.phase ?? "")
                Output.line(view.line(status))
            }
            // Those who are still on their way belong to it.
            if !status.running, status.in_flight == 0 { return Output.line(view.account(status)) }
            try await Task.sleep(for: isTerminal ? .milliseconds(250) : .milliseconds(500))
        }
    }
}
