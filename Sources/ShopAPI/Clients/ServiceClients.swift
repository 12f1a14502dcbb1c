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
            let answer = try await caller.call(.productCatalog, path, ProductMessage.self)
            return try answered(by: .productCatalog) { () throws(MoneyError) in
                let product = try answer.product()
                guard product.id == id, product.price.minorUnits >= 0 else { throw .outOfRange }
                return product
            }
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
        let path = RequestPath(.get, "/cart/{cart_id}", ["cart_id": id.rawValue])
        let answer: CartAnswer = try await caller.call(.cart, path)
        return try answered(by: .cart) { () throws(MoneyError) in
            let items = answer.cart.items
            guard items.count <= Cart.maximumLines, items.allSatisfy({ Quantity.range.contains($0.quantity) }) else {
                throw .outOfRange
            }
            return answer
        }
    }

    /// Takes out what was bought, and leaves what was added since.
    ///
    /// - Throws: `DownstreamError`.
    public func take(_ pieces: [Cart.Pieces], from id: CartID) async throws {
        let path = RequestPath(.post, "/cart/{cart_id}/clear", ["cart_id": id.rawValue])
        _ = try await caller.call(.cart, path, body: ClearCart(pieces), CartAnswer.self)
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
        return try answered(by: .shipping) { () throws(MoneyError) in try .payable(answer.cost, in: .usd) }
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
        return try answered(by: .currency) { () throws(MoneyError) in
            guard answer.to == currency else { throw .currencyMismatch }
            return try .payable(answer.converted, in: currency)
        }
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

/// Reads numbers that another service has answered: one that cannot be is that service's fault, never the caller's.
private func answered<Value>(
    by service: ServiceName,
    _ read: () throws(MoneyError) -> Value
) throws(DownstreamError) -> Value {
    do {
        return try read()
    } catch {
        throw DownstreamError(service: service, kind: .badAnswer, detail: "answered a number that cannot be: \(error)")
    }
}

extension Money {
    /// An amount that a shopper can be asked for: not negative.
    fileprivate static func payable(_ majorUnits: Double, in currency: Currency) throws(MoneyError) -> Money {
        let money = try Money(majorUnits, in: currency)
        guard money.minorUnits >= 0 else { throw .outOfRange }
        return money
    }
}
