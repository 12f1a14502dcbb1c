public import Commerce
import HeapModule

/// Carts in this process's memory: bounded in number and gone after a day without use.
public actor MemoryCartStore: CartStore {
    /// When a cart was last touched, for taking the oldest first. Entries of carts touched again are stale and skipped.
    private struct Touch: Comparable {
        let at: Int64
        let id: CartID

        static func < (left: Touch, right: Touch) -> Bool { left.at < right.at }
    }

    private var carts: [CartID: Cart] = [:]
    private var touches = Heap<Touch>()
    private let maximumCarts: Int
    private let lifetime: Int64
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - maximumCarts: The one unused for longest makes room beyond this.
    ///   - lifetime: Milliseconds after its last change that a cart is kept; a day.
    ///   - now: Milliseconds since 1970.
    public init(
        maximumCarts: Int = 100_000,
        lifetime: Int64 = 24 * 60 * 60 * 1000,
        now: @escaping @Sendable () -> Int64
    ) {
        self.maximumCarts = maximumCarts
        self.lifetime = lifetime
        self.now = now
    }

    public func cart(_ id: CartID) -> Cart {
        dropOld()
        return carts[id] ?? Cart(id: id, updatedAt: now())
    }

    public func add(_ line: Cart.Line, to id: CartID) throws -> Cart {
        var cart = cart(id)
        try cart.add(line)
        return store(cart)
    }

    public func remove(_ product: ProductID, from id: CartID) -> Cart {
        var cart = cart(id)
        guard cart.lines.contains(where: { $0.productID == product }) else { return cart }
        cart.lines.removeAll { $0.productID == product }
        return store(cart)
    }

    public func clear(_ id: CartID) -> Cart {
        carts[id] = nil
        return Cart(id: id, updatedAt: now())
    }

    public var state: CartStoreState {
        CartStoreState(storage: "memory", isDegraded: false, carts: carts.count)
    }

    private func store(_ cart: Cart) -> Cart {
        var cart = cart
        cart.updatedAt = now()
        carts[cart.id] = cart
        touches.insert(Touch(at: cart.updatedAt, id: cart.id))
        if touches.count > 2 * maximumCarts { rebuildTouches() }
        dropOld()
        return cart
    }

    private func dropOld() {
        let oldest = now() - lifetime
        while let touch = touches.min, touch.at < oldest || carts.count > maximumCarts {
            touches.removeMin()
            if carts[touch.id]?.updatedAt == touch.at { carts[touch.id] = nil }
        }
    }

    private func rebuildTouches() {
        touches = Heap(carts.values.map { Touch(at: $0.updatedAt, id: $0.id) })
    }
}
