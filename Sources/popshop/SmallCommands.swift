import ArgumentParser
import FoundationEssentials
import HTTPClient
import HTTPTypes
import Logging
import Shop
import ShopAPI
import UpstreamStorage

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Apply schema/ to the shop's own database, or to the upstream's; safe to run twice."
    )

    @OptionGroup var place: PlaceOptions

    @Flag(help: "To the Postgres of SYNC_DATABASE_URL, which orders are pushed to.")
    var upstream = false

    func run() async throws {
        let settings = try await place.settings()
        if upstream { return try await PostgresMigration.runUpstream(settings) }
        if settings.storage == .postgres {
            return try await PostgresMigration.run(settings.databaseConfiguration(), to: .shop)
        }
        let directory = try DataDirectory(path: settings.dataDirectory)
        let applied = try await Shop.migrate(directory)
        Output.line("\(directory.path) is up to date: \(applied.joined(separator: ", ")).")
    }
}

struct HealthCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Exit 0 when a service on this host is healthy."
    )

    @Argument(help: "The service: \(ServiceName.allCases.map(\.rawValue).joined(separator: ", ")).")
    var service: ServiceName

    @Option(help: "The address it listens on.")
    var host = "127.0.0.1"

    @Option(parsing: .unconditional, help: ArgumentHelp("Added to its port.", valueName: "n"))
    var portOffset = 0

    func run() async throws {
        let transport = try CurlClient()
        let url = ServiceURLs(host: host, portOffset: portOffset)[service] + "/health"
        var answer: String
        var isHealthy = false
        do {
            let response = try await transport.send(OutgoingRequest(url: url, timeout: .seconds(3)))
            isHealthy = response.status == .ok
            answer = String(decoding: response.body, as: UTF8.self)
            // Another service, or something else, may have its port.
            let fields = try? JSON.decoder.decode([String: JSONValue].self, from: Data(response.body))
            if isHealthy, fields?["service"] != .string(service.rawValue) {
                isHealthy = false
                answer = "What answers at \(url) is not \(service.rawValue)."
            }
        } catch {
            answer = error.message
        }
        await transport.shutDown()
        Output.line(answer)
        if !isHealthy { throw ExitCode(1) }
    }
}
