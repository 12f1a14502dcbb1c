import Commerce
import FoundationEssentials
import HTTPClient
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import ServiceKit
import ServiceTracing
import ShopAPI
import Storage
import Synchronization

@testable import LoadGeneratorService

/// Settings that nobody else has.
final class FakeSettings: SettingsStore {
    private let rows = Mutex<[String: String]>([:])

    func settings(prefix: String) async throws -> [String: String] {
        rows.withLock { $0.filter { $0.key.hasPrefix(prefix) } }
    }

    func change(_ settings: [String: String?]) async throws {
        rows.withLock { rows in
            for (name, value) in settings { rows[name] = value }
        }
    }
}

/// The load generator's routes before a made-up shop.
struct Desk: Sendable {
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPFields
        let body: [UInt8]

        func read<Message: Decodable>(_ type: Message.Type) throws -> Message {
            try JSON.decoder.decode(type, from: Data(body))
        }

        /// The members of the body.
        var fields: [String: JSONValue] {
            get throws { try read([String: JSONValue].self) }
        }
    }

    let bench: Bench
    let settings = FakeSettings()
    let player: ScenarioPlayer
    private let responder: RouterResponder<ShopRequestContext>

    init(_ shop: FakeShop = FakeShop(), limits: LoadGenerator.Limits = .init(), token: String? = nil) throws {
        bench = try Bench(shop, limits: limits)
        let router = ServiceRouter(.loadGenerator, tracer: bench.tracer, gate: AdminGate(token: token))
        LoadGeneratorController(
            generator: bench.generator,
            mode: DemoModeFollower(settings),
            prober: ServiceCaller(transport: shop, tracer: bench.tracer, urls: ServiceURLs(), timeout: .seconds(1))
        )
        .addRoutes(to: router)
        player = ScenarioPlayer(generator: bench.generator, faults: FakeFaults(), clock: bench.clock)
        ScenarioController(
            book: try .fixture(.fixture()),
            generator: bench.generator,
            player: player,
            startingTraffic: 30
        )
        .addRoutes(to: router)
        responder = router.buildResponder()
    }

    func get(_ path: String) async throws -> Answer { try await ask(.get, path) }

    func post(_ path: String, _ body: String = "", _ headers: HTTPFields = [:]) async throws -> Answer {
        try await ask(.post, path, body, headers)
    }

    private func ask(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        _ headers: HTTPFields = [:]
    ) async throws -> Answer {
        let head = HTTPRequest(method: method, scheme: "http", authority: "shop", path: path, headerFields: headers)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(string: body)))
        let source = ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: Logger(label: "test"))
        let response = try await responder.respond(to: request, context: ShopRequestContext(source: source))
        let page = Page()
        try await response.body.write(page)
        return Answer(status: response.status.code, headers: response.headers, body: page.bytes)
    }
}

/// Collects an answer's body.
private final class Page: ResponseBodyWriter {
    private(set) var bytes: [UInt8] = []

    func write(_ buffer: ByteBuffer) { bytes += buffer.readableBytesView }
    func finish(_ trailingHeaders: HTTPFields?) {}
}
