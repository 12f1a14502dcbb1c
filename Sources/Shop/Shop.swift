import AdService
import CartService
import CatalogService
import CheckoutService
import Commerce
import ConnectionPool
import ConsoleAPI
import CurrencyService
import Fixtures
import FoundationEssentials
import HTTPClient
import HTTPServer
public import Logging
import OTLPReceiver
import PostgresStorage
import RecommendationService
import SQLiteStorage
import ServiceKit
import ServiceLifecycle
import ServiceTracing
import ShippingService
import ShopAPI
import Storage
import Sync
import TelemetryBuffer
import UnixSignals
import UpstreamStorage

/// The services of one process, wired to one storage, one span buffer and one outgoing HTTP client.
public final class Shop: Sendable {
    /// The telemetry buffer's folder in a data directory.
    public static func telemetryDirectory(_ dataDirectory: String) -> String { dataDirectory + "/telemetry" }
    /// The shop's own database in a data directory.
    public static func databasePath(_ dataDirectory: String) -> String { dataDirectory + "/shop.sqlite" }

    /// What the run will do beside what the environment says.
    public let options: ShopOptions
    let settings: Settings
    let logger: Logger
    let backend: any Backend
    let buffer: SpanBuffer
    private let outbox: SpanOutbox
    let mode: DemoModeFollower
    let sync: SyncDaemon
    private let orders: OrderUplink
    private let transport: CurlClient
    /// What the load generator's shoppers come in by. A shopper holds a connection while the service it asked calls
    /// others: were those calls to wait for the shoppers' connections, enough shoppers at once would wait for
    /// themselves.
    private let shoppers: CurlClient
    private let uplink: CurlClient
    private let identity: Identity
    private let urls: ServiceURLs

    /// Of every server of this process.
    let serverLimits = ServerLimits(connections: ConnectionBudget(OpenFiles.connections))

    /// Held for as long as this is, so that nobody else opens the files.
    let directory: DataDirectory

    /// Opens what is stored.
    ///
    /// - Throws: `Refusal` with one sentence for everything that stands in the way.
    public init(
        settings: Settings,
        options: ShopOptions,
        directory: DataDirectory,
        logger: Logger
    ) throws(Refusal) {
        try Self.check(settings, options)
        self.directory = directory
        self.settings = settings
        self.options = options
        self.logger = logger
        backend = try Self.openBackend(settings, directory.path)
        buffer = try Self.openBuffer(directory.path, settings.bufferMaxBytes, logger)
        outbox = buffer.outbox()
        mode = DemoModeFollower(backend.settings, initial: options.mode ?? settings.demoMode ?? .normal)
        transport = try Self.openTransport()
        shoppers = try Self.openTransport()
        uplink = try Self.openUplink()
        identity = Identity(settings)
        let tracer = ServiceTracer(resource: identity.resource("sync"), processor: buffer, sampler: settings.sampler)
        let isOff = options.startsOffline
        orders = OrderUplink(
            outbox: try backend.outbox(tracer),
            upstream: try settings.orderUpstreamConfiguration().map {
                PostgresOrderUpstream($0, tracer: tracer, conventions: settings.databaseConventions)
            },
            tracer: tracer,
            isSwitchedOff: isOff,
            logger: logger
        )
        sync = SyncDaemon(
            orders: orders,
            spans: settings.spanUplink(outbox, uplink, tracer, isSwitchedOff: isOff, logger),
            routes: .system,
            isSwitchedOff: isOff
        )
        var urls = ServiceURLs(
            host: options.host == "0.0.0.0" ? "127.0.0.1" : options.host,
            portOffset: options.portOffset
        )
        for (service, url) in settings.serviceURLs { urls[service] = url }
        self.urls = urls
    }

    /// Brings the shop's own database file up to date and names the migrations it has.
    ///
    /// - Throws: `Refusal`.
    public static func migrate(_ directory: DataDirectory) async throws -> [String] {
        let database = try openDatabase(directory.path, .both)
        let applied = try await database.migrations()
        try await database.close()
        return applied
    }

    /// A service's own tracer, over the one buffer.
    func tracer(_ service: String, sampler: Sampler? = nil) -> ServiceTracer {
        ServiceTracer(resource: identity.resource(service), processor: buffer, sampler: sampler ?? settings.sampler)
    }

    /// What a service calls others with.
    ///
    /// - Parameter timeout: For one whole call.
    func caller(_ tracer: ServiceTracer, timeout: Duration = .seconds(5)) -> ServiceCaller {
        ServiceCaller(transport: transport, tracer: tracer, urls: urls, timeout: timeout)
    }

    /// What the load generator's shoppers call the services with: from outside, like anybody's browser.
    func shopperCaller(_ tracer: ServiceTracer) -> ServiceCaller {
        ServiceCaller(transport: shoppers, tracer: tracer, urls: urls, timeout: .seconds(30))
    }

    /// Runs everything until SIGTERM, SIGINT or cancellation, and leaves all that was recorded on disk.
    ///
    /// - Parameter onReady: Called once, when every service takes requests.
    /// - Throws: `Refusal`, or what a service has failed with.
    public func run(onReady: @escaping @Sendable () async -> Void = {}) async throws {
        await beginInMode()
        let readiness = Readiness(options.services.count + (options.receivesSpans ? 1 : 0))
        let servers = try serversInOrder(readiness)
        readiness.then(onReady)
        let group = ServiceGroup(
            configuration: configuration([buffer, sync, mode] + servers)
        )
        do {
            try await group.run()
        } catch {
            await close()
            throw error
        }
        await close()
    }

    /// What was asked for by name wins; what was set live is gone on with. `DEMO_MODE` alone is a starting mode: a replica
    /// that starts again must not undo what a presenter has set meanwhile.
    ///
    /// A store that is away now is asked for the mode again and again: the show begins in the one it has.
    private func beginInMode() async {
        do {
            if let wanted = options.mode {
                try await mode.setMode(wanted)
            } else if let first = settings.demoMode {
                try await mode.setModeIfNone(first)
            } else {
                try await mode.refresh()
            }
        } catch {
            logger.error("The demo mode cannot be stored", metadata: ["error": "\(error)"])
        }
    }

    private func close() async {
        await orders.disconnect()
        await shoppers.shutDown()
        await transport.shutDown()
        await uplink.shutDown()
        await outbox.writeUnwritten()
        await buffer.close()
        do {
            try await backend.close()
        } catch {
            logger.error("The shop's database did not close cleanly", metadata: ["error": "\(error)"])
        }
    }

    /// Requests are finished before the buffer, which is first in and last out, is flushed.
    private func configuration(_ services: [any Service]) -> ServiceGroupConfiguration {
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(4)
        return configuration
    }

    private func serversInOrder(_ readiness: Readiness) throws -> [any Service] {
        var servers: [any Service] = []
        for service in ServiceName.allCases.reversed() where options.services.contains(service) {
            servers += try ServiceBuilder(self).build(service, readiness)
        }
        if options.receivesSpans {
            let address = options.receiverAddress
            let receiver = OTLPReceiver(buffer: buffer)
            servers.append(
                receiver.application(
                    host: address.host,
                    port: address.port,
                    limits: serverLimits,
                    logger: logger
                ) { _ in
                    await readiness.oneMore()
                }
            )
        }
        return servers
    }
}

extension Shop {
    private static func check(_ settings: Settings, _ options: ShopOptions) throws(Refusal) {
        guard settings.carts == .memory || settings.hasRedis else {
            throw Refusal(.configuration, "POPSHOP_CARTS=redis needs REDIS_URL, or REDIS_HOST and REDIS_PORT.")
        }
        let addresses = options.services.map { options.address(of: $0) }
        guard settings.adminToken != nil || addresses.allSatisfy(\.isLoopback) else {
            throw Refusal(
                .configuration,
                "Listening on \(options.host), beyond this machine, needs POPSHOP_ADMIN_TOKEN to be set."
            )
        }
        for service in options.services.sorted(by: { $0.port < $1.port }) {
            try check(service.rawValue, options.address(of: service), options)
        }
        if options.receivesSpans { try check("The OTLP receiver", options.receiverAddress, options) }
    }

    private static func check(_ name: String, _ address: ListenAddress, _ options: ShopOptions) throws(Refusal) {
        guard (1...65_535).contains(address.port) else {
            throw Refusal(.usage, "--port-offset \(options.portOffset) takes \(name) out of the ports there are.")
        }
        if let problem = Ports.problem(host: address.host, port: address.port) {
            throw Refusal(
                .unavailable,
                "\(name) cannot listen on \(address.host):\(address.port): \(problem)."
            )
        }
    }

    private static func openBackend(_ settings: Settings, _ dataDirectory: String) throws(Refusal) -> any Backend {
        switch settings.storage {
        case .sqlite: SQLiteBackend(database: try openDatabase(dataDirectory, settings.databaseConventions))
        case .postgres:
            PostgresBackend(
                database: PostgresShop(try settings.databaseConfiguration(), conventions: settings.databaseConventions)
            )
        }
    }

    private static func openDatabase(
        _ dataDirectory: String,
        _ conventions: DatabaseConventions
    ) throws(Refusal) -> ShopDatabase {
        do {
            return try ShopDatabase(path: databasePath(dataDirectory), conventions: conventions)
        } catch {
            let code: Refusal.Code = error.code == .corrupt ? .dataError : .cannotCreate
            throw Refusal(code, "The shop's database cannot be used and was left as it is: \(error.detail).")
        }
    }

    /// Nil where there is no file yet.
    static func openExistingDatabase(
        _ dataDirectory: String,
        _ conventions: DatabaseConventions
    ) throws(Refusal) -> ShopDatabase? {
        guard FileManager.default.fileExists(atPath: databasePath(dataDirectory)) else { return nil }
        return try openDatabase(dataDirectory, conventions)
    }

    static func openOutbox(_ database: ShopDatabase, _ tracer: ServiceTracer) throws(Refusal) -> SQLiteOrderOutbox {
        do {
            return try database.outbox(tracer: tracer)
        } catch {
            throw Refusal(.cannotCreate, "The shop's outbox cannot be read: \(error.detail).")
        }
    }

    static func openBuffer(
        _ dataDirectory: String,
        _ maxBytes: Int,
        _ logger: Logger
    ) throws(Refusal) -> SpanBuffer {
        do {
            let buffer = try SpanBuffer(
                directory: telemetryDirectory(dataDirectory),
                configuration: BufferConfiguration(maxBytes: maxBytes),
                logger: logger
            )
            return buffer
        } catch let error as NewerSchema {
            throw Refusal(.dataError, "The span buffer cannot be opened: \(error).")
        } catch {
            throw Refusal(.cannotCreate, "The span buffer cannot be opened: \(SpanBuffer.words(of: error)).")
        }
    }

    /// To the ingress, which may be a continent away, behind a tired Wi-Fi.
    static func openUplink() throws(Refusal) -> CurlClient {
        try openTransport(
            CurlClient.Configuration(
                connectTimeout: .seconds(10),
                userAgent: "popshop/\(Identity.version)",
                givesWay: true
            )
        )
    }

    private static func openTransport(
        _ configuration: CurlClient.Configuration = .init()
    ) throws(Refusal) -> CurlClient {
        do {
            return try CurlClient(configuration: configuration)
        } catch {
            throw Refusal(.unavailable, "The HTTP client cannot start: \(error.message).")
        }
    }
}
