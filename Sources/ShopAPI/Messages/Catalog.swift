// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import Commerce

/// A product as every service shows it.
public struct ProductMessage: Codable, Hashable, Sendable {
    public let id: Int
    public let name: String
    public let category: String
    /// US dollars.
    public let price: Double
    public let description: String
    public let stock_quantity: Int

    public init(_ product: Product) {
        id = product.id.rawValue
        name = product.name
        category = product.category
        price = product.price.majorUnits
        description = product.description
        stock_quantity = product.stockQuantity
    }

    /// - Throws: `MoneyError` for a price that is none.
    public func product() throws(MoneyError) -> Product {
        Product(
            id: ProductID(id),
            name: name,
            category: category,
            price: try Money(price, in: .usd),
            description: description,
            stockQuantity: stock_quantity
        )
    }
}

/// `GET /products`.
public struct ProductList: Codable, Sendable {
    public let products: [ProductMessage]
    public let count: Int

    public init(_ products: [Product]) {
        self.products = products.map(ProductMessage.init)
        count = products.count
    }
}

/// `GET /products/search`.
public struct SearchAnswer: Codable, Sendable {
    public let products: [ProductMessage]
    public let count: Int
    /// Says why this one is slow.
    public let performance_warning: String
    public let query_duration_ms: Double

    public init(_ products: [Product], warning: String, milliseconds: Double) {
        self.products = products.map(ProductMessage.init)
        count = products.count
        performance_warning = warning
        query_duration_ms = milliseconds
    }
}

/// `GET /products/recommendations`.
public struct ProductRecommendations: Codable, Sendable {
    public let recommendations: [ProductMessage]

    public init(_ products: [Product]) {
        recommendations = products.map(ProductMessage.init)
    }
}

/// `GET /categories`.
public struct CategoryList: Codable, Sendable {
    /// One category.
    public struct Category: Codable, Hashable, Sendable {
        public let name: String
        public let count: Int

        public init(name: String, count: Int) {
            self.name = name
            self.count = count
        }
    }

    public let categories: [Category]
    public let count: Int

    public init(_ categories: [Category]) {
        self.categories = categories
        count = categories.count
    }
}

/// `GET /admin/pool-stats`.
public struct PoolStats: Codable, Sendable {
    /// One pool now.
    public struct Pool: Codable, Hashable, Sendable {
        public let active_connections: Int
        public let max_connections: Int
        public let available_connections: Int
        public let waiting: Int
        public let utilization_percent: Double

        public init(active: Int, maximum: Int, waiting: Int) {
            active_connections = active
            max_connections = maximum
            available_connections = max(0, maximum - active)
            self.waiting = waiting
            utilization_percent = maximum > 0 ? (Double(active) / Double(maximum) * 1000).rounded() / 10 : 0
        }
    }

    public let pool_stats: Pool

    public init(_ pool: Pool) {
        pool_stats = pool
    }
}
