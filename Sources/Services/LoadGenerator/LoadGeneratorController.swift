import Commerce
import FoundationEssentials
import Hummingbird
public import ServiceKit
import ServiceLifecycle
public import ShopAPI
import Tracing

/// `load-generator`: traffic and demo mode.
public struct LoadGeneratorController: Sendable {
    private let generator: LoadGenerator
    private let mode: DemoModeFollower
    private let survey: DemoModeSurvey

    /// - Parameter prober: Asks the other services for their health, so its time-out should be short.
    public init(
        generator: LoadGenerator,
        mode: DemoModeFollower,
        prober: ServiceCaller
    ) {
        self.generator = generator
        self.mode = mode
        survey = DemoModeSurvey(caller: prober)
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.postAdmin("/admin/generate-traffic") { request, _ in try await generateTraffic(request) }
        router.get("/admin/stats") { _, _ in try .json(generator.stats) }
        router.postAdmin("/admin/demo-mode") { request, _ in
            try await setMode(request.decode(DemoModeRequest.self).mode)
        }
        router.get("/admin/demo-mode") { _, _ in try await modes() }
        // These ask for nothing, but a body that is sent is read as any other.
        router.post("/api/products/browse") { request, _ in
            _ = try await request.decode([String: JSONValue].self)
            return try await make(JourneyBook.browse)
        }
        router.post("/api/checkout") { request, _ in
            _ = try await request.decode([String: JSONValue].self)
            return try await make(JourneyBook.checkout)
        }
        router.addObservation(
            of: mode,
            stats: {
                let traffic = try JSON.decoder.decode(JSONValue.self, from: JSON.encoder.encode(generator.stats))
                return ["traffic": traffic]
            }
        )
    }

    private func generateTraffic(_ request: Request) async throws -> Response {
        let waits = try request.query.flag("wait") ?? false
        let message = try await request.decode(GenerateTrafficRequest.self)
        let run = try generator.startRun(
            .constant(requestsPerMinute: message.requests_per_minute, seconds: message.duration_seconds)
        )
        guard waits else { return try .json(GenerateTrafficAnswer(started: run.id, message), status: .accepted) }
        // A run may last a day, and the server must not wait for that when it shuts down.
        let ended = try await cancelWhenGracefulShutdown { try await run.end() }
        return try .json(GenerateTrafficAnswer(ended: ended, message))
    }

    private func setMode(_ mode: DemoMode) async throws -> Response {
        try await self.mode.setMode(mode)
        return try .json(DemoModeAnswer(mode))
    }

    private func modes() async throws -> Response {
        let others = ServiceName.allCases.filter { ![.loadGenerator, .console].contains($0) }
        var services = await survey.modes(of: others)
        services[ServiceName.loadGenerator.rawValue] = mode.mode.rawValue
        return try .json(DemoModes(mode: mode.mode, services: services))
    }

    /// Within the trace of the request.
    private func make(_ journey: String) async throws -> Response {
        try await .json(generator.make(journey, in: .current ?? .topLevel))
    }
}
