// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import Commerce

/// A cart as `/cart/…` answers it.
public struct CartAnswer: Codable, Hashable, Sendable {
    /// One line.
    public struct Item: Codable, Hashable, Sendable {
        public let product_id: Int
        public let product_name: String
        /// US dollars.
        public let price: Double
        public let quantity: Int
    }

    /// The lines and their sum.
    public struct Contents: Codable, Hashable, Sendable {
        public let items: [Item]
        /// US dollars.
        public let total: Double
        /// ISO 8601, UTC.
        public let updated_at: String
    }

    public let success: Bool
    public let cart_id: String
    public let cart: Contents

    /// - Throws: `MoneyError.outOfRange` when the total is more than money can be.
    public init(_ cart: Cart) throws(MoneyError) {
        success = true
        cart_id = cart.id.rawValue
        self.cart = Contents(
            items: cart.lines.map { line in
                Item(
                    product_id: line.productID.rawValue,
                    product_name: line.productName,
                    price: line.price.majorUnits,
                    quantity: line.quantity
                )
            },
            total: try cart.total().majorUnits,
            updated_at: Timestamp.text(cart.updatedAt)
        )
    }
}

/// `POST /cart/{cart_id}/add`. Name and price are looked up in the catalog when absent.
public struct AddToCart: Codable, Sendable {
    public let product_id: Int
    public let quantity: Int
    public let product_name: String?
    /// US dollars.
    public let price: Double?

    public init(product: ProductID, quantity: Int, name: String? = nil, price: Money? = nil) {
        product_id = product.rawValue
        self.quantity = quantity
        product_name = name
        self.price = price?.majorUnits
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        product_id = try container.integer(.product_id, in: 1...Int(Int32.max))
        quantity = try container.integer(.quantity, default: 1, in: Quantity.range)
        product_name = try container.has(.product_name) ? container.name(.product_name) : nil
        price = try container.has(.price) ? container.number(.price, in: 0...1_000_000) : nil
    }
}

/// `POST /cart/{cart_id}/clear`: everything, or so many pieces as were bought, so that what is added meanwhile stays.
public struct ClearCart: Codable, Sendable {
    /// Nil for everything.
    public let items: [Item]?

    public struct Item: Codable, Sendable {
        public let product_id: Int
        public let quantity: Int

        public var pieces: Cart.Pieces { Cart.Pieces(productID: ProductID(product_id), quantity: quantity) }

        public init(_ pieces: Cart.Pieces) {
            (product_id, quantity) = (pieces.productID.rawValue, pieces.quantity)
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            product_id = try container.integer(.product_id, in: 1...Int(Int32.max))
            quantity = try container.integer(.quantity, in: Quantity.range)
        }
    }

    public init(_ pieces: [Cart.Pieces]) { items = pieces.map(Item.init) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // A null is no list, and must not empty a cart.
        items = container.contains(.items) ? try container.decode([Item].self, forKey: .items) : nil
        guard items?.count ?? 0 <= Cart.maximumLines else {
            throw InputError.outOfRange("items", "at most \(Cart.maximumLines) of them")
        }
    }
}

/// `POST /cart/{cart_id}/remove`.
public struct RemoveFromCart: Codable, Sendable {
    public let product_id: Int

    public init(product: ProductID) {
        product_id = product.rawValue
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        product_id = try container.integer(.product_id, in: 1...Int(Int32.max))
    }
}
