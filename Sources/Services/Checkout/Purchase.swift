import Commerce
public import Faults
import FoundationEssentials
import HTTPTypes
import ServiceKit
import ServiceTracing
public import ShopAPI
public import Storage
import Tracing

/// From a cart, or a single product, to an order on disk.
public struct Purchase: Sendable {
    /// The other services.
    public struct Services: Sendable {
        let cart: CartClient
        let catalog: CatalogClient
        let shipping: ShippingClient
        let currency: CurrencyClient
        private let payment: PaymentClient
        /// Where the provider would be if it were not down.
        private let deadPayment: PaymentClient
        private let faults: ServiceFaults?
        /// Held as long as it has to stay closed.
        private let closedPort: ClosedPort

        /// - Parameter faults: Of the checkout.
        public init(_ caller: ServiceCaller, faults: ServiceFaults? = nil) {
            closedPort = ClosedPort()
            deadPayment = PaymentClient(caller.reaching(.checkout, at: closedPort.url))
            self.faults = faults
            cart = CartClient(caller)
            catalog = CatalogClient(caller)
            shipping = ShippingClient(caller)
            currency = CurrencyClient(caller)
            payment = PaymentClient(caller)
        }

        /// The provider's word; nil when it declines.
        ///
        /// - Throws: `DownstreamError`.
        func authorize(_ request: PaymentRequest, on span: RecordedSpan?) async throws -> String? {
            guard let faults, faults[.paymentUnreachable] != nil else { return try await payment.authorize(request) }
            faults.mark(span, .paymentUnreachable)
            faults.count(.paymentUnreachable, isError: true)
            return try await deadPayment.authorize(request)
        }
    }

    private let services: Services
    private let products: any CatalogStore
    private let store: any OrderStore
    private let edgeID: String?
    private let restocks: Bool
    private let turns = Turns()
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - products: The catalog as the checkout's own connections read it: for the short form.
    ///   - edgeID: The shop's own name upstream.
    ///   - restocks: Whether the supplier delivers what the stock cannot fill.
    ///   - now: Milliseconds since 1970.
    public init(
        services: Services,
        products: any CatalogStore,
        store: any OrderStore,
        edgeID: String?,
        restocks: Bool,
        now: @escaping @Sendable () -> Int64
    ) {
        self.services = services
        self.products = products
        self.store = store
        self.edgeID = edgeID
        self.restocks = restocks
        self.now = now
    }

    /// Buys what is in a cart.
    ///
    /// - Throws: `ServiceError`, `DownstreamError`, `StorageError`, `MoneyError`.
    func checkout(_ request: CheckoutRequest, key: String?, on span: RecordedSpan?) async throws -> PlacedOrder {
        guard let key else { return try await buy(request, key: nil, on: span) }
        // One after the other: two at once would both pay.
        await turns.wait(for: key)
        defer { turns.end(key) }
        return try await buy(request, key: IdempotencyKey(key, request), on: span)
    }

    private func buy(
        _ request: CheckoutRequest,
        key: IdempotencyKey?,
        on span: RecordedSpan?
    ) async throws -> PlacedOrder {
        span?.set("checkout.user_id", .string(request.user_id))
        do {
            // A replay must not pay again, nor find the cart empty that the first request has cleared.
            if let key, let order = try await store.order(forKey: key) { return .replayed(order) }
            guard let order = try await priced(request, traceParent: span?.spanContext.traceParent) else {
                // Another request with this key may have bought and cleared the cart since the key was looked up.
                if let key, let order = try await store.order(forKey: key) { return .replayed(order) }
                throw ServiceError(.conflict, "cart_empty", "There is nothing in the cart.")
            }
            try await pay(order, on: span)
            let placed = try await place(OrderDraft(order: order, key: key, restocks: restocks), on: span)
            // A replay has bought nothing; what is in the cart now is for another purchase.
            if case .created(let order, _) = placed { await takeBought(order, CartID(rawValue: request.cart_id), span) }
            return placed
        } catch {
            let error = Self.explained(error)
            // Another request with this key, through another replica, may have bought what this one could not.
            if let key, ["out_of_stock", "payment_declined"].contains(error.code),
                let order = try? await store.order(forKey: key)
            {
                return .replayed(order)
            }
            span?.set("checkout.failed", true)
            span?.set("checkout.failure_reason", .string(error.code))
            span?.set("checkout.cart_abandoned", true)
            throw error
        }
    }

    /// Buys one product: the short form, which asks the catalog only.
    ///
    /// - Throws: `ServiceError`, `StorageError`, `MoneyError`.
    func order(_ request: CreateOrderRequest, on span: RecordedSpan?) async throws -> Order {
        span?.set("checkout.user_id", .string(request.user_id))
        do {
            guard let product = try await products.product(ProductID(request.product_id)) else {
                throw OrderRefusal.unknownProduct(ProductID(request.product_id))
            }
            let lineTotal = try product.price.times(request.quantity)
            let item = Order.Item(
                productID: product.id,
                productName: product.name,
                quantity: request.quantity,
                unitPrice: product.price,
                lineTotal: lineTotal
            )
            let order = try order(
                for: UserID(rawValue: request.user_id),
                items: [item],
                shipping: .zero(.usd),
                traceParent: span?.spanContext.traceParent
            )
            return try await place(OrderDraft(order: order, restocks: restocks), on: span).order
        } catch {
            throw Self.explained(error)
        }
    }
}

extension Purchase {
    /// The order that a cart makes at this moment's prices; nil for an empty cart.
    private func priced(_ request: CheckoutRequest, traceParent: String?) async throws -> Order? {
        let lines = try await services.cart.cart(CartID(rawValue: request.cart_id)).cart.items
        guard !lines.isEmpty else { return nil }
        let weight = Double(lines.reduce(0) { $0 + $1.quantity }) * 0.5
        async let shipping = shippingCost(request, weight: min(weight, 1000))
        let items = try await withThrowingTaskGroup(of: (Int, Order.Item).self) { group in
            for (index, line) in lines.enumerated() {
                group.addTask { (index, try await item(line, in: request.currency)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
        return try order(
            for: UserID(rawValue: request.user_id),
            items: items,
            shipping: try await shipping,
            traceParent: traceParent
        )
    }

    /// A line at the catalog's price, in the shopper's currency; stock is checked here and taken with the order.
    private func item(_ line: CartAnswer.Item, in currency: Currency) async throws -> Order.Item {
        let id = ProductID(line.product_id)
        guard let product = try await services.catalog.product(id) else { throw OrderRefusal.unknownProduct(id) }
        guard restocks || product.stockQuantity >= line.quantity else {
            throw OrderRefusal.outOfStock(id, available: product.stockQuantity)
        }
        let unitPrice = try await services.currency.convert(product.price, to: currency)
        return Order.Item(
            productID: id,
            productName: product.name,
            quantity: line.quantity,
            unitPrice: unitPrice,
            lineTotal: try unitPrice.times(line.quantity)
        )
    }

    private func shippingCost(_ request: CheckoutRequest, weight: Double) async throws -> Money {
        let cost = try await services.shipping.quote(
            weight: weight,
            to: request.destination,
            by: request.shipping_method
        )
        return try await services.currency.convert(cost, to: request.currency)
    }

    private func order(
        for user: UserID,
        items: [Order.Item],
        shipping: Money,
        traceParent: String?
    ) throws -> Order {
        let subtotal = try items.reduce(Money.zero(shipping.currency)) { try $0.adding($1.lineTotal) }
        let now = now()
        var random = SystemRandomNumberGenerator()
        return Order(
            id: OrderID(milliseconds: UInt64(max(0, now)), using: &random),
            userID: user,
            status: .placed,
            items: items,
            subtotal: subtotal,
            shipping: shipping,
            total: try subtotal.adding(shipping),
            paymentStatus: "authorized",
            date: now,
            edgeID: edgeID,
            traceParent: traceParent
        )
    }

    private func pay(_ order: Order, on span: RecordedSpan?) async throws {
        let request = PaymentRequest(order: order.id, user: order.userID, amount: order.total)
        guard try await services.authorize(request, on: span) == order.paymentStatus else {
            throw ServiceError(.paymentRequired, "payment_declined", "The payment was declined.")
        }
        span?.addEvent("payment authorized")
    }

    private func place(_ draft: OrderDraft, on span: RecordedSpan?) async throws -> PlacedOrder {
        let placed = try await store.place(draft)
        span?.set("checkout.order_id", .string(placed.order.id.description))
        span?.set("checkout.total", .double(placed.order.total.majorUnits))
        if case .created(_, let restocked) = placed {
            for restock in restocked {
                span?.addEvent(
                    "restock",
                    ["product.id": .int(restock.productID.rawValue), "quantity": .int(restock.quantity)]
                )
            }
        }
        return placed
    }

    /// What was added since the cart was looked at stays in it. The order stands whatever happens here, so a cart that cannot
    /// be cleared is only told.
    private func takeBought(_ order: Order, _ cart: CartID, _ span: RecordedSpan?) async {
        do {
            try await services.cart.take(
                order.items.map { Cart.Pieces(productID: $0.productID, quantity: $0.quantity) },
                from: cart
            )
        } catch {
            span?.addEvent("cart not cleared", ["reason": .string("\(error)")])
        }
    }

    private static func explained(_ error: any Error) -> ServiceError {
        switch error {
        case OrderRefusal.outOfStock(let id, let available):
            ServiceError(
                .conflict,
                "out_of_stock",
                "There is not enough of product \(id.rawValue): \(available) left."
            )
        case OrderRefusal.unknownProduct(let id):
            ServiceError.notFound("product", "\(id.rawValue)")
        case OrderRefusal.keyReused:
            ServiceError(
                .unprocessableContent,
                "idempotency_key_reused",
                "This Idempotency-Key came before with another request."
            )
        default: ServiceError(mapping: error)
        }
    }
}
