import Commerce
public import Fixtures
import HTTPTypes
import ServiceKit
import ShopAPI

/// The simulated payment provider: says yes, but for amounts over its limit and for the shoppers whose cards it knows
/// to be bad (`fixtures/payment.json`).
public struct PaymentProvider: Sendable {
    private let rules: PaymentRules

    public init(rules: PaymentRules) {
        self.rules = rules
    }

    /// - Throws: `ServiceError` 402 `payment_declined`.
    func authorize(_ request: PaymentRequest) throws -> PaymentAnswer {
        let amount = try Money(request.amount, in: request.currency)
        if rules.declinedUsers.contains(request.user_id) {
            throw ServiceError(.paymentRequired, "payment_declined", "The card was declined.")
        }
        if let limit = rules.limits[request.currency], amount.minorUnits > limit.minorUnits {
            throw ServiceError(.paymentRequired, "payment_declined", "The amount is over the card's limit.")
        }
        return PaymentAnswer(status: "authorized", request: request)
    }
}
