/// What a shopper has put aside: one line a product, in the order they were first added.
public struct Cart: Hashable, Sendable {
    /// One product in a cart.
    public struct Line: Hashable, Sendable {
        public let productID: ProductID
        public let productName: String
        public let price: Money
        public var quantity: Int

        public init(productID: ProductID, productName: String, price: Money, quantity: Int) {
            self.productID = productID
            self.productName = productName
            self.price = price
            self.quantity = quantity
        }
    }

    /// So many pieces of a product.
    public struct Pieces: Hashable, Sendable {
        public let productID: ProductID
        public let quantity: Int

        public init(productID: ProductID, quantity: Int) {
            self.productID = productID
            self.quantity = quantity
        }
    }

    public let id: CartID
    public var lines: [Line]
    /// Milliseconds since 1970, UTC.
    public var updatedAt: Int64

    /// How many different products a cart may hold.
    public static let maximumLines = 100

    public init(id: CartID, lines: [Line] = [], updatedAt: Int64) {
        self.id = id
        self.lines = lines
        self.updatedAt = updatedAt
    }

    /// The sum of the lines in US dollars.
    ///
    /// - Throws: `MoneyError.outOfRange` on overflow.
    public func total() throws(MoneyError) -> Money {
        var total = Money.zero(.usd)
        for line in lines { total = try total.adding(line.price.times(line.quantity)) }
        return total
    }

    /// Takes so many pieces out, or what there is of them.
    ///
    /// - Returns: Whether there was any.
    public mutating func take(_ pieces: Pieces) -> Bool {
        guard let index = lines.firstIndex(where: { $0.productID == pieces.productID }) else { return false }
        if lines[index].quantity > pieces.quantity {
            lines[index].quantity -= pieces.quantity
        } else {
            lines.remove(at: index)
        }
        return true
    }

    /// Adds to the line of the same product, or as a new line.
    ///
    /// - Throws: `CartError` when the cart or the line would be too large; the cart is then unchanged.
    public mutating func add(_ line: Line) throws(CartError) {
        guard Quantity.range.contains(line.quantity) else { throw .tooMany }
        if let index = lines.firstIndex(where: { $0.productID == line.productID }) {
            let quantity = lines[index].quantity + line.quantity
            guard Quantity.range.contains(quantity) else { throw .tooMany }
            lines[index].quantity = quantity
        } else {
            guard lines.count < Self.maximumLines else { throw .tooManyLines }
            lines.append(line)
        }
    }
}

/// Why something cannot be put into a cart.
public enum CartError: Error, Hashable, Sendable {
    /// What is added, or the line with it, is outside of `Quantity.range`.
    case tooMany
    /// The cart would hold more than `Cart.maximumLines` products.
    case tooManyLines
}
