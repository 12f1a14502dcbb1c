/// The eight currencies of the shop (ISO 4217).
public enum Currency: String, CaseIterable, Codable, Hashable, Sendable {
    case usd = "USD"
    case eur = "EUR"
    case gbp = "GBP"
    case jpy = "JPY"
    case cad = "CAD"
    case aud = "AUD"
    case chf = "CHF"
    case cny = "CNY"

    /// How many decimals an amount has: the exponent of ISO 4217.
    public var decimals: Int { self == .jpy ? 0 : 2 }

    /// Minor units in one major unit: 100 cents, 1 yen.
    public var minorUnitsPerMajor: Int64 { self == .jpy ? 1 : 100 }
}
