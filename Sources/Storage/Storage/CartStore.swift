public import Commerce

/// Where carts are kept. Every engine behaves as `StorageConformance` says. A cart that was never seen is empty.
public protocol CartStore: Sendable {
    /// - Throws: `StorageError`.
    func cart(_ id: CartID) async throws -> Cart

    /// Adds to a cart; concurrent adds all count. The cart as it is then.
    ///
    /// - Throws: `CartError` when it would be too large; `StorageError`.
    func add(_ line: Cart.Line, to id: CartID) async throws -> Cart

    /// Removes a product's line, if there is one. The cart as it is then.
    ///
    /// - Throws: `StorageError`.
    func remove(_ product: ProductID, from id: CartID) async throws -> Cart

    /// Takes so many pieces out of a cart, of each product what there is of it. The cart as it is then.
    ///
    /// - Throws: `StorageError`.
    func take(_ pieces: [Cart.Pieces], from id: CartID) async throws -> Cart

    /// Empties a cart. The cart as it is then.
    ///
    /// - Throws: `StorageError`.
    func clear(_ id: CartID) async throws -> Cart

    /// What `/health` says of it.
    var state: CartStoreState { get async }
}

/// Which engine answers now.
public struct CartStoreState: Hashable, Sendable {
    /// `redis` or `memory`.
    public let storage: String
    /// True while another engine stands in for the configured one.
    public let isDegraded: Bool
    /// How many carts there are, where that is cheap to know.
    public let carts: Int?
    /// Why the configured engine is away; nil when it is not.
    public let trouble: StorageError.Code?
    /// How many changes wait for it.
    public let waiting: Int

    public init(
        storage: String,
        isDegraded: Bool,
        carts: Int?,
        trouble: StorageError.Code? = nil,
        waiting: Int = 0
    ) {
        self.storage = storage
        self.isDegraded = isDegraded
        self.carts = carts
        self.trouble = trouble
        self.waiting = waiting
    }
}
