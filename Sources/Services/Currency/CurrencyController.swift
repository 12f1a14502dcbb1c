public import Commerce
import Hummingbird
public import ServiceKit
import ShopAPI

/// `currency`: eight currencies at fixed rates.
public struct CurrencyController: Sendable {
    private let rates: ExchangeRates
    private let mode: DemoModeFollower

    public init(rates: ExchangeRates, mode: DemoModeFollower) {
        self.rates = rates
        self.mode = mode
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/rates") { _, _ in try .json(RatesAnswer(rates)) }
        router.post("/convert") { request, _ in
            let conversion = try await request.decode(ConvertRequest.self)
            let amount = try Money(conversion.amount, in: conversion.from)
            return try .json(
                ConvertAnswer(
                    amount: amount,
                    converted: try rates.convert(amount, to: conversion.to),
                    rate: rates.rate(from: conversion.from, to: conversion.to)
                )
            )
        }
        router.addObservation(
            of: mode,
            stats: { ["currencies": .int(Currency.allCases.count)] }
        )
    }
}
