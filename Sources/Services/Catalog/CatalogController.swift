import Commerce
import FoundationEssentials
import Hummingbird
public import ServiceKit
public import ShopAPI
public import Storage

/// `product-catalog`: what the shop sells.
public struct CatalogController: Sendable {
    private let store: any CatalogStore
    private let pool: @Sendable () -> PoolStats.Pool
    private let mode: DemoModeFollower

    /// - Parameter pool: The state of the pool the store reads with.
    public init(store: any CatalogStore, mode: DemoModeFollower, pool: @escaping @Sendable () -> PoolStats.Pool) {
        self.store = store
        self.mode = mode
        self.pool = pool
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/products") { request, _ in try await list(request.query) }
        router.get("/products/search") { request, _ in try await search(request.query) }
        router.get("/products/recommendations") { request, _ in try await recommendations(request.query) }
        router.get("/products/{id}") { _, context in try await product(context.pathValue("id")) }
        router.get("/categories") { _, _ in try await categories() }
        router.get("/admin/pool-stats") { _, _ in try .json(PoolStats(pool())) }
        router.addObservation(
            health: {
                _ = try await store.categories()
                return ["mode": .string(mode.mode.rawValue)]
            },
            stats: { ["pool": pool().json] }
        )
    }

    private func list(_ query: Query) async throws -> Response {
        let (minimum, maximum) = (try query.price("price_min"), try query.price("price_max"))
        if let minimum, let maximum, minimum.minorUnits > maximum.minorUnits {
            throw InputError(.outOfRange, "out_of_range", "price_min must not be above price_max.")
        }
        let products = try await store.products(
            matching: ProductQuery(
                category: try query.text("category"),
                minimumPrice: minimum,
                maximumPrice: maximum,
                limit: try query.integer("limit", default: 100, in: 1...1000)
            )
        )
        return try .json(ProductList(products))
    }

    private func product(_ id: String) async throws -> Response {
        // What is no number is no product's id either.
        guard let number = Int32(id), let product = try await store.product(ProductID(Int(number))) else {
            throw ServiceError.notFound("product", id)
        }
        return try .json(ProductMessage(product))
    }

    private func search(_ query: Query) async throws -> Response {
        guard let text = try query.text("q") else {
            throw InputError(.malformed, "missing_parameter", "q is required: the text to search for.")
        }
        let begun = ContinuousClock.now
        let products = try await store.products(containing: text, limit: 100)
        return try .json(
            SearchAnswer(
                products,
                warning: "Searching scans the whole table: no index can serve a text in the middle of a word.",
                milliseconds: (ContinuousClock.now - begun).milliseconds
            )
        )
    }

    private func recommendations(_ query: Query) async throws -> Response {
        let products = try await store.products(
            matching: ProductQuery(
                category: try query.text("category"),
                limit: try query.integer("limit", default: 5, in: 1...100)
            )
        )
        return try .json(ProductRecommendations(products))
    }

    private func categories() async throws -> Response {
        let categories = try await store.categories()
        return try .json(CategoryList(categories.map { CategoryList.Category(name: $0.name, count: $0.count) }))
    }
}

extension Query {
    /// A price in US dollars.
    fileprivate func price(_ name: String) throws -> Money? {
        try number(name, in: 0...1e12).map { try Money($0, in: .usd) }
    }
}
