import Commerce
import Console
import ConsoleAPI
import Faults
import FoundationEssentials
import HTTPClient
import HTTPTypes
import ServiceKit
import ServiceTracing
import ShopAPI
import Storage
import Synchronization
import Testing

/// The console passes scenarios and traffic on to the load generator, and has the one red button.
@Suite struct ScenarioRouteTests {
    @Test(arguments: ["start", "pause", "resume", "jump", "stop"])
    func `an action is passed on with the body as it came, and the answer as it is`(action: String) async throws {
        let generator = FakeGenerator(.init(status: .conflict, body: Array(#"{"code":"scenario_paused"}"#.utf8)))
        try await Bench.scenarios(generator) { bench in
            let body = "{\"definition\": {\n  \"name\": 1 },\n \"action\": \"\(action)\"}"
            let answer = try await bench.post("/api/scenario", body)
            #expect(answer.status == 409)
            #expect(answer.code == "scenario_paused")
            let request = try #require(generator.requests.first)
            #expect(request.url.hasSuffix("/admin/\(action)-demo"))
            #expect(String(decoding: request.body, as: UTF8.self) == body)
            #expect(request.headers[.authorization] == "Bearer secret")
        }
    }

    @Test(arguments: [
        (#"{"action":"rewind"}"#, 400, "unknown_action"), ("{}", 400, "missing_field"),
        (#"{"action":1}"#, 400, "wrong_type"), ("{", 400, "malformed_json"),
    ])
    func `an unknown action goes nowhere`(body: String, status: Int, code: String) async throws {
        let generator = FakeGenerator(.init(status: .ok))
        try await Bench.scenarios(generator) { bench in
            let answer = try await bench.post("/api/scenario", body)
            #expect(answer.status == status)
            #expect(answer.code == code)
            #expect(generator.requests.isEmpty)
        }
    }

    @Test(arguments: [#"{"requests_per_minute":6001}"#, #"{"requests_per_minute":-1}"#])
    func `a rate out of range goes nowhere`(body: String) async throws {
        let generator = FakeGenerator(.init(status: .ok))
        try await Bench.scenarios(generator) { bench in
            let answer = try await bench.post("/api/traffic", body)
            #expect(answer.status == 422)
            #expect(generator.requests.isEmpty)
        }
    }

    @Test func `what is played and the traffic are the load generator's word`() async throws {
        let list = ScenarioList(scenarios: [], status: ScenarioStatus())
        let generator = FakeGenerator(try .json(list))
        try await Bench.scenarios(generator) { bench in
            let answer = try await bench.get("/api/scenarios")
            #expect(answer.status == 200)
            #expect(answer.json["status"]["running"] == false)
            #expect(answer.json["status"].keys.contains("scenario"))
        }
        try await Bench.scenarios(FakeGenerator(.init(status: .badRequest))) { bench in
            let answer = try await bench.get("/api/traffic")
            #expect(answer.status == 502)
        }
    }

    @Test func `the red button puts everything right`() async throws {
        let generator = FakeGenerator { request in
            request.url.hasSuffix("/demo/reset")
                ? try .json(ScenarioStatus()) : try .json(TrafficRate(requests_per_minute: 30, running: true))
        }
        let faults = FakeFaults()
        let sync = IdleSync(lanes: .init(orders: true, spans: true), isSwitchedOff: true)
        try await Bench.scenarios(generator, faults, sync) { bench in
            let answer = try await bench.post("/api/reset")
            #expect(answer.status == 200)
            #expect(answer.json["mode"].text == "normal")
            #expect(answer.json["network_online"] == true)
            #expect(answer.json["traffic"]["requests_per_minute"] == 30)
            #expect(answer.json["status"]["running"] == false)
            #expect(faults.resets == 1)
            #expect(!sync.status().isSwitchedOff)
        }
    }

    @Test func `it puts right what can be when the load generator is away, and says so`() async throws {
        let faults = FakeFaults()
        let sync = IdleSync(lanes: .init(orders: true, spans: true), isSwitchedOff: true)
        try await Bench.scenarios(FakeGenerator(.init(status: .internalServerError)), faults, sync) { bench in
            let answer = try await bench.post("/api/reset")
            #expect(answer.status == 502)
            #expect(faults.resets == 1)
            #expect(!sync.status().isSwitchedOff)
        }
    }

    @Test(arguments: ["/api/scenario", "/api/traffic", "/api/reset"])
    func `a page of another site changes nothing`(path: String) async throws {
        let generator = FakeGenerator(.init(status: .ok))
        try await Bench.scenarios(generator) { bench in
            let answer = try await bench.post(path, "{}", [.origin: "http://evil.example"])
            #expect(answer.status == 403)
            #expect(generator.requests.isEmpty)
        }
    }
}

/// A load generator that a test makes up.
private final class FakeGenerator: HTTPTransport {
    private let kept = Mutex<[OutgoingRequest]>([])
    private let answer: @Sendable (OutgoingRequest) throws -> IncomingResponse

    init(_ answer: @escaping @Sendable (OutgoingRequest) throws -> IncomingResponse) { self.answer = answer }

    convenience init(_ answer: IncomingResponse) { self.init { _ in answer } }

    /// In the order they came.
    var requests: [OutgoingRequest] { kept.withLock { $0 } }

    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        kept.withLock { $0.append(request) }
        do { return try answer(request) } catch { throw HTTPTransportError(.badResponse, "\(error)") }
    }
}

private final class FakeFaults: FaultControl {
    private let count = Mutex(0)

    var resets: Int { count.withLock { $0 } }

    func settings() async throws -> FaultSet { FaultSet() }
    func set(_ settings: [FaultSetting]) async throws {}
    func clear(_ name: FaultName, services: [String]?) async throws {}
    func clear(_ settings: [FaultSetting]) async throws {}
    func clear(setBy origin: FaultOrigin) async throws {}
    func reset() async throws { count.withLock { $0 += 1 } }
    func mode() async throws -> DemoMode { .normal }
    func setMode(_ mode: DemoMode) async throws {}
}

extension IncomingResponse {
    fileprivate static func json(_ body: some Encodable) throws -> IncomingResponse {
        IncomingResponse(status: .ok, body: [UInt8](try JSON.encoder.encode(body)))
    }
}

extension Bench {
    /// A console before a made-up load generator that wants the token `secret`.
    fileprivate static func scenarios(
        _ generator: FakeGenerator,
        _ faults: FakeFaults = FakeFaults(),
        _ sync: IdleSync = IdleSync(lanes: .init(orders: true, spans: true)),
        _ body: (Bench) async throws -> Void
    ) async throws {
        let add: (ServiceRouter, ServiceTracer) -> Void = { router, tracer in
            ScenarioRoutes(
                generator: LoadGeneratorClient(
                    ServiceCaller(transport: generator, tracer: tracer, urls: ServiceURLs()),
                    token: "secret"
                ),
                faults: faults,
                sync: sync
            )
            .addRoutes(to: router)
        }
        try await run(adding: add, body)
    }
}
