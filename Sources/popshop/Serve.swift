public import ArgumentParser
import Logging
import Shop
public import ShopAPI

extension ServiceName: ExpressibleByArgument {}

/// What every command that runs services understands.
struct ListenOptions: ParsableArguments {
    @OptionGroup var place: PlaceOptions

    @Option(help: "The address to listen on. Anything but loopback needs POPSHOP_ADMIN_TOKEN.")
    var host = "127.0.0.1"

    @Option(parsing: .unconditional, help: ArgumentHelp("Added to every port.", valueName: "n"))
    var portOffset = 0

    func validate() throws {
        guard (-7_999...57_000).contains(portOffset) else {
            throw ValidationError("--port-offset must be a whole number from -7999 to 57000.")
        }
    }

    /// The environment's settings with these options laid over them.
    func settings() async throws -> Settings {
        try await place.settings()
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run one or more services by name, for containers.",
        discussion: "With console, other processes' spans are received too: OTLP/HTTP on port 4318."
    )

    @Argument(help: "The services: \(ServiceName.allCases.map(\.rawValue).joined(separator: ", ")).")
    var services: [ServiceName]

    @OptionGroup var listen: ListenOptions

    func run() async throws {
        let settings = try await listen.settings()
        let logger = Logs.start(settings.logLevel)
        let directory = try DataDirectory(path: settings.dataDirectory)
        let options = ShopOptions(
            services: Set(services),
            host: listen.host,
            portOffset: listen.portOffset,
            receivesSpans: services.contains(.console)
        )
        if settings.storage == .sqlite, options.services.count < ServiceName.allCases.count {
            logger.warning("On SQLite each process has a shop of its own: several want POPSHOP_STORAGE=postgres.")
        }
        let shop = try Shop(settings: settings, options: options, directory: directory, logger: logger)
        directory.announce(console: services.contains(.console) ? options.localURL(of: .console) : nil)
        try await shop.run {
            for service in ServiceName.allCases where options.services.contains(service) {
                Output.line("\(service.rawValue) listens on \(options.localURL(of: service))")
            }
        }
    }
}
