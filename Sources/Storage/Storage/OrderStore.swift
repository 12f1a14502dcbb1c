public import Commerce

/// Where orders are kept, with the outbox that carries them upstream. Every engine behaves as `StorageConformance`
/// says.
public protocol OrderStore: Sendable {
    /// Writes an order, its items, the stock, the outbox row and the idempotency key in one transaction. When this
    /// returns, the order is on disk.
    ///
    /// With a key that was used before, nothing is written: the first order is returned as `.replayed`.
    ///
    /// - Throws: `OrderRefusal` when the shop cannot take it; `StorageError` when the engine cannot.
    func place(_ draft: OrderDraft) async throws -> PlacedOrder

    /// The order that a key has made, nil when the key is new.
    ///
    /// - Throws: `OrderRefusal.keyReused` when the fingerprint is another; `StorageError`.
    func order(forKey key: IdempotencyKey) async throws -> Order?

    /// Nil when there is no such order.
    ///
    /// - Throws: `StorageError`.
    func order(_ id: OrderID) async throws -> Order?

    /// Newest first; of one shopper, or of all with nil.
    ///
    /// - Throws: `StorageError`.
    func orders(of user: UserID?, limit: Int) async throws -> [Order]

    /// Most orders first, then by id.
    ///
    /// - Throws: `StorageError`.
    func popularProducts(limit: Int) async throws -> [PopularProduct]

    /// The books of the outbox.
    ///
    /// - Throws: `StorageError`.
    func outboxCounts() async throws -> OutboxCounts

    /// Whether an order would be kept now, as far as can be told without one: reading may go on working where it would not.
    ///
    /// - Throws: `StorageError` when it would not.
    func checkPlace() async throws
}

extension OrderStore {
    /// Of an engine that knows only by trying.
    public func checkPlace() async throws {}
}

/// A purchase to be written.
public struct OrderDraft: Sendable {
    public var order: Order
    public var key: IdempotencyKey?
    /// Whether the supplier delivers a product's seeded stock when there is not enough.
    public var restocks: Bool

    public init(order: Order, key: IdempotencyKey? = nil, restocks: Bool) {
        self.order = order
        self.key = key
        self.restocks = restocks
    }
}

/// A client's own name for one purchase, and what the request said: the same key must come with the same request.
public struct IdempotencyKey: Hashable, Sendable {
    public let key: String
    /// A digest of the request's meaning.
    public let fingerprint: String

    public init(key: String, fingerprint: String) {
        self.key = key
        self.fingerprint = fingerprint
    }
}

/// What `place` has done.
public enum PlacedOrder: Hashable, Sendable {
    /// Written now, with what the supplier delivered for it.
    case created(Order, restocked: [Restock])
    /// Written before under the same key.
    case replayed(Order)

    /// The order either way.
    public var order: Order {
        switch self {
        case .created(let order, _), .replayed(let order): order
        }
    }
}

/// A delivery by the supplier.
public struct Restock: Hashable, Sendable {
    public let productID: ProductID
    public let quantity: Int

    public init(productID: ProductID, quantity: Int) {
        self.productID = productID
        self.quantity = quantity
    }
}

/// Why the shop does not take an order. Nothing has been written.
public enum OrderRefusal: Error, Hashable, Sendable {
    case outOfStock(ProductID, available: Int)
    case unknownProduct(ProductID)
    /// The key came before with another request.
    case keyReused
}

/// How often a product was ordered.
public struct PopularProduct: Hashable, Sendable {
    public let id: ProductID
    public let name: String
    public let orderCount: Int

    public init(id: ProductID, name: String, orderCount: Int) {
        self.id = id
        self.name = name
        self.orderCount = orderCount
    }
}

/// The orders' half of the ledger: `enqueued = pending + accepted + backordered + rejected + quarantined`.
public struct OutboxCounts: Hashable, Sendable {
    public var enqueued: Int
    public var pending: Int
    public var accepted: Int
    public var backordered: Int
    public var rejected: Int
    public var quarantined: Int
    /// When the oldest pending one was placed, milliseconds since 1970; nil when none is pending.
    public var oldestPending: Int64?

    public init(
        enqueued: Int = 0,
        pending: Int = 0,
        accepted: Int = 0,
        backordered: Int = 0,
        rejected: Int = 0,
        quarantined: Int = 0,
        oldestPending: Int64? = nil
    ) {
        self.enqueued = enqueued
        self.pending = pending
        self.accepted = accepted
        self.backordered = backordered
        self.rejected = rejected
        self.quarantined = quarantined
        self.oldestPending = oldestPending
    }

    /// Whether every order ever enqueued is accounted for.
    public var balances: Bool { enqueued == pending + accepted + backordered + rejected + quarantined }
}
