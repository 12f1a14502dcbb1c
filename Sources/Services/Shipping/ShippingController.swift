public import Commerce
public import FoundationEssentials
import Hummingbird
public import ServiceKit
import ShopAPI

/// `shipping`: what a parcel costs and when it arrives.
public struct ShippingController: Sendable {
    private let tariff: ShippingTariff
    private let mode: DemoModeFollower
    private let now: @Sendable () -> Date

    public init(
        tariff: ShippingTariff,
        mode: DemoModeFollower,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.tariff = tariff
        self.mode = mode
        self.now = now
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.post("/calculate") { request, _ in try .json(quote(await request.decode(ShippingRequest.self))) }
        router.get("/methods") { _, _ in
            let methods = ShippingMethod.allCases.compactMap { method in
                tariff.rates[method].map { ShippingMethods.Method(method: method, base: $0.base, days: $0.days) }
            }
            return try .json(ShippingMethods(methods))
        }
        router.addObservation(
            health: { ["mode": .string(mode.mode.rawValue)] },
            stats: { ["methods": .int(tariff.rates.count)] }
        )
    }

    private func quote(_ request: ShippingRequest) throws -> ShippingAnswer {
        let grams = Int64((request.weight * 1000).rounded())
        guard let rate = tariff.rates[request.method],
            let cost = tariff.cost(grams: grams, to: request.destination, by: request.method)
        else { throw ServiceError(.badRequest, "unknown_method", "\(request.method.rawValue) has no tariff.") }
        let delivery = now().addingTimeInterval(Double(rate.days.upperBound) * 86_400)
        return ShippingAnswer(
            request: request,
            cost: cost,
            days: rate.days,
            delivery: delivery.formatted(Date.ISO8601FormatStyle().year().month().day())
        )
    }
}
