public import ArgumentParser
public import Commerce
import Logging
import Shop
import ShopAPI

extension DemoMode: ExpressibleByArgument {}

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the whole shop in one process, needing no server and no network (the default)."
    )

    @OptionGroup var listen: ListenOptions

    @Option(parsing: .unconditional, help: ArgumentHelp("Background journeys a minute; 0 = none.", valueName: "rpm"))
    var traffic = 30

    @Option(help: "normal or blackfriday.")
    var mode: DemoMode?

    @Option(parsing: .unconditional, help: ArgumentHelp("The same seed plays the same show.", valueName: "n"))
    var seed: UInt64 = 1

    @Flag(help: "Let the shelves run empty: an order that the stock cannot fill is refused.")
    var noRestock = false

    @Flag(help: "Start with the uplink switched off.")
    var offline = false

    func validate() throws {
        guard (0...60_000).contains(traffic) else {
            throw ValidationError("--traffic must be a whole number from 0 to 60000.")
        }
    }

    func run() async throws {
        let settings = try await listen.settings()
        let logger = Logs.start(settings.logLevel)
        let directory = try DataDirectory(path: settings.dataDirectory)
        let options = ShopOptions(
            host: listen.host,
            portOffset: listen.portOffset,
            trafficPerMinute: traffic,
            mode: mode ?? settings.demoMode,
            seed: seed,
            restocks: !noRestock,
            startsOffline: offline
        )
        let shop = try Shop(settings: settings, options: options, directory: directory, logger: logger)
        directory.announce(console: options.localURL(of: .console))
        try await shop.run { Self.greet(options, settings.dataDirectory) }
    }

    private static func greet(_ options: ShopOptions, _ dataDirectory: String) {
        Output.line("PopShop is open. Everything it records is kept in \(dataDirectory)\n")
        for service in ServiceName.allCases.sorted(by: { $0.port < $1.port }) {
            let name = service.rawValue.padding(to: 16)
            Output.line("  \(name)\(options.localURL(of: service))")
        }
        let flag = dataDirectory == "./popshop-data" ? "" : " --data-dir \(dataDirectory)"
        Output.line(
            "\nSee what was traced, in another terminal: popshop traces list\(flag)      (Ctrl-C closes the shop)"
        )
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
