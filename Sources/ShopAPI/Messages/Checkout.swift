// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import Commerce

/// `POST /checkout`.
public struct CheckoutRequest: Codable, Hashable, Sendable {
    public let cart_id: String
    public let user_id: String
    public let currency: Currency
    public let shipping_method: ShippingMethod
    public let destination: Destination

    public init(
        cart: CartID,
        user: UserID,
        currency: Currency = .usd,
        shippingMethod: ShippingMethod = .standard,
        destination: Destination = .domestic
    ) {
        cart_id = cart.rawValue
        user_id = user.rawValue
        self.currency = currency
        shipping_method = shippingMethod
        self.destination = destination
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        cart_id = try container.name(.cart_id)
        user_id = try container.name(.user_id)
        currency = try container.choice(.currency, default: .usd)
        shipping_method = try container.choice(.shipping_method, default: .standard)
        destination = try container.choice(.destination, default: .domestic)
    }
}

/// An order as `POST /checkout` and `GET /orders/{order_id}` answer it. Amounts are in `currency`.
public struct OrderAnswer: Codable, Hashable, Sendable {
    /// One line.
    public struct Item: Codable, Hashable, Sendable {
        public let product_id: Int
        public let product_name: String
        public let quantity: Int
        public let unit_price: Double
        public let line_total: Double
    }

    /// What the payment provider said.
    public struct Payment: Codable, Hashable, Sendable {
        public let status: String
    }

    public let success: Bool
    public let order_id: String
    public let status: Order.Status
    public let user_id: String
    public let items: [Item]
    public let subtotal: Double
    public let shipping: Double
    public let total: Double
    public let currency: Currency
    public let payment: Payment
    /// ISO 8601, UTC.
    public let order_date: String
    /// The purchase's own trace; absent for seed orders.
    public let trace_id: String?

    /// - Parameters:
    ///   - status: Another than the order has now: what a purchase was answered with is answered again.
    ///   - traceID: The trace the order was made in, as its `traceparent` names it.
    public init(_ order: Order, status: Order.Status? = nil, traceID: String?) {
        success = true
        order_id = order.id.description
        self.status = status ?? order.status
        user_id = order.userID.rawValue
        items = order.items.map { item in
            Item(
                product_id: item.productID.rawValue,
                product_name: item.productName,
                quantity: item.quantity,
                unit_price: item.unitPrice.majorUnits,
                line_total: item.lineTotal.majorUnits
            )
        }
        subtotal = order.subtotal.majorUnits
        shipping = order.shipping.majorUnits
        total = order.total.majorUnits
        currency = order.currency
        payment = Payment(status: order.paymentStatus)
        order_date = Timestamp.text(order.date)
        trace_id = traceID
    }
}

/// `GET /orders`.
public struct OrderList: Codable, Sendable {
    public let orders: [OrderAnswer]
    public let count: Int

    public init(_ orders: [OrderAnswer]) {
        self.orders = orders
        count = orders.count
    }
}

/// `POST /orders/create`: the short form.
public struct CreateOrderRequest: Codable, Hashable, Sendable {
    public let user_id: String
    public let product_id: Int
    public let quantity: Int

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        user_id = try container.name(.user_id)
        product_id = try container.integer(.product_id, in: 1...Int(Int32.max))
        quantity = try container.integer(.quantity, default: 1, in: Quantity.range)
    }
}

/// What `POST /orders/create` answers.
public struct CreateOrderAnswer: Codable, Sendable {
    public let success: Bool
    public let order_id: String
    public let user_id: String
    public let product_id: Int
    public let quantity: Int
    /// ISO 8601, UTC.
    public let order_date: String

    /// Nil for an order without items.
    public init?(_ order: Order) {
        guard let item = order.items.first else { return nil }
        success = true
        order_id = order.id.description
        user_id = order.userID.rawValue
        product_id = item.productID.rawValue
        quantity = item.quantity
        order_date = Timestamp.text(order.date)
    }
}

/// `POST /payments/authorize`: the simulated payment provider.
public struct PaymentRequest: Codable, Sendable {
    public let order_id: String
    public let user_id: String
    public let amount: Double
    public let currency: Currency

    public init(order: OrderID, user: UserID, amount: Money) {
        order_id = order.description
        user_id = user.rawValue
        self.amount = amount.majorUnits
        currency = amount.currency
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        order_id = try container.name(.order_id)
        user_id = try container.name(.user_id)
        amount = try container.number(.amount, in: 0...1e13)
        currency = try container.choice(.currency, default: .usd)
    }
}

/// What the provider answers when it authorizes; it refuses with 402 `payment_declined`.
public struct PaymentAnswer: Codable, Sendable {
    public let status: String
    public let order_id: String
    public let amount: Double
    public let currency: Currency

    public init(status: String, request: PaymentRequest) {
        self.status = status
        order_id = request.order_id
        amount = request.amount
        currency = request.currency
    }
}

/// `GET /orders/popular-products`.
public struct PopularProducts: Codable, Sendable {
    /// One product.
    public struct Product: Codable, Hashable, Sendable {
        public let product_id: Int
        public let product_name: String
        public let order_count: Int

        public init(product_id: Int, product_name: String, order_count: Int) {
            self.product_id = product_id
            self.product_name = product_name
            self.order_count = order_count
        }
    }

    public let popular_products: [Product]
    public let count: Int

    public init(_ products: [Product]) {
        popular_products = products
        count = products.count
    }
}
