// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import Commerce

/// `GET /rates`.
public struct RatesAnswer: Codable, Sendable {
    public let base: Currency
    /// Units of each currency per US dollar.
    public let rates: [String: Double]

    public init(_ rates: ExchangeRates) {
        base = .usd
        self.rates = Dictionary(uniqueKeysWithValues: Currency.allCases.map { ($0.rawValue, rates.perUSD($0)) })
    }
}

/// `POST /convert`.
public struct ConvertRequest: Codable, Sendable {
    public let amount: Double
    public let from: Currency
    public let to: Currency

    public init(_ amount: Money, to currency: Currency) {
        self.amount = amount.majorUnits
        from = amount.currency
        to = currency
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        amount = try container.number(.amount, in: -1e13...1e13)
        from = try container.choice(.from, default: .usd)
        to = try container.choice(.to, default: .usd)
    }
}

/// What `POST /convert` answers.
public struct ConvertAnswer: Codable, Sendable {
    public let amount: Double
    public let from: Currency
    public let to: Currency
    public let converted: Double
    /// Units of `to` per unit of `from`.
    public let rate: Double

    public init(amount: Money, converted: Money, rate: Double) {
        self.amount = amount.majorUnits
        from = amount.currency
        to = converted.currency
        self.converted = converted.majorUnits
        self.rate = rate
    }
}

/// `POST /calculate` of shipping.
public struct ShippingRequest: Codable, Sendable {
    /// Kilograms.
    public let weight: Double
    public let destination: Destination
    public let method: ShippingMethod

    public init(weight: Double, destination: Destination, method: ShippingMethod) {
        self.weight = weight
        self.destination = destination
        self.method = method
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        weight = try container.number(.weight, default: 1, in: 0...Double(ShippingTariff.maximumGrams / 1000))
        destination = try container.choice(.destination, default: .domestic)
        method = try container.choice(.method, default: .standard)
    }
}

/// What `POST /calculate` answers.
public struct ShippingAnswer: Codable, Sendable {
    public let method: ShippingMethod
    /// US dollars.
    public let cost: Double
    /// Such as `5-7`, or `1`.
    public let estimated_days: String
    /// The last day of the estimate: `2026-11-29`.
    public let estimated_delivery: String
    /// Kilograms.
    public let weight: Double
    public let destination: Destination

    public init(request: ShippingRequest, cost: Money, days: ClosedRange<Int>, delivery: String) {
        method = request.method
        self.cost = cost.majorUnits
        estimated_days = days.count == 1 ? "\(days.lowerBound)" : "\(days.lowerBound)-\(days.upperBound)"
        estimated_delivery = delivery
        weight = request.weight
        destination = request.destination
    }
}

/// `GET /methods` of shipping.
public struct ShippingMethods: Codable, Sendable {
    /// One method.
    public struct Method: Codable, Sendable {
        public let method: ShippingMethod
        /// US dollars for a light domestic parcel.
        public let base_cost: Double
        public let estimated_days: String

        public init(method: ShippingMethod, base: Money, days: ClosedRange<Int>) {
            self.method = method
            base_cost = base.majorUnits
            estimated_days = days.count == 1 ? "\(days.lowerBound)" : "\(days.lowerBound)-\(days.upperBound)"
        }
    }

    public let methods: [Method]

    public init(_ methods: [Method]) {
        self.methods = methods
    }
}

/// `GET /ads`.
public struct AdList: Codable, Sendable {
    /// One ad.
    public struct Ad: Codable, Hashable, Sendable {
        public let id: Int
        public let title: String
        public let category: String
        public let ctr: Double

        public init(_ ad: Advertisement) {
            id = ad.id.rawValue
            title = ad.title
            category = ad.category
            ctr = ad.ctr
        }
    }

    public let ads: [Ad]
    public let count: Int

    public init(_ ads: [Advertisement]) {
        self.ads = ads.map(Ad.init)
        count = ads.count
    }
}

/// What `POST /ads/{id}/click` answers.
public struct AdClick: Codable, Sendable {
    public let success: Bool
    public let ad_id: Int

    public init(_ id: AdID) {
        success = true
        ad_id = id.rawValue
    }
}

/// `POST /recommendations`.
public struct RecommendationRequest: Codable, Sendable {
    public let user_id: String
    public let category: String
    /// US dollars: the lowest and the highest price.
    public let price_range: [Double]

    private enum CodingKeys: String, CodingKey {
        case user_id, category, price_range
    }

    public init(user: UserID, category: String = "electronics", prices: ClosedRange<Double> = 0...1000) {
        user_id = user.rawValue
        self.category = category
        price_range = [prices.lowerBound, prices.upperBound]
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        user_id = try container.name(.user_id)
        category = try container.name(.category, default: "electronics")
        price_range = try Self.prices(container)
    }

    private static func prices(_ container: KeyedDecodingContainer<CodingKeys>) throws -> [Double] {
        // The catalog's own limit: a price it would refuse is this caller's mistake, not the catalog's.
        guard let range = try container.numbers(.price_range, count: 2, in: 0...1e12) else { return [0, 1000] }
        guard range[0] <= range[1] else {
            throw InputError.outOfRange("price_range", "two prices, the lower one first")
        }
        return range
    }
}

/// What `POST /recommendations` answers.
public struct RecommendationAnswer: Codable, Sendable {
    /// One product and why.
    public struct Recommendation: Codable, Hashable, Sendable {
        public let product_id: Int
        public let product_name: String
        /// US dollars.
        public let price: Double
        public let reason: String
        /// 0…1, best first.
        public let relevance_score: Double

        public init(product: ProductMessage, reason: String, score: Double) {
            product_id = product.id
            product_name = product.name
            price = product.price
            self.reason = reason
            relevance_score = score
        }
    }

    /// What the rules looked at.
    public struct Basis: Codable, Hashable, Sendable {
        public let category: String
        public let price_range: [Double]

        public init(category: String, price_range: [Double]) {
            self.category = category
            self.price_range = price_range
        }
    }

    public let success: Bool
    public let user_id: String
    public let recommendations: [Recommendation]
    public let based_on: Basis

    public init(request: RecommendationRequest, recommendations: [Recommendation]) {
        success = true
        user_id = request.user_id
        self.recommendations = recommendations
        based_on = Basis(category: request.category, price_range: request.price_range)
    }
}
