// The property names are the JSON names, as the fixtures write them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Assets
public import Commerce
import FoundationEssentials

/// What the shop starts with, read from `fixtures/`.
public enum SeedData {
    /// A product and the stock it starts with.
    public struct SeedProduct: Sendable {
        public let product: Product
        public let seededStock: Int
    }

    /// A purchase from before the shop opened: fixed id, no edge, never in the outbox.
    public struct SeedOrder: Sendable {
        public let id: OrderID
        public let userID: UserID
        public let productID: ProductID
        public let quantity: Int
        /// How long before the seeding it was made.
        public let ageHours: Int
    }

    /// The 21 products of `fixtures/catalog.json`.
    public static func products() throws -> [SeedProduct] {
        struct File: Decodable {
            struct Row: Decodable {
                let id: Int
                let name: String
                let category: String
                let price: Double
                let stock_quantity: Int
                let description: String
            }
            let products: [Row]
        }
        return try decode(File.self, "catalog.json").products.map { row in
            let product = Product(
                id: ProductID(row.id),
                name: row.name,
                category: row.category,
                price: try Money(row.price, in: .usd),
                description: row.description,
                stockQuantity: row.stock_quantity
            )
            return SeedProduct(product: product, seededStock: row.stock_quantity)
        }
    }

    /// The 10 orders of `fixtures/orders.json`.
    public static func orders() throws -> [SeedOrder] {
        struct File: Decodable {
            struct Row: Decodable {
                let id: String
                let user_id: String
                let product_id: Int
                let quantity: Int
                let age_hours: Int
            }
            let orders: [Row]
        }
        return try decode(File.self, "orders.json").orders.map { row in
            guard let id = OrderID(row.id) else {
                throw FixtureError(file: "orders.json", problem: "\(row.id) is no UUID")
            }
            return SeedOrder(
                id: id,
                userID: UserID(rawValue: row.user_id),
                productID: ProductID(row.product_id),
                quantity: row.quantity,
                ageHours: row.age_hours
            )
        }
    }

    /// The fixed rates of `fixtures/rates.json`.
    public static func exchangeRates() throws -> ExchangeRates {
        struct File: Decodable {
            let rates: [String: Double]
        }
        return try ExchangeRates(perUSD: decode(File.self, "rates.json").rates)
    }

    /// The tariff of `fixtures/shipping.json`.
    public static func shippingTariff() throws -> ShippingTariff {
        struct File: Decodable {
            struct Method: Decodable {
                let method: ShippingMethod
                let base: Double
                let days_min: Int
                let days_max: Int
            }
            let methods: [Method]
            let included_kg: Double
            let per_extra_kg: Double
            let international_factor: Double
        }
        let file = try decode(File.self, "shipping.json")
        let rates = try file.methods.map { row in
            (row.method, ShippingTariff.Rate(base: try Money(row.base, in: .usd), days: row.days_min...row.days_max))
        }
        return ShippingTariff(
            rates: Dictionary(rates) { first, _ in first },
            includedGrams: Int64((file.included_kg * 1000).rounded()),
            perExtraKilogram: try Money(file.per_extra_kg, in: .usd),
            internationalPercent: Int64((file.international_factor * 100).rounded())
        )
    }

    /// The five ads of `fixtures/ads.json`.
    public static func advertisements() throws -> [Advertisement] {
        struct File: Decodable {
            struct Row: Decodable {
                let id: Int
                let title: String
                let category: String
                let ctr: Double
            }
            let ads: [Row]
        }
        return try decode(File.self, "ads.json").ads.map { row in
            Advertisement(id: AdID(rawValue: row.id), title: row.title, category: row.category, ctr: row.ctr)
        }
    }

    fileprivate static func decode<File: Decodable>(_ type: File.Type, _ name: String) throws -> File {
        guard let asset = Asset.at("fixtures/\(name)") else {
            throw FixtureError(file: name, problem: "it was not compiled in")
        }
        return try JSONDecoder().decode(type, from: Data(asset.bytes))
    }
}

/// A fixture that cannot be used: a mistake made before this was compiled.
public struct FixtureError: Error, Sendable, CustomStringConvertible {
    public let file: String
    public let problem: String

    public init(file: String, problem: String) {
        self.file = file
        self.problem = problem
    }

    public var description: String { "fixtures/\(file): \(problem)" }
}

/// What the simulated payment provider refuses.
public struct PaymentRules: Sendable {
    /// The most it authorizes at once.
    public let limits: [Currency: Money]
    /// Shoppers whose cards are always declined: for showing a 402.
    public let declinedUsers: Set<String>
}

extension SeedData {
    /// The rules of `fixtures/payment.json`.
    public static func paymentRules() throws -> PaymentRules {
        struct File: Decodable {
            let limits: [String: Double]
            let declined_users: [String]
        }
        let file = try decode(File.self, "payment.json")
        let limits = try file.limits.map { name, limit in
            guard let currency = Currency(rawValue: name) else {
                throw FixtureError(file: "payment.json", problem: "\(name) is no currency")
            }
            return (currency, try Money(limit, in: currency))
        }
        return PaymentRules(
            limits: Dictionary(limits) { first, _ in first },
            declinedUsers: Set(file.declined_users)
        )
    }
}
