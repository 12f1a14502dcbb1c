public import Commerce

/// The waiting end of an order store: what the upstream has not answered yet, in the order in which it was placed.
public protocol OrderOutbox: Sendable {
    /// The oldest that wait, at most `limit` of them. Reading changes nothing.
    ///
    /// - Parameter passed: Orders that are passed over.
    /// - Throws: `StorageError`.
    func pending(limit: Int, passing passed: [OrderID]) async throws -> [PendingOrder]

    /// Those of the given ones that wait, the oldest first.
    ///
    /// - Throws: `StorageError`.
    func pending(among ids: [OrderID]) async throws -> [PendingOrder]

    /// Writes what became of orders, in one transaction: their status, the books, and that they wait no more. What does
    /// not wait is passed over, so that doing it twice is doing it once.
    ///
    /// - Throws: `StorageError`; nothing is written then.
    func settle(_ settlements: [OrderSettlement]) async throws

    /// The books.
    ///
    /// - Throws: `StorageError`.
    func outboxCounts() async throws -> OutboxCounts
}

extension OrderOutbox {
    /// The oldest that wait, at most `limit` of them.
    ///
    /// - Throws: `StorageError`.
    public func pending(limit: Int) async throws -> [PendingOrder] { try await pending(limit: limit, passing: []) }
}

/// One row of an outbox.
public struct PendingOrder: Hashable, Sendable {
    public let id: OrderID
    /// Nil when what is stored does not read as an order.
    public let order: Order?

    public init(id: OrderID, order: Order?) {
        self.id = id
        self.order = order
    }
}

/// What the upstream has decided of an order, for good.
public enum OrderOutcome: Hashable, Sendable {
    /// The stock was there.
    case accepted
    /// It was not: the order stands, and somebody has to deliver later.
    case backordered
    /// The upstream can never take it.
    case rejected(reason: String)
    /// Its id is upstream with another payload, or it does not read: a person has to look.
    case quarantined(reason: String)

    /// As the books, the status and spans call it.
    public var name: String {
        switch self {
        case .accepted: "accepted"
        case .backordered: "backordered"
        case .rejected: "rejected"
        case .quarantined: "quarantined"
        }
    }

    /// One sentence, where there is something to explain.
    public var reason: String? {
        switch self {
        case .accepted, .backordered: nil
        case .rejected(let reason), .quarantined(let reason): reason
        }
    }
}

/// An order's outcome, to be written.
public struct OrderSettlement: Hashable, Sendable {
    public let id: OrderID
    public let outcome: OrderOutcome
    /// The span that shows its push (W3C Trace Context), so that a purchase can be followed to it.
    public let traceParent: String?

    public init(id: OrderID, outcome: OrderOutcome, traceParent: String? = nil) {
        self.id = id
        self.outcome = outcome
        self.traceParent = traceParent
    }
}
