public import Commerce
import Faults
public import FoundationEssentials
import Hummingbird
public import ServiceKit
import ServiceTracing
import ShopAPI

/// `shipping`: what a parcel costs and when it arrives.
public struct ShippingController: Sendable {
    private let tariff: ShippingTariff
    private let mode: DemoModeFollower
    private let faults: ServiceFaults
    private let now: @Sendable () -> Date

    public init(
        tariff: ShippingTariff,
        mode: DemoModeFollower,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.tariff = tariff
        self.mode = mode
        faults = mode.faults(of: ServiceName.shipping.rawValue)
        self.now = now
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        let tracer = router.tracer
        router.post("/calculate") { request, _ in
            let parcel = try await request.decode(ShippingRequest.self)
            if parcel.destination == .international { try await waitForCustoms(tracer) }
            return try .json(quote(parcel))
        }
        router.get("/methods") { _, _ in
            let methods = ShippingMethod.allCases.compactMap { method in
                tariff.rates[method].map { ShippingMethods.Method(method: method, base: $0.base, days: $0.days) }
            }
            return try .json(ShippingMethods(methods))
        }
        router.addObservation(
            of: mode,
            stats: { ["methods": .int(tariff.rates.count)] }
        )
    }

    /// While `shipping-latency` is on.
    private func waitForCustoms(_ tracer: ServiceTracer) async throws {
        guard let milliseconds = faults[.shippingLatency]?.strength else { return }
        try await tracer.withSpan("ask the customs broker") { span in
            faults.mark(span, .shippingLatency)
            let begun = ContinuousClock.now
            defer { faults.count(.shippingLatency, milliseconds: (ContinuousClock.now - begun).milliseconds) }
            try await Task.sleep(for: .milliseconds(milliseconds))
        }
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
