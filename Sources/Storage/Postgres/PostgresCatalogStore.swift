public import Commerce
public import Faults
public import PostgresClient
public import ServiceTracing
public import Storage
import UpstreamStorage

/// The catalog on Postgres.
public struct PostgresCatalogStore: CatalogStore {
    private let statements: ShopStatements
    private let pool: TracedPool

    /// - Parameter faults: Of the service that reads.
    public init(_ shop: PostgresShop, pool: PostgresPool, tracer: ServiceTracer, faults: ServiceFaults? = nil) {
        statements = shop.statements
        self.pool = TracedPool(pool: pool, tracer: tracer, statements: shop.statements, faults: faults)
    }

    public func products(matching query: ProductQuery) async throws -> [Product] {
        guard query.category?.isText ?? true else { return [] }
        let minimum = query.minimumPrice?.digits ?? "0"
        let maximum = query.maximumPrice?.digits ?? "Infinity"
        let rows = try await pool.rows(
            statements.products,
            [.optional(query.category, PostgresValue.string), .decimal(minimum), .decimal(maximum), .int(query.limit)]
        )
        return try rows.map(Self.product)
    }

    public func product(_ id: ProductID) async throws -> Product? {
        try await pool.rows(statements.product, [.int(id.rawValue)]).first.map(Self.product)
    }

    public func products(containing text: String, limit: Int) async throws -> [Product] {
        guard text.isText else { return [] }
        return try await pool.rows(statements.search, [.string(text), .int(limit)]).map(Self.product)
    }

    public func categories() async throws -> [CategoryCount] {
        try await pool.rows(statements.categories, []).map { row in
            CategoryCount(name: try row.read("category"), count: try row.read("count"))
        }
    }

    private static func product(_ row: PostgresRow) throws -> Product {
        Product(
            id: ProductID(try row.read("id")),
            name: try row.read("name"),
            category: try row.read("category"),
            price: try Money(row: row, "price", .usd),
            description: try row.read("description"),
            stockQuantity: try row.read("stock_quantity")
        )
    }
}

extension String {
    /// Postgres has no text with a NUL in it, so that nothing there can match one.
    var isText: Bool { !utf8.contains(0) }
}
