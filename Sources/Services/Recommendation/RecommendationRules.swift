import ShopAPI

/// The rules, each with its weight and the reason it gives.
struct RecommendationRules {
    let reason: String
    let weight: Double
    /// How well a product fits, 0…1.
    let score: @Sendable (ProductMessage, RecommendationRequest) -> Double

    static let all: [RecommendationRules] = [
        RecommendationRules(reason: "Well within your budget", weight: 0.4) { product, request in
            let (low, high) = (request.price_range[0], request.price_range[1])
            guard high > low else { return 1 }
            return 1 - abs((product.price - low) / (high - low) - 0.4)
        },
        RecommendationRules(reason: "In stock and ready to ship", weight: 0.3) { product, _ in
            min(1, Double(product.stock_quantity) / 100)
        },
        RecommendationRules(reason: "Picked for you", weight: 0.3) { product, request in
            affinity(request.user_id, product.id)
        },
    ]

    /// The best first, equal ones by id, each with the reason of the rule that spoke loudest.
    static func best(
        of products: [ProductMessage],
        for request: RecommendationRequest,
        limit: Int
    ) -> [RecommendationAnswer.Recommendation] {
        let scored = products.map { product in
            let parts = all.map { (rule: $0, points: $0.weight * $0.score(product, request)) }
            let loudest = parts.max { $0.points < $1.points }
            let score = parts.reduce(0) { $0 + $1.points }
            return RecommendationAnswer.Recommendation(
                product: product,
                reason: loudest?.rule.reason ?? "",
                score: (max(0, min(1, score)) * 1000).rounded() / 1000
            )
        }
        return Array(
            scored.sorted { ($0.relevance_score, $1.product_id) > ($1.relevance_score, $0.product_id) }.prefix(limit)
        )
    }

    /// What a shopper is drawn to, 0…1: FNV-1a of the two, so that it is the same on every machine and every day.
    private static func affinity(_ user: String, _ product: Int) -> Double {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(user)/\(product)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Double(hash % 1000) / 999
    }
}
