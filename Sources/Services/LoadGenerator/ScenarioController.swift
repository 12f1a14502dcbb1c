import Hummingbird
public import ServiceKit
import ShopAPI

/// Scenarios and the background traffic, as routes of `load-generator`.
public struct ScenarioController: Sendable {
    private let book: ScenarioBook
    private let generator: LoadGenerator
    private let player: ScenarioPlayer
    private let startingTraffic: Int

    /// - Parameters:
    ///   - startingTraffic: Journeys a minute in the background, which a reset goes back to.
    public init(book: ScenarioBook, generator: LoadGenerator, player: ScenarioPlayer, startingTraffic: Int) {
        self.book = book
        self.generator = generator
        self.player = player
        self.startingTraffic = startingTraffic
    }

    /// For `ServiceRouter`: the console asks for these every second, and that is no traffic.
    public static let isProbe: @Sendable (_ route: String) -> Bool = { route in
        ["/admin/scenarios", "/admin/demo-status", "/admin/traffic"].contains(route)
    }

    /// Adds the routes.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/admin/scenarios") { _, _ in
            try await .json(ScenarioList(scenarios: book.all.map(\.summary), status: player.status))
        }
        router.get("/admin/demo-status") { _, _ in try await .json(player.status) }
        router.postAdmin("/admin/start-demo") { request, _ in try await start(request) }
        router.postAdmin("/admin/pause-demo") { request, _ in
            try await request.readNothing()
            return try await .json(player.pause())
        }
        router.postAdmin("/admin/resume-demo") { request, _ in
            try await request.readNothing()
            return try await .json(player.resume())
        }
        router.postAdmin("/admin/stop-demo") { request, _ in
            try await request.readNothing()
            return try await .json(player.stop())
        }
        router.postAdmin("/admin/jump-demo") { request, _ in
            let phase = try await request.decode(JumpRequest.self).phase
            return try await .json(player.jump(to: phase))
        }
        router.get("/admin/traffic") { _, _ in try .json(generator.backgroundTraffic) }
        router.postAdmin("/admin/traffic") { request, _ in
            let rate = try await request.decode(TrafficRequest.self).requests_per_minute
            generator.setBackgroundTraffic(requestsPerMinute: rate)
            return try .json(generator.backgroundTraffic)
        }
        router.postAdmin("/demo/reset") { request, _ in
            try await request.readNothing()
            let status = await player.reset()
            generator.setBackgroundTraffic(requestsPerMinute: startingTraffic)
            return try .json(status)
        }
    }

    private func start(_ request: Request) async throws -> Response {
        let (message, body) = try await request.decodeWithText(StartScenarioRequest.self)
        let scenario = try definition(body) ?? known(message.scenario)
        let timeline = ScenarioTimeline(scenario, minutes: message.duration_minutes, peakRPM: message.peak_rpm)
        return try await .json(player.start(timeline, seed: message.seed))
    }

    private func known(_ name: String) throws(ServiceError) -> Scenario {
        if let scenario = book[name] { return scenario }
        let names = book.all.map(\.name).joined(separator: ", ")
        throw ServiceError(.badRequest, "unknown_scenario", "scenario must be one of \(names).")
    }

    /// A scenario that comes with the request: a mistake is told by its line there.
    private func definition(_ body: [UInt8]) throws(ServiceError) -> Scenario? {
        do {
            guard !body.isEmpty, case .object(let members) = try LocatedJSON(body).value,
                let member = members.first(where: { $0.name == "definition" })
            else { return nil }
            return try Scenario(member.value, at: "definition", book: book.journeys)
        } catch {
            throw ServiceError(.badRequest, "invalid_scenario", error.description)
        }
    }
}
