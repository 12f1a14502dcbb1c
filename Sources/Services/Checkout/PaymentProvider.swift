import Commerce
public import Faults
public import Fixtures
import HTTPTypes
import ServiceKit
import ServiceTracing
import ShopAPI

/// The simulated payment provider: says yes, but for amounts over its limit and for the shoppers whose cards it knows
/// to be bad (`fixtures/payment.json`); and for a share of all while `payment-failures` is on.
public struct PaymentProvider: Sendable {
    private let rules: PaymentRules
    private let faults: ServiceFaults?
    private let refusals: PaymentRefusals

    /// - Parameter seed: The same seed refuses the same payments, counted from when the fault was switched on.
    public init(rules: PaymentRules, faults: ServiceFaults? = nil, seed: UInt64 = 1) {
        self.rules = rules
        self.faults = faults
        refusals = PaymentRefusals(seed: seed)
    }

    /// - Throws: `ServiceError` 402 `payment_declined`.
    func authorize(_ request: PaymentRequest, on span: RecordedSpan? = nil) throws -> PaymentAnswer {
        let amount = try Money(request.amount, in: request.currency)
        if rules.declinedUsers.contains(request.user_id) {
            throw ServiceError(.paymentRequired, "payment_declined", "The card was declined.")
        }
        if let limit = rules.limits[request.currency], amount.minorUnits > limit.minorUnits {
            throw ServiceError(.paymentRequired, "payment_declined", "The amount is over the card's limit.")
        }
        if let faults, let setting = faults[.paymentFailures], refusals.refusesNext(setting) {
            faults.mark(span, .paymentFailures)
            faults.count(.paymentFailures, isError: true)
            throw ServiceError(.paymentRequired, "payment_declined", "The provider refuses payments just now.")
        }
        return PaymentAnswer(status: "authorized", request: request)
    }
}
