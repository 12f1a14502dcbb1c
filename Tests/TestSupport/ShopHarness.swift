public import ConnectionPool
import HTTPClient
public import HTTPTypes
public import SQLiteStorage
public import ServiceKit
public import ShopAPI

/// The shop's services in this process, over real sockets, on a fresh database: what `popshop demo` runs, but for the
/// ports, and with the spans kept in memory.
public final class ShopHarness: Sendable {
    /// What is different from a shop as it comes.
    public struct Options: Sendable {
        public var restocks = true
        public var adminToken: String?
        /// Of one call from one service to another.
        public var callTimeout = Duration.seconds(20)
        public var pool = PoolConfiguration()
        /// Where a service is to be found instead of where it runs.
        public var elsewhere: [ServiceName: String] = [:]

        public init() {}
    }

    /// Those that a harness runs.
    public static let services: [ServiceName] = [
        .currency, .shipping, .ad, .productCatalog, .recommendation, .cart, .checkout,
    ]

    public let spans = SpanCollector()
    public let database: ShopDatabase
    public let mode: DemoModeFollower
    private let directory: TemporaryDirectory
    private let client: CurlClient
    private let services: [ServiceName: RunningService]
    private let payment: RunningService

    private init(_ options: Options) async throws {
        directory = try TemporaryDirectory()
        database = try ShopDatabase(path: directory.file("shop.sqlite"))
        client = try CurlClient()
        mode = DemoModeFollower(database)
        var builder = HarnessBuilder(options, database, mode, client, spans)
        var services: [ServiceName: RunningService] = [:]
        for service in Self.services where service != .checkout {
            services[service] = try await builder.start(service)
        }
        // The checkout calls the payment provider over HTTP, which is itself: a second one of it takes those calls,
        // since nobody knows a free port before it is taken.
        payment = try await builder.start(.checkout)
        services[.checkout] = try await builder.start(.checkout)
        self.services = services
    }

    /// Runs the shop while the body runs.
    public static func run<Result>(
        _ options: Options = Options(),
        _ body: (ShopHarness) async throws -> Result
    ) async throws -> Result {
        let shop = try await ShopHarness(options)
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(shop))
        } catch {
            outcome = .failure(error)
        }
        await shop.stop()
        return try outcome.get()
    }

    /// The URL of a running service, without a slash at the end.
    public func url(_ service: ServiceName) -> String { services[service]?.url ?? "" }

    /// The port of a running service.
    public func port(_ service: ServiceName) -> Int { services[service]?.port ?? 0 }

    /// Sends a request and returns the answer, whatever its status. A body is `application/json` unless the headers
    /// say otherwise.
    public func send(
        _ method: HTTPRequest.Method,
        _ service: ServiceName,
        _ path: String,
        _ body: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        var request = OutgoingRequest(method: method, url: url(service) + path, timeout: .seconds(60))
        if let body {
            request.body = Array(body.utf8)
            request.headers[.contentType] = "application/json"
        }
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { request.headers[name] = value }
        }
        return HTTPAnswer(try await client.send(request))
    }

    public func get(_ service: ServiceName, _ path: String) async throws -> HTTPAnswer {
        try await send(.get, service, path)
    }

    public func post(_ service: ServiceName, _ path: String, _ body: String? = nil) async throws -> HTTPAnswer {
        try await send(.post, service, path, body)
    }

    private func stop() async {
        await client.shutDown()
        await withTaskGroup(of: Void.self) { group in
            for service in Array(services.values) + [payment] { group.addTask { await service.stop() } }
        }
        try? await database.close()
    }
}
