import Commerce
import Fixtures
import Testing

struct ShippingTests {
    private let tariff: ShippingTariff

    init() throws { tariff = try SeedData.shippingTariff() }

    @Test(
        "Cost is the contract's: base, 2.00 a kilogram over 2, half as much again abroad",
        arguments: [
            (Int64(0), Destination.domestic, ShippingMethod.standard, Int64(599)),
            (1000, .domestic, .standard, 599), (2000, .domestic, .standard, 599), (2000, .domestic, .express, 1299),
            (2000, .domestic, .overnight, 2499), (3000, .domestic, .standard, 799), (2500, .domestic, .standard, 699),
            (10_000, .domestic, .overnight, 4099), (1000, .international, .standard, 899),
            (1000, .international, .express, 1949), (1000, .international, .overnight, 3749),
            (5000, .international, .standard, 1799), (2001, .domestic, .standard, 599),
            (2003, .domestic, .standard, 600),
            (1_000_000, .international, .overnight, 303_149),
        ]
    )
    func cost(grams: Int64, destination: Destination, method: ShippingMethod, cents: Int64) {
        #expect(
            tariff.cost(grams: grams, to: destination, by: method) == Money(minorUnits: cents, currency: .usd)
        )
    }

    @Test("Days are the contract's")
    func days() {
        #expect(tariff.rates.mapValues(\.days) == [.standard: 5...7, .express: 2...3, .overnight: 1...1])
    }

    @Test(
        "A weight beyond what can be sent costs what the extreme costs, and never traps",
        arguments: ShippingMethod.allCases
    )
    func extremes(method: ShippingMethod) {
        let most = tariff.cost(grams: ShippingTariff.maximumGrams, to: .international, by: method)
        #expect(tariff.cost(grams: .max, to: .international, by: method) == most)
        let least = tariff.cost(grams: 0, to: .international, by: method)
        #expect(tariff.cost(grams: .min, to: .international, by: method) == least)
        #expect(tariff.cost(grams: -1, to: .international, by: method) == least)
    }

    @Test("More weight never costs less")
    func monotone() throws {
        for destination in Destination.allCases {
            var last = Int64(0)
            for grams in stride(from: Int64(0), through: 12_000, by: 7) {
                let cost = try #require(tariff.cost(grams: grams, to: destination, by: .standard)).minorUnits
                #expect(cost >= last)
                last = cost
            }
        }
    }

    @Test("A method without a rate has no cost")
    func noRate() {
        let tariff = ShippingTariff(
            rates: [:],
            includedGrams: 2000,
            perExtraKilogram: .zero(.usd),
            internationalPercent: 150
        )
        #expect(tariff.cost(grams: 1, to: .domestic, by: .standard) == nil)
    }
}
