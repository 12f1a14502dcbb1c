import Commerce
import Hummingbird
public import ServiceKit
import ServiceTracing
public import ShopAPI

/// `recommendation`: rules over what the catalog says; the same input gives the same answer.
public struct RecommendationController: Sendable {
    private let catalog: CatalogClient
    private let mode: DemoModeFollower
    private let faults: RecommendationFaults

    /// - Parameter hoard: What `memory-growth` keeps; whoever runs the service empties it when that is off.
    public init(catalog: CatalogClient, mode: DemoModeFollower, hoard: MemoryHoard = MemoryHoard()) {
        self.catalog = catalog
        self.mode = mode
        faults = RecommendationFaults(
            faults: mode.faults(of: ServiceName.recommendation.rawValue),
            catalog: catalog,
            hoard: hoard
        )
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.post("/recommendations") { request, context in
            try await recommend(request.decode(RecommendationRequest.self), context.span)
        }
        router.get("/recommendations") { request, context in
            let query = request.query
            guard let user = try query.text("user_id") else {
                throw InputError(.malformed, "missing_parameter", "user_id is required.")
            }
            let category = try query.text("category") ?? "electronics"
            return try await recommend(
                RecommendationRequest(
                    user: UserID(rawValue: user),
                    category: category,
                    prices: try Self.prices(query.text("price_range"))
                ),
                context.span
            )
        }
        router.addObservation(
            of: mode,
            stats: {
                let cache = faults.cache.statistics
                return [
                    "rules": .int(RecommendationRules.all.count),
                    "cache": .object([
                        "entries": .int(cache.entries), "hits": .int(cache.hits), "misses": .int(cache.misses),
                    ]),
                ]
            }
        )
    }

    /// `price_range=0,1000`, with or without the brackets that it has in JSON.
    private static func prices(_ text: String?) throws -> ClosedRange<Double> {
        guard let text else { return 0...1000 }
        let ends = text.filter { !"[] ".contains($0) }.split(separator: ",", omittingEmptySubsequences: false)
            .map { Double($0) }
        guard ends.count == 2, let low = ends[0], let high = ends[1] else {
            throw InputError(.malformed, "wrong_type", "price_range must be two numbers with a comma between them.")
        }
        guard low >= 0, low <= high, high <= 1e12 else {
            throw InputError(
                .outOfRange,
                "out_of_range",
                "price_range must be two prices, the lower one first, neither negative."
            )
        }
        return low...high
    }

    private func recommend(_ request: RecommendationRequest, _ span: RecordedSpan?) async throws -> Response {
        let products = try await catalog.products(
            category: request.category,
            prices: request.price_range[0]...request.price_range[1],
            limit: 50
        )
        try await faults.act(on: products, span)
        let answer = RecommendationAnswer(
            request: request,
            recommendations: RecommendationRules.best(of: products, for: request, limit: 5)
        )
        return try .json(answer)
    }
}
