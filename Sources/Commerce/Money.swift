/// An amount in whole minor units of its currency, so that adding never rounds.
///
/// **The rounding rule**, for conversions and for numbers that come from outside: to the nearest minor unit, halves
/// away from zero (what shops and schoolbooks do). It is applied once, at the end of a calculation.
public struct Money: Hashable, Sendable {
    public let minorUnits: Int64
    public let currency: Currency

    public init(minorUnits: Int64, currency: Currency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }

    /// Nothing of a currency.
    public static func zero(_ currency: Currency) -> Money { Money(minorUnits: 0, currency: currency) }

    /// The largest amount taken from outside, in minor units: what a double still carries exactly in JSON.
    public static let largest: Int64 = 1_000_000_000_000_000

    /// From a number of major units such as `1299.99`, by the rounding rule.
    ///
    /// - Throws: `MoneyError.outOfRange` for NaN, infinities and more than `largest`.
    public init(_ majorUnits: Double, in currency: Currency) throws(MoneyError) {
        let minor = (majorUnits * Double(currency.minorUnitsPerMajor)).rounded(.toNearestOrAwayFromZero)
        guard minor.isFinite, abs(minor) <= Double(Self.largest) else { throw .outOfRange }
        self.init(minorUnits: Int64(minor), currency: currency)
    }

    /// The number of major units: what JSON carries.
    public var majorUnits: Double { Double(minorUnits) / Double(currency.minorUnitsPerMajor) }

    /// - Throws: `MoneyError.currencyMismatch`, or `.outOfRange` on overflow.
    public func adding(_ other: Money) throws(MoneyError) -> Money {
        guard other.currency == currency else { throw .currencyMismatch }
        let (sum, overflow) = minorUnits.addingReportingOverflow(other.minorUnits)
        guard !overflow, sum.magnitude <= Self.largest else { throw .outOfRange }
        return Money(minorUnits: sum, currency: currency)
    }

    /// - Throws: `MoneyError.outOfRange` on overflow.
    public func times(_ quantity: Int) throws(MoneyError) -> Money {
        let (product, overflow) = minorUnits.multipliedReportingOverflow(by: Int64(quantity))
        guard !overflow, product.magnitude <= Self.largest else { throw .outOfRange }
        return Money(minorUnits: product, currency: currency)
    }
}

/// Why an amount cannot be had.
public enum MoneyError: Error, Hashable, Sendable {
    /// Not a number, or beyond `Money.largest`.
    case outOfRange
    /// Two currencies in one sum.
    case currencyMismatch
}

extension Money: CustomStringConvertible {
    /// Such as `1299.99 USD` or `150 JPY`.
    public var description: String {
        guard currency.decimals > 0 else { return "\(minorUnits) \(currency.rawValue)" }
        let cents = abs(minorUnits % 100)
        let sign = minorUnits < 0 ? "-" : ""
        return "\(sign)\(abs(minorUnits / 100)).\(cents < 10 ? "0" : "")\(cents) \(currency.rawValue)"
    }
}
