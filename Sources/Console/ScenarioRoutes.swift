import Commerce
public import ConsoleAPI
public import Faults
import HTTPClient
import HTTPTypes
import Hummingbird
import NIOCore
public import ServiceKit
public import ShopAPI

/// The console's part in scenarios and traffic, which are the load generator's, and the one red button.
public struct ScenarioRoutes: Sendable {
    private let generator: LoadGeneratorClient
    private let faults: any FaultControl
    private let sync: any SyncControl

    public init(generator: LoadGeneratorClient, faults: any FaultControl, sync: any SyncControl) {
        self.generator = generator
        self.faults = faults
        self.sync = sync
    }

    /// Adds the routes.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/api/scenarios") { _, _ in try await .json(generator.scenarios()) }
        router.postAdmin("/api/scenario") { request, _ in
            let (command, body) = try await request.decodeWithText(ScenarioCommand.self)
            return Self.passedOn(try await generator.post(command.action.path, body))
        }
        router.get("/api/traffic") { _, _ in try await .json(generator.traffic()) }
        router.postAdmin("/api/traffic") { request, _ in
            let (_, body) = try await request.decodeWithText(TrafficRequest.self)
            return Self.passedOn(try await generator.post("/admin/traffic", body))
        }
        router.postAdmin("/api/reset") { request, _ in
            try await request.readNothing()
            return try .json(try await reset())
        }
    }

    /// Everything that can be put right is, also when something else cannot.
    private func reset() async throws -> ResetAnswer {
        // The scenario first: it would switch its faults on again.
        let scenario = await outcome { try await generator.reset() }
        let switches = await outcome { try await faults.reset() }
        await sync.setSwitchedOff(false)
        try switches.get()
        let status = try scenario.get()
        return ResetAnswer(mode: .normal, network_online: true, status: status, traffic: try await generator.traffic())
    }

    private func outcome<Value>(_ body: () async throws -> Value) async -> Result<Value, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    /// The load generator's own answer: its errors are about what the caller has sent.
    private static func passedOn(_ answer: IncomingResponse) -> Response {
        let body = ByteBuffer(bytes: answer.body)
        return Response(
            status: answer.status,
            headers: [.contentType: "application/json", .contentLength: "\(body.readableBytes)"],
            body: ResponseBody(byteBuffer: body)
        )
    }
}
