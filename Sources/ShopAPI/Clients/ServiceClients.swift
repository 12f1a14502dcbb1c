public import Commerce
import HTTPTypes
import ServiceTracing

/// The product catalog, as other services see it.
public struct CatalogClient: Sendable {
    private let caller: ServiceCaller

    public init(_ caller: ServiceCaller) { self.caller = caller }

    /// Nil when there is no such product.
    ///
    /// - Throws: `DownstreamError`.
    public func product(_ id: ProductID) async throws -> Product? {
        do {
            let path = RequestPath(.get, "/products/{id}", ["id": "\(id.rawValue)"])
            return try await caller.call(.productCatalog, path, ProductMessage.self).product()
        } catch let error as DownstreamError where error.status == 404 {
            return nil
        }
    }

    /// By price ascending.
    ///
    /// - Throws: `DownstreamError`.
    public func products(
        category: String,
        prices: ClosedRange<Double>,
        limit: Int
    ) async throws -> [ProductMessage] {
        let path = RequestPath(
            .get,
            "/products",
            query: [
                ("category", category), ("price_min", "\(prices.lowerBound)"), ("price_max", "\(prices.upperBound)"),
                ("limit", "\(limit)"),
            ]
        )
        return try await caller.call(.productCatalog, path, ProductList.self).products
    }
}

/// Carts, as other services see them.
public struct CartClient: Sendable {
    private let caller: ServiceCaller

    public init(_ caller: ServiceCaller) { self.caller = caller }

    /// A cart that was never seen is empty.
    ///
    /// - Throws: `DownstreamError`.
    public func cart(_ id: CartID) async throws -> CartAnswer {
        try await caller.call(.cart, RequestPath(.get, "/cart/{cart_id}", ["cart_id": id.rawValue]))
    }

    /// - Throws: `DownstreamError`.
    public func clear(_ id: CartID) async throws {
        let path = RequestPath(.post, "/cart/{cart_id}/clear", ["cart_id": id.rawValue])
        _ = try await caller.call(.cart, path, CartAnswer.self)
    }
}

/// Shipping, as other services see it.
public struct ShippingClient: Sendable {
    private let caller: ServiceCaller

    public init(_ caller: ServiceCaller) { self.caller = caller }

    /// The cost in US dollars.
    ///
    /// - Throws: `DownstreamError`.
    public func quote(weight: Double, to destination: Destination, by method: ShippingMethod) async throws -> Money {
        let request = ShippingRequest(weight: weight, destination: destination, method: method)
        let answer: ShippingAnswer = try await caller.call(.shipping, RequestPath(.post, "/calculate"), body: request)
        return try Money(answer.cost, in: .usd)
    }
}

/// Currency conversion, as other services see it.
public struct CurrencyClient: Sendable {
    private let caller: ServiceCaller

    public init(_ caller: ServiceCaller) { self.caller = caller }

    /// - Throws: `DownstreamError`.
    public func convert(_ amount: Money, to currency: Currency) async throws -> Money {
        let answer: ConvertAnswer = try await caller.call(
            .currency,
            RequestPath(.post, "/convert"),
            body: ConvertRequest(amount, to: currency)
        )
        return try Money(answer.converted, in: currency)
    }
}

/// The simulated payment provider, as the checkout sees it.
public struct PaymentClient: Sendable {
    private let caller: ServiceCaller

    public init(_ caller: ServiceCaller) { self.caller = caller }

    /// The provider's word, such as `authorized`; nil when it declines.
    ///
    /// - Throws: `DownstreamError`.
    public func authorize(_ request: PaymentRequest) async throws -> String? {
        do {
            let path = RequestPath(.post, "/payments/authorize")
            return try await caller.call(.checkout, path, body: request, PaymentAnswer.self).status
        } catch let error as DownstreamError where error.status == 402 {
            return nil
        }
    }
}
