import Commerce
import Faults
import FoundationEssentials
import Hummingbird
public import ServiceKit
import ServiceTracing
public import ShopAPI
public import Storage

/// `product-catalog`: what the shop sells.
public struct CatalogController: Sendable {
    private let store: any CatalogStore
    private let pool: @Sendable () -> PoolStats.Pool
    private let mode: DemoModeFollower
    private let faults: ServiceFaults

    /// - Parameter pool: The state of the pool the store reads with.
    public init(store: any CatalogStore, mode: DemoModeFollower, pool: @escaping @Sendable () -> PoolStats.Pool) {
        self.store = store
        self.mode = mode
        self.pool = pool
        faults = mode.faults(of: ServiceName.productCatalog.rawValue)
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/products") { request, _ in try await list(request.query) }
        router.get("/products/search") { request, _ in try await search(request.query) }
        router.get("/products/recommendations") { request, _ in try await recommendations(request.query) }
        router.get("/products/{id}") { _, context in
            try await product(context.pathValue("id"), context.span)
        }
        router.get("/categories") { _, _ in try await categories() }
        router.get("/admin/pool-stats") { _, _ in try .json(PoolStats(pool())) }
        addFaultRoutes(to: router)
        router.addObservation(
            of: mode,
            health: {
                _ = try await store.categories()
                return [:]
            },
            stats: { ["pool": pool().json] }
        )
    }

    private func addFaultRoutes(to router: ServiceRouter) {
        let service = router.service
        router.postAdmin("/admin/simulate-slow-queries") { request, _ in
            let message = try await request.decode(SlowQueriesRequest.self)
            try await mode.set(.slowQueries, in: service, strength: message.duration_ms, option: "sleep")
            return try .json(FaultAnswer("Every query takes \(message.duration_ms) ms longer."))
        }
        router.postAdmin("/admin/disable-slow-queries") { request, _ in
            _ = try await request.decode([String: JSONValue].self)
            try await mode.clear(.slowQueries, services: [service.rawValue])
            return try .json(FaultAnswer("Queries are as fast as they are."))
        }
        router.postAdmin("/admin/simulate-pool-exhaustion") { request, _ in
            let count = try await request.decode(ExhaustPoolRequest.self).connections ?? pool().max_connections
            try await mode.set(.poolExhaustion, in: service, strength: count, option: "connections")
            return try .json(FaultAnswer("\(count) connections are held, or as many as there are."))
        }
        router.postAdmin("/admin/release-connections") { request, _ in
            _ = try await request.decode([String: JSONValue].self)
            try await mode.clear(.poolExhaustion, services: [service.rawValue])
            return try .json(FaultAnswer("The connections are given back."))
        }
        router.postFaultReset("/demo/reset", mode)
    }

    private func list(_ query: Query) async throws -> Response {
        let lowest = try query.number("price_min", in: 0...1e12)
        let highest = try query.number("price_max", in: 0...1e12)
        if let lowest, let highest, lowest > highest {
            throw InputError(.outOfRange, "out_of_range", "price_min must not be above price_max.")
        }
        let products = try await store.products(
            matching: ProductQuery(
                category: try query.text("category"),
                minimumPrice: try lowest.map { try Money(dollars: $0, rounded: .up) },
                maximumPrice: try highest.map { try Money(dollars: $0, rounded: .down) },
                limit: try query.integer("limit", default: 100, in: 1...1000)
            )
        )
        return try .json(ProductList(products))
    }

    private func product(_ id: String, _ span: RecordedSpan?) async throws -> Response {
        if let broken = faults[.catalogError]?.strength, Int(id) == broken {
            faults.mark(span, .catalogError)
            faults.count(.catalogError, isError: true)
            throw ServiceError(
                .internalServerError,
                "product_unreadable",
                "The product cannot be shown.",
                cause: "catalog-error is on for product \(broken)"
            )
        }
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

extension Money {
    /// An end of a range of prices: between two cents the one that lets nothing pass which is out of it.
    fileprivate init(dollars: Double, rounded rule: FloatingPointRoundingRule) throws {
        let nearest = try Money(dollars, in: .usd)
        let cents =
            switch rule {
            case .up where nearest.majorUnits < dollars: nearest.minorUnits + 1
            case .down where nearest.majorUnits > dollars: nearest.minorUnits - 1
            default: nearest.minorUnits
            }
        self.init(minorUnits: cents, currency: .usd)
    }
}
