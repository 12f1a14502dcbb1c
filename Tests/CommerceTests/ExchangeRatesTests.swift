import Commerce
import Fixtures
import Testing

struct ExchangeRatesTests {
    private let rates: ExchangeRates

    init() throws { rates = try SeedData.exchangeRates() }

    @Test("The rates are the contract's")
    func contract() {
        let perUSD = Dictionary(uniqueKeysWithValues: Currency.allCases.map { ($0, rates.perUSD($0)) })
        #expect(
            perUSD == [
                .usd: 1, .eur: 0.92, .gbp: 0.79, .jpy: 149.5, .cad: 1.36, .aud: 1.52, .chf: 0.88, .cny: 7.24,
            ]
        )
        #expect(rates.rate(from: .usd, to: .jpy) == 149.5)
        #expect(rates.rate(from: .eur, to: .eur) == 1)
    }

    @Test(
        "Conversions are exact until they are rounded, halves away from zero",
        arguments: [
            (Int64(10_000), Currency.usd, Currency.eur, Int64(9200)), (129_999, .usd, .jpy, 194_349),
            (1, .usd, .jpy, 1), (100, .jpy, .usd, 67), (25, .usd, .eur, 23), (-25, .usd, .eur, -23),
            // 0.13 × 0.50… no rate is a half; 12.5 minor units are 13, and -12.5 are -13.
            (1250, .usd, .usd, 1250), (100, .eur, .gbp, 86), (1, .cny, .usd, 0), (4, .cny, .usd, 1),
        ]
    )
    func exact(minorUnits: Int64, from: Currency, to: Currency, wanted: Int64) throws {
        let converted = try rates.convert(Money(minorUnits: minorUnits, currency: from), to: to)
        #expect(converted == Money(minorUnits: wanted, currency: to))
    }

    @Test("A half of a minor unit goes away from zero")
    func half() throws {
        let rates = try ExchangeRates(perUSD: table(eur: 0.5))
        for (cents, wanted) in [(1, 1), (3, 2), (-1, -1), (-3, -2), (2, 1)] as [(Int64, Int64)] {
            #expect(try rates.convert(Money(minorUnits: cents, currency: .usd), to: .eur).minorUnits == wanted)
        }
    }

    @Test("There and back differs by no more than half a unit of the coarser currency and one of the finer")
    func symmetry() throws {
        for from in Currency.allCases {
            for to in Currency.allCases {
                for minorUnits in [Int64(1), 7, 99, 1299, 34_999, 129_999, 1_000_003, 123_456_789] {
                    let money = Money(minorUnits: minorUnits, currency: from)
                    let back = try rates.convert(rates.convert(money, to: to), to: from)
                    // What half a minor unit of the other currency is worth here, and this one's own rounding.
                    let worth = rates.rate(from: to, to: from) / Double(to.minorUnitsPerMajor)
                    let tolerance = worth * Double(from.minorUnitsPerMajor) / 2 + 0.5
                    #expect(
                        Double(abs(back.minorUnits - minorUnits)) <= tolerance.rounded(.up),
                        "\(money) → \(to.rawValue) → \(back)"
                    )
                }
            }
        }
    }

    @Test("Opposite amounts convert to opposite amounts, and a currency to itself unchanged")
    func signs() throws {
        for currency in Currency.allCases {
            for minorUnits in [Int64(1), 5, 12_345, Money.largest / 1000] {
                let plus = try rates.convert(Money(minorUnits: minorUnits, currency: .usd), to: currency)
                let minus = try rates.convert(Money(minorUnits: -minorUnits, currency: .usd), to: currency)
                #expect(plus.minorUnits == -minus.minorUnits)
                let money = Money(minorUnits: minorUnits, currency: currency)
                #expect(try rates.convert(money, to: currency) == money)
            }
        }
    }

    @Test("A conversion beyond the largest amount is refused and never traps")
    func overflow() throws {
        let largest = Money(minorUnits: Money.largest, currency: .usd)
        #expect(throws: MoneyError.outOfRange) { try rates.convert(largest, to: .cny) }
        for minorUnits in [Int64.max, .min, .max - 1] {
            for currency in Currency.allCases {
                #expect(throws: MoneyError.outOfRange) {
                    try rates.convert(Money(minorUnits: minorUnits, currency: .jpy), to: currency)
                }
            }
        }
    }

    @Test(
        "A rate that cannot be divided by is no rate",
        arguments: [0, -1, 1e-9, .nan, .infinity, 1e6] as [Double]
    )
    func unusableRates(rate: Double) {
        #expect(throws: ExchangeRates.MissingRate.self) { try ExchangeRates(perUSD: table(eur: rate)) }
    }

    @Test("A currency without a rate is missed")
    func missing() {
        #expect(throws: ExchangeRates.MissingRate.self) { try ExchangeRates(perUSD: ["EUR": 0.92]) }
    }

    private func table(eur: Double) -> [String: Double] {
        var table = Dictionary(uniqueKeysWithValues: Currency.allCases.map { ($0.rawValue, 1.0) })
        table["EUR"] = eur
        return table
    }
}
