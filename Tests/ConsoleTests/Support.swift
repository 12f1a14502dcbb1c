import Console
import ConsoleAPI
import FoundationEssentials
import HTTPClient
import HTTPTypes
import Logging
import ServiceKit
import ServiceLifecycle
import ServiceTracing
import ShopAPI
import Storage
import Synchronization
import Testing
import Tracing

@testable import TelemetryBuffer

/// Some moment on 2026-11-22, in nanoseconds since 1970.
let noon: UInt64 = 1_795_377_791_123_456_789

/// A wall clock that stands still.
struct FrozenClock: TraceClock {
    let wall = noon
    var monotonic: UInt64 { 0 }
}

/// An empty folder, gone with the scope it was lent to.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let path = FileManager.default.temporaryDirectory.path + "/popshop-console-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// A console on a socket over a buffer with three traces, as a browser sees it.
struct Bench {
    let client: CurlClient
    let url: String
    let buffer: SpanBuffer
    let reader: TraceReader
    let sync: IdleSync

    struct Settings {
        var lanes = ConfiguredLanes(orders: true, spans: false)
        var token: String?
        var orders = OutboxCounts()
        var settled: [SettledOrder] = []
        var spansFail = false
        /// Where the shop page's services are; by default nowhere.
        var services = ServiceURLs(portOffset: -7_000)
        var topics: [LiveTopic] = []
        var limits = LiveFeed.Limits()
    }

    static func run(
        _ settings: Settings = Settings(),
        adding: (ServiceRouter, ServiceTracer) -> Void = { _, _ in },
        _ body: (Bench) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let buffer = try SpanBuffer(directory: folder, logger: logger)
            let sync = IdleSync(lanes: settings.lanes)
            let controller = ConsoleController(
                sources: .init(
                    traces: TraceReader(directory: folder),
                    spans: {
                        if settings.spansFail { throw CancellationLookalike() }
                        return await buffer.counts()
                    },
                    orders: { settings.orders },
                    settled: { _ in settings.settled },
                    upstreamURL: { "https://upstream.example/\($0)?from=\($1.lowerBound)&to=\($1.upperBound)" }
                ),
                sync: sync,
                edgeID: "8f14e45fceea167a5a36dedd4bea2543",
                clock: FrozenClock()
            )
            let tracer = ServiceTracer(
                resource: Resource(attributes: ["service.name": "console"]),
                processor: buffer
            )
            let router = ServiceRouter(
                .console,
                tracer: tracer,
                gate: AdminGate(token: settings.token),
                isProbe: ConsoleController.isProbe
            )
            controller.addRoutes(to: router)
            PagesController().addRoutes(to: router)
            let feed = LiveFeed(
                topics: settings.topics,
                traces: TraceReader(directory: folder),
                limits: settings.limits,
                interval: .milliseconds(5)
            )
            feed.addRoutes(to: router)
            let client = try CurlClient()
            let caller = ServiceCaller(transport: client, tracer: tracer, urls: settings.services)
            StorefrontController(caller: caller).addRoutes(to: router)
            adding(router, tracer)
            let outcome: Result<Void, any Error>
            do {
                try await serve(router, feed, logger) { port in
                    let bench = Bench(
                        client: client,
                        url: "http://127.0.0.1:\(port)",
                        buffer: buffer,
                        reader: TraceReader(directory: folder),
                        sync: sync
                    )
                    try await body(bench)
                }
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await client.shutDown()
            await buffer.close()
            try outcome.get()
        }
    }

    private static func serve(
        _ router: ServiceRouter,
        _ feed: LiveFeed,
        _ logger: Logger,
        _ body: (Int) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let application = buildApplication(router, at: ListenAddress(host: "127.0.0.1", port: 0), logger: logger) {
            continuation.yield($0)
        }
        let group = ServiceGroup(configuration: .init(services: [application, feed], logger: logger))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(port)) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    /// Status, headers and the body as JSON (null where it is none).
    struct Answer {
        let status: Int
        let headers: HTTPFields
        let text: String
        let json: JSONValue

        var code: String? { json["code"].text }
    }

    func get(_ path: String, _ headers: HTTPFields = [:]) async throws -> Answer {
        try await send(.get, path, headers)
    }

    func post(_ path: String, _ body: String = "", _ headers: HTTPFields = [:]) async throws -> Answer {
        var headers = headers
        if !body.isEmpty { headers[.contentType] = "application/json" }
        return try await send(.post, path, headers, body)
    }

    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ headers: HTTPFields = [:],
        _ body: String = ""
    ) async throws -> Answer {
        let response = try await client.send(
            OutgoingRequest(method: method, url: url + path, headers: headers, body: Array(body.utf8))
        )
        return Answer(
            status: response.status.code,
            headers: response.headers,
            text: String(decoding: response.body, as: UTF8.self),
            json: (try? JSON.decoder.decode(JSONValue.self, from: Data(response.body))) ?? .null
        )
    }

    /// The answer as it came.
    func raw(_ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields) async throws -> IncomingResponse {
        try await client.send(OutgoingRequest(method: method, url: url + path, headers: headers))
    }

    /// Puts spans into the buffer: a checkout that failed, a fast browse an hour later, and one from the next second.
    func fill() async throws {
        let root = try Self.context(1, 1)
        buffer.onEnd(Self.span("load-generator", "journey checkout", root, kind: .internal, at: 0, for: 900))
        let call = try Self.context(1, 2)
        buffer.onEnd(Self.span("load-generator", "POST /checkout", call, kind: .client, parent: root, at: 1, for: 800))
        let server = try Self.context(1, 3)
        let link = try Self.context(9, 9)
        let failed = SpanData(
            name: "POST /checkout",
            kind: .server,
            context: server,
            parentSpanID: call.spanID,
            startTime: noon + 2_000_000,
            endTime: noon + 700_000_000,
            attributes: [
                "http.response.status_code": 500, "ratio": 0.5, "retry": true, "error.type": "boom",
                "list": .ints([1, 2]), "words": .strings(["a"]), "odd": .double(.infinity),
            ],
            events: [Event(name: "restock", time: noon + 3_000_000, attributes: ["quantity": 50])],
            links: [Link(context: link, attributes: ["why": "order"])],
            outcome: .error("It broke."),
            resource: Resource(attributes: ["service.name": "checkout"])
        )
        buffer.onEnd(failed)
        let query = try Self.context(1, 4)
        buffer.onEnd(
            Self.span(
                "checkout",
                "INSERT orders",
                query,
                kind: .client,
                parent: server,
                at: 5,
                for: 100,
                ["db.system.name": "sqlite"]
            )
        )
        buffer.onEnd(
            Self.span("product-catalog", "GET /products", try Self.context(2, 1), kind: .server, at: 3_600_000, for: 12)
        )
        buffer.onEnd(
            Self.span("product-catalog", "GET /products", try Self.context(3, 1), kind: .server, at: 3_601_000, for: 15)
        )
        try await buffer.flush()
    }

    static func context(_ trace: UInt64, _ span: UInt64) throws -> SpanContext {
        SpanContext(traceID: try #require(TraceID(high: trace, low: 1)), spanID: try #require(SpanID(span)))
    }

    private static func span(
        _ service: String,
        _ name: String,
        _ context: SpanContext,
        kind: SpanKind,
        parent: SpanContext? = nil,
        at milliseconds: UInt64,
        for duration: UInt64,
        _ attributes: Attributes = [:]
    ) -> SpanData {
        let start = noon + milliseconds * 1_000_000
        return SpanData(
            name: name,
            kind: kind,
            context: context,
            parentSpanID: parent?.spanID,
            startTime: start,
            endTime: start + duration * 1_000_000,
            attributes: attributes,
            resource: Resource(attributes: ["service.name": .string(service)])
        )
    }
}

struct CancellationLookalike: Error, CustomStringConvertible {
    let description = "SQLite error 11: database disk image is malformed - while executing `SELECT secret FROM /path`"
}

extension JSONValue {
    subscript(key: String) -> JSONValue {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }

    subscript(place: Int) -> JSONValue {
        if case .array(let values) = self, values.indices.contains(place) { values[place] } else { .null }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Int { if case .int(let number) = self { Int(number) } else { -1 } }
    var count: Int { if case .array(let values) = self { values.count } else { -1 } }
    var keys: Set<String> { if case .object(let members) = self { Set(members.keys) } else { [] } }
}

func json(_ text: String) throws -> JSONValue {
    try JSON.decoder.decode(JSONValue.self, from: Data(text.utf8))
}
