import ArgumentParser
import Console
import ConsoleAPI
import FoundationEssentials
import HTTPClient
import HTTPTypes
import Shop
import ShopAPI
import Storage
import Terminal

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What waits for an upstream and what became of the rest; while the shop runs and after it stopped."
    )

    @OptionGroup var place: PlaceOptions

    @Flag(help: "The JSON of /api/status.")
    var json = false

    func run() async throws {
        let settings = try await place.settings()
        let status = try await Self.read(settings)
        if json {
            Output.line(String(decoding: try JSON.encoder.encode(status), as: UTF8.self))
        } else {
            Output.line(StatusText.render(status, style: .detect(environment: ProcessInfo.processInfo.environment)))
        }
    }

    /// The running shop's own word, or what its files say.
    private static func read(_ settings: Settings) async throws -> StatusMessage {
        try DataDirectory.find(settings.dataDirectory)
        if let console = DataDirectory.owner(settings.dataDirectory)?.console {
            let transport = try CurlClient()
            let answer = try? await transport.send(OutgoingRequest(url: console + "/api/status", timeout: .seconds(3)))
            await transport.shutDown()
            if let answer, answer.status == .ok {
                return try JSON.decoder.decode(StatusMessage.self, from: Data(answer.body))
            }
        }
        let lanes = ConfiguredLanes(orders: settings.hasOrderUpstream, spans: settings.hasSpanUpstream)
        do {
            return try await StatusReader(dataDirectory: settings.dataDirectory, lanes: lanes).status()
        } catch let error as StorageError {
            throw Refusal(.dataError, "The shop's database cannot be read: \(error.detail).")
        } catch {
            throw Refusal(.dataError, "The span buffer's ledger in \(settings.dataDirectory) cannot be read.")
        }
    }
}

/// Where the data is, for commands that only read.
struct PlaceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where databases and buffered spans are kept.", valueName: "dir"))
    var dataDir: String?

    /// The environment's settings with these options laid over them.
    func settings() async throws -> Settings {
        var settings = try await Settings.read()
        if let dataDir { settings.dataDirectory = dataDir }
        return settings
    }
}
