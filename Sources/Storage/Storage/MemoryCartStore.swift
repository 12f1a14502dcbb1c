public import Commerce

/// Carts in this process's memory: bounded in number and gone after a day without use.
public actor MemoryCartStore: CartStore {
    private var shelf: CartShelf
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - maximumCarts: The one unused for longest makes room beyond this.
    ///   - lifetime: Milliseconds after its last change that a cart is kept; a day.
    ///   - now: Milliseconds since 1970.
    public init(
        maximumCarts: Int = 100_000,
        lifetime: Int64 = CartShelf.day,
        now: @escaping @Sendable () -> Int64
    ) {
        shelf = CartShelf(maximumCarts: maximumCarts, lifetime: lifetime)
        self.now = now
    }

    public func cart(_ id: CartID) -> Cart { shelf.cart(id, now: now()) }

    public func add(_ line: Cart.Line, to id: CartID) throws -> Cart { try shelf.add(line, to: id, now: now()) }

    public func remove(_ product: ProductID, from id: CartID) -> Cart { shelf.remove(product, from: id, now: now()) }

    public func take(_ pieces: [Cart.Pieces], from id: CartID) -> Cart { shelf.take(pieces, from: id, now: now()) }

    public func clear(_ id: CartID) -> Cart { shelf.clear(id, now: now()) }

    public var state: CartStoreState {
        CartStoreState(storage: "memory", isDegraded: false, carts: shelf.count)
    }
}
