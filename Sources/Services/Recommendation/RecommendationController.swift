import Commerce
import Hummingbird
public import ServiceKit
public import ShopAPI

/// `recommendation`: rules over what the catalog says; the same input gives the same answer.
public struct RecommendationController: Sendable {
    private let catalog: CatalogClient
    private let mode: DemoModeFollower

    public init(catalog: CatalogClient, mode: DemoModeFollower) {
        self.catalog = catalog
        self.mode = mode
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.post("/recommendations") { request, _ in
            try await recommend(request.decode(RecommendationRequest.self))
        }
        router.get("/recommendations") { request, _ in
            let query = request.query
            guard let user = try query.text("user_id") else {
                throw InputError(.malformed, "missing_parameter", "user_id is required.")
            }
            let (minimum, maximum) = (
                try query.number("price_min", in: 0...1e12) ?? 0, try query.number("price_max", in: 0...1e12) ?? 1000
            )
            guard minimum <= maximum else {
                throw InputError(.outOfRange, "out_of_range", "price_min must not be above price_max.")
            }
            let category = try query.text("category") ?? "electronics"
            return try await recommend(
                RecommendationRequest(user: UserID(rawValue: user), category: category, prices: minimum...maximum)
            )
        }
        router.addObservation(
            health: { ["mode": .string(mode.mode.rawValue)] },
            stats: { ["rules": .int(RecommendationRules.all.count)] }
        )
    }

    private func recommend(_ request: RecommendationRequest) async throws -> Response {
        let products = try await catalog.products(
            category: request.category,
            prices: request.price_range[0]...request.price_range[1],
            limit: 50
        )
        let answer = RecommendationAnswer(
            request: request,
            recommendations: RecommendationRules.best(of: products, for: request, limit: 5)
        )
        return try .json(answer)
    }
}
