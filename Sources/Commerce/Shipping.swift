/// How a parcel travels.
public enum ShippingMethod: String, CaseIterable, Codable, Hashable, Sendable {
    case standard, express, overnight
}

/// Where a parcel goes.
public enum Destination: String, CaseIterable, Codable, Hashable, Sendable {
    case domestic, international
}

/// What shipping costs and how long it takes, by method.
public struct ShippingTariff: Hashable, Sendable {
    /// One method's price and days.
    public struct Rate: Hashable, Sendable {
        public let base: Money
        /// The fewest and the most days of travel.
        public let days: ClosedRange<Int>

        public init(base: Money, days: ClosedRange<Int>) {
            self.base = base
            self.days = days
        }
    }

    public let rates: [ShippingMethod: Rate]
    /// Up to here the base price holds, in grams.
    public let includedGrams: Int64
    /// Each kilogram beyond, pro rata.
    public let perExtraKilogram: Money
    /// Abroad everything costs this many hundredths of the domestic price.
    public let internationalPercent: Int64

    /// The heaviest parcel, in grams.
    public static let maximumGrams: Int64 = 1_000_000

    public init(
        rates: [ShippingMethod: Rate],
        includedGrams: Int64,
        perExtraKilogram: Money,
        internationalPercent: Int64
    ) {
        self.rates = rates
        self.includedGrams = includedGrams
        self.perExtraKilogram = perExtraKilogram
        self.internationalPercent = internationalPercent
    }

    /// The price in US dollars of sending a weight, rounded once by the rule of `Money`; nil for a method without rate.
    public func cost(grams: Int64, to destination: Destination, by method: ShippingMethod) -> Money? {
        guard let rate = rates[method] else { return nil }
        let extra = max(0, max(0, min(grams, Self.maximumGrams)) - includedGrams)
        // In thousandths of a minor unit times a hundred, so that only the last step rounds.
        let domestic = rate.base.minorUnits * 1000 + perExtraKilogram.minorUnits * extra
        let scaled = domestic * (destination == .international ? internationalPercent : 100)
        return Money(minorUnits: (scaled + 50_000) / 100_000, currency: rate.base.currency)
    }
}
