public import Commerce
public import ConnectionPool
public import Faults
import GRDB
public import ServiceTracing
public import Storage

/// The catalog on SQLite.
public struct SQLiteCatalogStore: CatalogStore {
    private let readers: TracedReaders

    /// - Parameter faults: Of the service that reads.
    public init(
        database: ShopDatabase,
        readers: ConnectionPool<Reader>,
        tracer: ServiceTracer,
        faults: ServiceFaults? = nil
    ) {
        self.readers = TracedReaders(
            pool: readers,
            tracer: tracer,
            conventions: database.conventions,
            faults: faults
        )
    }

    public func products(matching query: ProductQuery) async throws -> [Product] {
        let minimum = query.minimumPrice?.minorUnits ?? 0
        let maximum = query.maximumPrice?.minorUnits ?? .max
        return try await readers.read { db, trace in
            if let category = query.category {
                return try Self.fetch(
                    Statements.productsOfCategory,
                    [category, minimum, maximum, query.limit],
                    db,
                    trace
                )
            }
            return try Self.fetch(Statements.products, [minimum, maximum, query.limit], db, trace)
        }
    }

    public func product(_ id: ProductID) async throws -> Product? {
        try await readers.read(.brief) { db, trace in
            try Self.fetch(Statements.product, [id.rawValue], db, trace).first
        }
    }

    public func products(containing text: String, limit: Int) async throws -> [Product] {
        try await readers.read { db, trace in try Self.fetch(Statements.search, [text, text, limit], db, trace) }
    }

    public func categories() async throws -> [CategoryCount] {
        try await readers.read { db, trace in
            try trace.read(Statements.categories, [], db) { statement in
                try Row.fetchAll(statement).map {
                    CategoryCount(name: try $0.decode(atIndex: 0), count: try $0.decode(atIndex: 1))
                }
            }
        }
    }

    private static func fetch(
        _ statement: SQL,
        _ arguments: StatementArguments,
        _ db: Database,
        _ trace: StatementTrace
    ) throws -> [Product] {
        try trace.read(statement, arguments, db) { statement in
            var products: [Product] = []
            let rows = try Row.fetchCursor(statement)
            while let row = try rows.next() {
                products.append(
                    try Product(
                        id: ProductID(row.decode(atIndex: 0)),
                        name: row.decode(atIndex: 1),
                        category: row.decode(atIndex: 2),
                        price: Money(minorUnits: row.decode(atIndex: 3), currency: .usd),
                        description: row.decode(atIndex: 5),
                        stockQuantity: row.decode(atIndex: 4)
                    )
                )
            }
            return products
        }
    }
}
