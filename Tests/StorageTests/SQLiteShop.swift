import Commerce
import ConnectionPool
import Faults
import GRDB
import SQLiteStorage
import ServiceTracing
import Storage
import TestSupport

/// A fresh shop's database in a folder of its own, with the spans of its statements.
final class SQLiteShop: Sendable {
    let spans = SpanCollector()
    let database: ShopDatabase
    let catalog: SQLiteCatalogStore
    let orders: SQLiteOrderStore
    let tracer: ServiceTracer
    let readers: ConnectionPool<Reader>
    let path: String
    let faults = ServiceFaults("checkout", LiveFaults())
    private let directory: TemporaryDirectory

    init(
        conventions: DatabaseConventions = .both,
        pool: PoolConfiguration = PoolConfiguration()
    ) throws {
        directory = try TemporaryDirectory()
        path = directory.file("shop.sqlite")
        database = try ShopDatabase(path: path, conventions: conventions)
        readers = database.readers("checkout", pool)
        tracer = ServiceTracer("checkout", spans)
        catalog = SQLiteCatalogStore(database: database, readers: readers, tracer: tracer, faults: faults)
        orders = SQLiteOrderStore(database: database, readers: readers, tracer: tracer, faults: faults)
    }
}

/// Makes purchases.
enum Purchases {
    static func order(_ product: Int = 1, quantity: Int = 1, user: String = "user-1") -> Order {
        var random = SystemRandomNumberGenerator()
        let total = Money(minorUnits: 1000 * Int64(quantity), currency: .usd)
        return Order(
            id: OrderID(milliseconds: 1_700_000_000_000, using: &random),
            userID: UserID(rawValue: user),
            status: .placed,
            items: [
                Order.Item(
                    productID: ProductID(product),
                    productName: "Product",
                    quantity: quantity,
                    unitPrice: Money(minorUnits: 1000, currency: .usd),
                    lineTotal: total
                )
            ],
            subtotal: total,
            shipping: .zero(.usd),
            total: total,
            paymentStatus: "authorized",
            date: 1_700_000_000_000,
            edgeID: "edge",
            traceParent: nil
        )
    }

    static func draft(_ product: Int = 1, quantity: Int = 1, user: String = "user-1") -> OrderDraft {
        OrderDraft(order: order(product, quantity: quantity, user: user), restocks: false)
    }
}
