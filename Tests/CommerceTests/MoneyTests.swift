import Commerce
import Testing

struct MoneyTests {
    @Test("The currencies are eight, and the yen alone has no decimals")
    func currencies() {
        #expect(Currency.allCases.map(\.rawValue) == ["USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "CNY"])
        #expect(Currency.allCases.filter { $0.decimals == 0 } == [.jpy])
        #expect(Currency.allCases.allSatisfy { [1, 100][$0.decimals / 2] == $0.minorUnitsPerMajor })
    }

    @Test(
        "Numbers from outside are rounded to the minor unit, halves away from zero",
        arguments: [
            (1299.99, Currency.usd, Int64(129_999)), (0.125, .usd, 13), (-0.125, .usd, -13), (0.124, .usd, 12),
            (2.5, .jpy, 3), (-2.5, .jpy, -3), (2.49, .jpy, 2), (0.001, .eur, 0), (-0.001, .eur, 0), (0, .gbp, 0),
            (19.99, .usd, 1999), (0.07, .usd, 7), (1.1, .chf, 110), (1e13, .usd, 1_000_000_000_000_000),
        ]
    )
    func rounding(amount: Double, currency: Currency, minorUnits: Int64) throws {
        #expect(try Money(amount, in: currency).minorUnits == minorUnits)
    }

    @Test(
        "What no amount can be is refused",
        arguments: [Double.nan, .infinity, -.infinity, 1e14, -1e14, 1e308, .signalingNaN, .greatestFiniteMagnitude]
    )
    func impossibleAmounts(amount: Double) {
        for currency in [Currency.usd, .jpy] where abs(amount) != 1e14 || currency == .usd {
            #expect(throws: MoneyError.outOfRange) { try Money(amount, in: currency) }
        }
    }

    @Test("Every price to a hundred dollars goes to a double and back unchanged")
    func roundTrip() throws {
        for cents in Int64(0)...10_000 {
            let money = Money(minorUnits: cents, currency: .usd)
            #expect(try Money(money.majorUnits, in: .usd) == money)
        }
        let largest = Money(minorUnits: Money.largest, currency: .usd)
        #expect(try Money(largest.majorUnits, in: .usd) == largest)
    }

    @Test("Sums beyond the largest amount are refused and never trap")
    func sums() throws {
        let largest = Money(minorUnits: Money.largest, currency: .usd)
        let cent = Money(minorUnits: 1, currency: .usd)
        #expect(try largest.adding(.zero(.usd)) == largest)
        #expect(throws: MoneyError.outOfRange) { try largest.adding(cent) }
        let pairs: [(Int64, Int64)] = [
            (.max, 1), (.max, .max), (.min, -1), (.min, .min), (.min / 2, .min / 2), (.min, 0), (.max, 0),
        ]
        for (left, right) in pairs {
            #expect(throws: MoneyError.outOfRange) {
                try Money(minorUnits: left, currency: .usd).adding(Money(minorUnits: right, currency: .usd))
            }
        }
    }

    @Test("Two currencies have no sum")
    func mixedSum() {
        #expect(throws: MoneyError.currencyMismatch) { try Money.zero(.usd).adding(.zero(.eur)) }
    }

    @Test("Products beyond the largest amount are refused and never trap")
    func products() throws {
        #expect(try Money(minorUnits: 1299, currency: .usd).times(3).minorUnits == 3897)
        #expect(try Money(minorUnits: 1299, currency: .usd).times(0) == .zero(.usd))
        #expect(try Money(minorUnits: 5, currency: .usd).times(-2).minorUnits == -10)
        let pairs: [(Int64, Int)] = [
            (Money.largest, 2), (.max, .max), (.min, -1), (.min, 1), (2, .max), (1 << 62, -2), (1, .min),
        ]
        for (amount, quantity) in pairs {
            #expect(throws: MoneyError.outOfRange) { try Money(minorUnits: amount, currency: .usd).times(quantity) }
        }
    }

    @Test(
        "A description has the currency's decimals",
        arguments: [
            (Int64(129_999), Currency.usd, "1299.99 USD"), (5, .usd, "0.05 USD"), (-5, .eur, "-0.05 EUR"),
            (-129_905, .usd, "-1299.05 USD"), (150, .jpy, "150 JPY"), (0, .usd, "0.00 USD"),
            (.min, .usd, "-92233720368547758.08 USD"),
        ]
    )
    func description(minorUnits: Int64, currency: Currency, text: String) {
        #expect(Money(minorUnits: minorUnits, currency: currency).description == text)
    }
}
