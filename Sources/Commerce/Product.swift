/// Something for sale. Prices are in US dollars; what a shopper sees in another currency is converted.
public struct Product: Hashable, Sendable {
    public let id: ProductID
    public let name: String
    public let category: String
    public let price: Money
    public let description: String
    public let stockQuantity: Int

    public init(
        id: ProductID,
        name: String,
        category: String,
        price: Money,
        description: String,
        stockQuantity: Int
    ) {
        self.id = id
        self.name = name
        self.category = category
        self.price = price
        self.description = description
        self.stockQuantity = stockQuantity
    }
}

/// How many of a product one line of a cart or an order may have.
public enum Quantity {
    /// One line is at most ten thousand.
    public static let range = 1...10_000
}
