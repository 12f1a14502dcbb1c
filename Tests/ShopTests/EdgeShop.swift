import FoundationEssentials
import HTTPClient
import HTTPTypes
import Logging
import ServiceLifecycleTestKit
import ServiceTracing
import Shop
import ShopAPI
import Synchronization
import TelemetryBuffer

/// The whole shop, as `popshop demo` runs it, in this process: on free ports and a data directory of its own.
struct EdgeShop: Sendable {
    let options: ShopOptions
    let dataDirectory: String
    let client: CurlClient

    /// Opens a shop, runs the body once every service takes requests, closes the shop as SIGTERM does, and runs the
    /// second body on what it left behind.
    static func run(
        environment: [String: String] = [:],
        restocks: Bool = true,
        _ body: @escaping @Sendable (EdgeShop) async throws -> Void,
        after: @Sendable (EdgeShop) async throws -> Void = { _ in }
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/popshop-test-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var settings = try Settings(environment: environment)
        settings.dataDirectory = directory
        let options = ShopOptions(portOffset: freePortOffset(), restocks: restocks)
        let client = try CurlClient()
        let edge = EdgeShop(options: options, dataDirectory: directory, client: client)
        try await testGracefulShutdown { trigger in
            let shop = try Shop(
                settings: settings,
                options: options,
                directory: DataDirectory(path: directory),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { isReady.finish() }
                    try await shop.run { isReady.yield() }
                }
                for await _ in ready {
                    group.addTask {
                        defer { trigger.triggerGracefulShutdown() }
                        try await body(edge)
                    }
                    break
                }
                try await group.waitForAll()
            }
        }
        await client.shutDown()
        try await after(edge)
    }

    /// The spans that are on disk.
    var traces: TraceReader { TraceReader(directory: Shop.telemetryDirectory(dataDirectory)) }

    func get(_ service: ServiceName, _ path: String, headers: HTTPFields = [:]) async throws -> IncomingResponse {
        try await client.send(OutgoingRequest(url: url(service, path), headers: headers, timeout: .seconds(30)))
    }

    func post(
        _ service: ServiceName,
        _ path: String,
        _ body: String = "{}",
        headers: HTTPFields = [:]
    ) async throws -> IncomingResponse {
        var headers = headers
        headers[.contentType] = "application/json"
        let request = OutgoingRequest(
            method: .post,
            url: url(service, path),
            headers: headers,
            body: Array(body.utf8),
            timeout: .seconds(120)
        )
        return try await client.send(request)
    }

    private func url(_ service: ServiceName, _ path: String) -> String { options.localURL(of: service) + path }

    /// An offset with all of the shop's ports free, below those that Linux gives to outgoing connections and those of
    /// `CrashTests`. Another process may still take one; tests of one run do not, since each is handed out once.
    private static func freePortOffset() -> Int {
        while true {
            let offset = Int.random(in: 200..<590) * 25
            guard handedOut.withLock({ $0.insert(offset).inserted }) else { continue }
            let isFree = ServiceName.allCases.allSatisfy {
                Ports.problem(host: "127.0.0.1", port: $0.port + offset) == nil
            }
            if isFree { return offset }
        }
    }

    private static let handedOut = Mutex<Set<Int>>([])
}

extension IncomingResponse {
    func json<Message: Decodable>(_ type: Message.Type = Message.self) throws -> Message {
        try JSON.decoder.decode(type, from: Data(body))
    }

    /// The trace the answer names in its `traceresponse`.
    var traceID: TraceID? {
        guard let name = HTTPField.Name("traceresponse"), let value = headers[name] else { return nil }
        return SpanContext(traceParent: value)?.traceID
    }
}
