public import Commerce

/// An order that the upstream has answered.
public struct SettledOrder: Hashable, Sendable {
    public let id: OrderID
    public let outcome: OrderOutcome
    /// Milliseconds since 1970, UTC.
    public let settledAt: Int64
    /// The span of its push (W3C Trace Context).
    public let pushTraceParent: String?
    /// Nil, as the two below, when the order's own row has gone or does not read.
    public let total: Money?
    /// Milliseconds since 1970, UTC.
    public let date: Int64?
    /// The span of the purchase (W3C Trace Context).
    public let purchaseTraceParent: String?

    public init(
        id: OrderID,
        outcome: OrderOutcome,
        settledAt: Int64,
        pushTraceParent: String?,
        total: Money? = nil,
        date: Int64? = nil,
        purchaseTraceParent: String? = nil
    ) {
        self.id = id
        self.outcome = outcome
        self.settledAt = settledAt
        self.pushTraceParent = pushTraceParent
        self.total = total
        self.date = date
        self.purchaseTraceParent = purchaseTraceParent
    }
}

/// Which answered orders are asked for.
public enum SettledOrders: Hashable, Sendable {
    /// The latest answers, whatever they were.
    case latest(limit: Int)
    /// The latest of those that a person should look at: rejected and quarantined ones.
    case refused(limit: Int)
    case order(OrderID)
}
