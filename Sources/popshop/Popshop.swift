import ArgumentParser
import Logging
import Shop
import TelemetryBuffer

#if canImport(Glibc)
    import Glibc
#endif

@main
struct Popshop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "popshop",
        abstract: "A pop-up shop for observability: eight small services that make real traces, with no network.",
        version: "1.0.0",
        subcommands: [
            Demo.self, Serve.self, SyncCommand.self, Status.self, Traces.self, Migrate.self, HealthCheck.self,
            DoctorCommand.self, Scenarios.self,
        ],
        defaultSubcommand: Demo.self
    )

    static func main() async {
        // A peer that hangs up while it is written to is an error of that write, never the end of the shop.
        signal(SIGPIPE, SIG_IGN)
        // What is recorded is for this user's eyes.
        umask(0o077)
        OpenFiles.raiseLimit()
        do {
            try refuseUnknownCommand()
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let refusal as Refusal {
            Output.error(refusal.sentence)
            Glibc.exit(refusal.code.rawValue)
        } catch {
            if let words = SpanBuffer.sqliteWords(of: error) {
                Output.error("The span buffer cannot be read: \(words).")
                Glibc.exit(Refusal.Code.dataError.rawValue)
            }
            exit(withError: error)
        }
    }

    /// A word that is no command would be taken for an argument of the default one, which has none.
    private static func refuseUnknownCommand() throws(Refusal) {
        let names = configuration.subcommands.map { $0._commandName }
        guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-") else { return }
        guard !names.contains(word), word != "help" else { return }
        throw Refusal(.usage, "There is no command \(word); there are \(names.joined(separator: ", ")).")
    }
}
