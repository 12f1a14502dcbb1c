import Commerce
import Faults
import Hummingbird
public import ServiceKit
public import ShopAPI
public import Storage

/// `cart`: what shoppers have put aside.
public struct CartController: Sendable {
    private let store: any CartStore
    private let catalog: CatalogClient
    private let mode: DemoModeFollower
    private let faults: ServiceFaults

    public init(store: any CartStore, catalog: CatalogClient, mode: DemoModeFollower) {
        let faults = mode.faults(of: ServiceName.cart.rawValue)
        self.faults = faults
        self.store = FailingCartStore(store, faults)
        self.catalog = catalog
        self.mode = mode
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/cart/{cart_id}") { _, context in
            try await .json(CartAnswer(store.cart(context.cartID)))
        }
        router.post("/cart/{cart_id}/add") { request, context in
            let id = try context.cartID
            let line = try await line(request.decode(AddToCart.self))
            return try await .json(CartAnswer(store.add(line, to: id)))
        }
        router.post("/cart/{cart_id}/remove") { request, context in
            let id = try context.cartID
            let product = try await request.decode(RemoveFromCart.self).product_id
            return try await .json(CartAnswer(store.remove(ProductID(product), from: id)))
        }
        router.post("/cart/{cart_id}/clear") { request, context in
            let id = try context.cartID
            guard let bought = try await request.decode(ClearCart.self).items else {
                return try await .json(CartAnswer(store.clear(id)))
            }
            return try await .json(CartAnswer(store.take(bought.map(\.pieces), from: id)))
        }
        router.addObservation(of: mode, health: health, stats: stats)
    }

    /// The line to add, with name and price looked up in the catalog where the request does not say them.
    private func line(_ request: AddToCart) async throws -> Cart.Line {
        let id = ProductID(request.product_id)
        if let name = request.product_name, let price = request.price {
            let price = try Money(price, in: .usd)
            return Cart.Line(productID: id, productName: name, price: price, quantity: request.quantity)
        }
        guard let product = try await catalog.product(id) else {
            throw ServiceError.notFound("product", "\(id.rawValue)")
        }
        return Cart.Line(
            productID: id,
            productName: request.product_name ?? product.name,
            price: try request.price.map { try Money($0, in: .usd) } ?? product.price,
            quantity: request.quantity
        )
    }

    private func health() async -> [String: JSONValue] {
        let state = await store.state
        return [
            "storage": .string(state.storage),
            // Ready all the same: taking every replica away would only hide which part it is that fails.
            "degraded": .bool(state.isDegraded || faults[.cartOutage] != nil),
            "trouble": state.trouble.map { .string($0.name) } ?? .null,
            "waiting": .int(state.waiting),
        ]
    }

    private func stats() async -> [String: JSONValue] {
        let state = await store.state
        return ["storage": .string(state.storage), "carts": state.carts.map(JSONValue.int) ?? .null]
    }
}

extension ShopRequestContext {
    fileprivate var cartID: CartID {
        get throws {
            let name = pathValue("cart_id")
            guard ClientName.isValid(name) else {
                throw InputError(
                    .outOfRange,
                    "out_of_range",
                    "cart_id must be 1 to 128 bytes of text without control characters."
                )
            }
            return CartID(rawValue: name)
        }
    }
}
