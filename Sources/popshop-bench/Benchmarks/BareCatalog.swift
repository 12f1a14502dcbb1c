import Commerce
import GRDBSQLite
import ShopAPI
import Synchronization

/// The least that a service must do for a product: the catalog's own statement, prepared once a connection, by sqlite3
/// itself and without a span.
struct BareCatalog: Sendable {
    /// One a core, nearly always free.
    private let readers: [BareReader]

    init(_ path: String) throws { readers = [try BareReader(path), try BareReader(path)] }

    func product(_ id: Int) -> ProductMessage? { readers[id % readers.count].product(id) }
}

private final class BareReader: Sendable {
    private let statement: Mutex<OpaquePointer>

    init(_ path: String) throws {
        var (connection, statement): (OpaquePointer?, OpaquePointer?)
        let sql = "SELECT id, name, category, price_minor, stock_quantity, description FROM products WHERE id = ?"
        guard sqlite3_open_v2(path, &connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK,
            sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK, let statement
        else { throw Failure("SQLite cannot read \(path).") }
        self.statement = Mutex(statement)
    }

    func product(_ id: Int) -> ProductMessage? {
        statement.withLock { row in
            sqlite3_bind_int64(row, 1, Int64(id))
            defer { sqlite3_reset(row) }
            guard sqlite3_step(row) == SQLITE_ROW else { return nil }
            return ProductMessage(
                Product(
                    id: ProductID(Int(sqlite3_column_int64(row, 0))),
                    name: Self.text(row, 1),
                    category: Self.text(row, 2),
                    price: Money(minorUnits: sqlite3_column_int64(row, 3), currency: .usd),
                    description: Self.text(row, 5),
                    stockQuantity: Int(sqlite3_column_int64(row, 4))
                )
            )
        }
    }

    private static func text(_ row: OpaquePointer, _ column: Int32) -> String {
        sqlite3_column_text(row, column).map { String(cString: $0) } ?? ""
    }
}
