package import Commerce
import FoundationEssentials
import PostgresClient
package import Storage

/// What is to be done with a batch, decided from what is upstream already and from the stock, which is locked.
package struct PushPlan {
    /// What the upstream knows of an order's id.
    package struct Known {
        /// Of its receipt; nil without one.
        let outcome: String?
        /// Whether the receipt is for this payload.
        let isSame: Bool
        /// Whether the upstream has such an order.
        let isThere: Bool

        package init(outcome: String?, isSame: Bool, isThere: Bool) {
            (self.outcome, self.isSame, self.isThere) = (outcome, isSame, isThere)
        }
    }

    /// One an order, in their order.
    package private(set) var outcomes: [OrderOutcome] = []
    /// What gets a receipt now.
    package private(set) var new: [OrderPayload] = []
    /// What leaves the stock, by product.
    package private(set) var taken: [Int: Int] = [:]
    private var stock: [Int: Int]

    /// - Parameters:
    ///   - known: By id; an order that is not in it was never seen.
    ///   - stock: By product; what is not in it is no product.
    package init(_ orders: [(order: Order, payload: OrderPayload)], known: [String: Known], stock: [Int: Int]) {
        self.stock = stock
        for (order, payload) in orders {
            if let outcome = known[payload.id].flatMap(Self.replay) {
                outcomes.append(outcome)
            } else {
                decide(order, payload)
            }
        }
    }

    /// The stock that is taken, as one parameter.
    var takenParameter: PostgresValue {
        get throws {
            let rows = taken.map { ["product_id": $0.key, "quantity": $0.value] }
            return .string(String(decoding: try JSONEncoder().encode(rows), as: UTF8.self))
        }
    }

    /// What was decided before; nil for an order that is new.
    private static func replay(_ known: Known) -> OrderOutcome? {
        guard let outcome = known.outcome else {
            return known.isThere ? .quarantined(reason: "The upstream has an order of this id from elsewhere.") : nil
        }
        guard known.isSame else {
            return .quarantined(reason: "The upstream has taken an order of this id with another payload.")
        }
        switch outcome {
        case "accepted": return .accepted
        case "backordered": return .backordered
        default: return .rejected(reason: "The upstream has rejected it before.")
        }
    }

    private mutating func decide(_ order: Order, _ payload: OrderPayload) {
        var wanted: [Int: Int] = [:]
        for item in order.items {
            let (sum, overflow) = wanted[item.productID.rawValue, default: 0].addingReportingOverflow(item.quantity)
            wanted[item.productID.rawValue] = overflow ? .max : sum
        }
        let outcome: OrderOutcome
        if let unknown = wanted.keys.filter({ stock[$0] == nil }).min() {
            outcome = .rejected(reason: "The upstream has no product \(unknown).")
        } else if wanted.allSatisfy({ stock[$0.key, default: 0] >= $0.value }) {
            outcome = .accepted
            for (product, quantity) in wanted {
                stock[product, default: 0] -= quantity
                taken[product, default: 0] += quantity
            }
        } else {
            outcome = .backordered
        }
        outcomes.append(outcome)
        var payload = payload
        payload.outcome = outcome.name
        new.append(payload)
    }
}
