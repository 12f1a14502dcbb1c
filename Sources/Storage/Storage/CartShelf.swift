public import Commerce
import HeapModule

/// Carts in memory, as a value: bounded in number, and gone after a day without use. Points in time are milliseconds
/// since 1970.
public struct CartShelf: Sendable {
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

    /// A day, in milliseconds.
    public static let day: Int64 = 24 * 60 * 60 * 1000

    /// - Parameters:
    ///   - maximumCarts: The one unused for longest makes room beyond this.
    ///   - lifetime: Milliseconds after its last change that a cart is kept.
    public init(maximumCarts: Int, lifetime: Int64 = day) {
        self.maximumCarts = maximumCarts
        self.lifetime = lifetime
    }

    /// How many carts there are.
    public var count: Int { carts.count }

    /// The cart; an empty one when there is none.
    public mutating func cart(_ id: CartID, now: Int64) -> Cart {
        dropOld(now)
        return carts[id] ?? Cart(id: id, updatedAt: now)
    }

    /// Adds to a cart. The cart as it is then.
    ///
    /// - Throws: `CartError` when it would be too large; it is then unchanged.
    public mutating func add(_ line: Cart.Line, to id: CartID, now: Int64) throws(CartError) -> Cart {
        var cart = cart(id, now: now)
        try cart.add(line)
        return store(cart, now)
    }

    /// Removes a product's line, if there is one. The cart as it is then.
    public mutating func remove(_ product: ProductID, from id: CartID, now: Int64) -> Cart {
        var cart = cart(id, now: now)
        guard cart.lines.contains(where: { $0.productID == product }) else { return cart }
        cart.lines.removeAll { $0.productID == product }
        return store(cart, now)
    }

    /// Takes so many pieces out of a cart, of each product what there is of it. The cart as it is then.
    public mutating func take(_ pieces: [Cart.Pieces], from id: CartID, now: Int64) -> Cart {
        var cart = cart(id, now: now)
        guard pieces.reduce(false, { cart.take($1) || $0 }) else { return cart }
        return cart.lines.isEmpty ? clear(id, now: now) : store(cart, now)
    }

    /// Empties a cart. The cart as it is then.
    public mutating func clear(_ id: CartID, now: Int64) -> Cart {
        carts[id] = nil
        return Cart(id: id, updatedAt: now)
    }

    /// Takes a cart as another engine has told it, unless a newer one is known.
    public mutating func keep(_ cart: Cart) {
        if let known = carts[cart.id], known.updatedAt > cart.updatedAt { return }
        if cart.lines.isEmpty { carts[cart.id] = nil } else { _ = store(cart, cart.updatedAt) }
    }

    private mutating func store(_ cart: Cart, _ now: Int64) -> Cart {
        var cart = cart
        cart.updatedAt = now
        carts[cart.id] = cart
        touches.insert(Touch(at: now, id: cart.id))
        if touches.count > 2 * maximumCarts { rebuildTouches() }
        dropOld(now)
        return cart
    }

    private mutating func dropOld(_ now: Int64) {
        let oldest = now - lifetime
        while let touch = touches.min, touch.at < oldest || carts.count > maximumCarts {
            touches.removeMin()
            if carts[touch.id]?.updatedAt == touch.at { carts[touch.id] = nil }
        }
    }

    private mutating func rebuildTouches() {
        touches = Heap(carts.values.map { Touch(at: $0.updatedAt, id: $0.id) })
    }
}
