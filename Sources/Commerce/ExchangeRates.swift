/// How many units of each currency one US dollar is, in millionths, so that conversion is exact until it is rounded.
public struct ExchangeRates: Hashable, Sendable {
    /// Millionths of a unit per US dollar; a value for each currency.
    public let millionthsPerUSD: [Currency: Int64]

    private static let scale: Int64 = 1_000_000

    /// - Parameter perUSD: Units per dollar, such as `["EUR": 0.92]`; the dollar itself is 1.
    /// - Throws: `MissingRate` when a currency has none, or one that is not positive.
    public init(perUSD: [String: Double]) throws(MissingRate) {
        var rates: [Currency: Int64] = [.usd: Self.scale]
        for currency in Currency.allCases where currency != .usd {
            // Less than a millionth would be kept as zero, and dividing by it would trap.
            guard let rate = perUSD[currency.rawValue], rate >= 1 / Double(Self.scale), rate < 1e6 else {
                throw MissingRate(currency: currency)
            }
            rates[currency] = Int64((rate * Double(Self.scale)).rounded())
        }
        millionthsPerUSD = rates
    }

    /// A table without a usable rate for a currency.
    public struct MissingRate: Error, Sendable {
        public let currency: Currency
    }

    /// Units of a currency per US dollar.
    public func perUSD(_ currency: Currency) -> Double { Double(millionths(currency)) / Double(Self.scale) }

    /// What one unit of `from` is in `to`.
    public func rate(from: Currency, to: Currency) -> Double { Double(millionths(to)) / Double(millionths(from)) }

    /// The amount in another currency, rounded once by the rule of `Money`.
    ///
    /// - Throws: `MoneyError.outOfRange` when the result is beyond `Money.largest`.
    public func convert(_ money: Money, to currency: Currency) throws(MoneyError) -> Money {
        let numerator = Int128(money.minorUnits) * Int128(millionths(currency)) * Int128(currency.minorUnitsPerMajor)
        let denominator = Int128(millionths(money.currency)) * Int128(money.currency.minorUnitsPerMajor)
        let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
        let awayFromZero: Int128 = remainder.magnitude * 2 >= denominator.magnitude ? remainder.signum() : 0
        guard let minor = Int64(exactly: quotient + awayFromZero), minor.magnitude <= Money.largest else {
            throw .outOfRange
        }
        return Money(minorUnits: minor, currency: currency)
    }

    private func millionths(_ currency: Currency) -> Int64 { millionthsPerUSD[currency] ?? Self.scale }
}
