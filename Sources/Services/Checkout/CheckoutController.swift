import Commerce
import Faults
import Hummingbird
public import ServiceKit
public import ShopAPI
public import Storage

/// `checkout`: orders and the simulated payment provider.
public struct CheckoutController: Sendable {
    private let store: any OrderStore
    private let purchase: Purchase
    private let provider: PaymentProvider
    private let pool: @Sendable () -> PoolStats.Pool
    private let mode: DemoModeFollower

    /// - Parameter pool: The state of the pool the store reads with.
    public init(
        store: any OrderStore,
        purchase: Purchase,
        provider: PaymentProvider,
        mode: DemoModeFollower,
        pool: @escaping @Sendable () -> PoolStats.Pool
    ) {
        self.store = store
        self.purchase = purchase
        self.provider = provider
        self.mode = mode
        self.pool = pool
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.post("/checkout") { request, context in try await checkout(request, context) }
        router.post("/orders/create") { request, context in
            let order = try await purchase.order(request.decode(CreateOrderRequest.self), on: context.span)
            return try .json(CreateOrderAnswer(order), status: .created)
        }
        router.get("/orders") { request, _ in try await orders(request.query) }
        router.get("/orders/popular-products") { request, _ in try await popular(request.query) }
        router.get("/orders/{order_id}") { _, context in try await order(context.pathValue("order_id")) }
        router.post("/payments/authorize") { request, context in
            let payment = try await request.decode(PaymentRequest.self)
            return try .json(provider.authorize(payment, on: context.span))
        }
        router.get("/admin/pool-stats") { _, _ in try .json(PoolStats(pool())) }
        addFaultRoutes(to: router)
        router.addObservation(
            of: mode,
            health: {
                try await store.checkPlace()
                _ = try await store.popularProducts(limit: 1)
                return [:]
            },
            stats: stats
        )
    }

    private func addFaultRoutes(to router: ServiceRouter) {
        let service = router.service
        router.postAdmin("/demo/enable-slow-queries") { request, _ in
            let message = try await request.decode(DelayRequest.self)
            try await mode.set(.slowQueries, in: service, strength: message.delay_ms, option: "sleep")
            return try .json(FaultAnswer("Every query takes \(message.delay_ms) ms longer."))
        }
        router.postAdmin("/demo/simulate-pool-exhaustion") { request, _ in
            let count = try await request.decode(ExhaustPoolRequest.self).connections ?? pool().max_connections
            try await mode.set(.poolExhaustion, in: service, strength: count, option: "connections")
            return try .json(FaultAnswer("\(count) connections are held, or as many as there are."))
        }
        router.postFaultReset("/demo/reset", mode)
    }

    private func checkout(_ request: Request, _ context: ShopRequestContext) async throws -> Response {
        let key = try IdempotencyHeader.read(request.headers)
        let message = try await request.decode(CheckoutRequest.self)
        switch try await purchase.checkout(message, key: key, on: context.span) {
        case .created(let order, _): return try .json(OrderAnswer(order), status: .created)
        case .replayed(let order): return try .json(OrderAnswer(order, status: .placed))
        }
    }

    private func order(_ text: String) async throws -> Response {
        guard let id = OrderID(text), let order = try await store.order(id) else {
            throw ServiceError.notFound("order", text)
        }
        return try .json(OrderAnswer(order))
    }

    private func orders(_ query: Query) async throws -> Response {
        let orders = try await store.orders(
            of: try query.text("user_id").map(UserID.init),
            limit: try query.integer("limit", default: 20, in: 1...500)
        )
        return try .json(OrderList(orders.map { OrderAnswer($0) }))
    }

    private func popular(_ query: Query) async throws -> Response {
        let limit = try query.integer("limit", default: 10, in: 1...100)
        let products = try await store.popularProducts(limit: limit).map { product in
            PopularProducts.Product(
                product_id: product.id.rawValue,
                product_name: product.name,
                order_count: product.orderCount
            )
        }
        return try .json(PopularProducts(products))
    }

    private func stats() async throws -> [String: JSONValue] {
        let counts = try await store.outboxCounts()
        return [
            "pool": pool().json,
            "orders": .object([
                "enqueued": .int(counts.enqueued),
                "pending": .int(counts.pending),
                "accepted": .int(counts.accepted),
                "backordered": .int(counts.backordered),
                "rejected": .int(counts.rejected),
                "quarantined": .int(counts.quarantined),
            ]),
        ]
    }
}

extension OrderAnswer {
    /// With the trace the order was made in.
    init(_ order: Order, status: Order.Status? = nil) {
        self.init(order, status: status, traceID: order.traceParent.map { String($0.dropFirst(3).prefix(32)) })
    }
}
