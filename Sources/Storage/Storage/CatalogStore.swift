public import Commerce

/// Where products are kept. Every engine behaves as `StorageConformance` says.
public protocol CatalogStore: Sendable {
    /// The products that match, by price ascending, then by id; at most `query.limit`.
    ///
    /// - Throws: `StorageError`.
    func products(matching query: ProductQuery) async throws -> [Product]

    /// Nil when there is no such product.
    ///
    /// - Throws: `StorageError`.
    func product(_ id: ProductID) async throws -> Product?

    /// Products whose name or description contains the text, whatever its case, by a full scan: unindexed on
    /// purpose. By price ascending, then by id.
    ///
    /// - Throws: `StorageError`.
    func products(containing text: String, limit: Int) async throws -> [Product]

    /// Every category and how many products it has, by name.
    ///
    /// - Throws: `StorageError`.
    func categories() async throws -> [CategoryCount]
}

/// What to look for. Nil means any.
public struct ProductQuery: Hashable, Sendable {
    public var category: String?
    /// In US dollars, both ends included.
    public var minimumPrice: Money?
    public var maximumPrice: Money?
    public var limit: Int

    public init(category: String? = nil, minimumPrice: Money? = nil, maximumPrice: Money? = nil, limit: Int = 100) {
        self.category = category
        self.minimumPrice = minimumPrice
        self.maximumPrice = maximumPrice
        self.limit = limit
    }
}

/// A category and its number of products.
public struct CategoryCount: Hashable, Sendable {
    public let name: String
    public let count: Int

    public init(name: String, count: Int) {
        self.name = name
        self.count = count
    }
}
