import ServiceTracing
import Storage

/// A statement's text and the operation its spans show.
///
/// `{slow}` in the text is where a condition goes that slows it, and `{where}` the same in a text without a WHERE. Neither
/// function nor scan refers to a column, so that SQLite evaluates it once, whatever rows there are.
struct SQL: Sendable {
    /// In a statement that sleeps, the parameter that says for how long.
    static let sleepParameter = "milliseconds"

    let text: String
    /// By `SlowQuery.Way`; empty for one that cannot be slowed.
    private let slowed: [SQL]
    private let both: DatabaseOperation
    private let stable: DatabaseOperation

    init(_ operation: String, _ table: String?, _ text: String) {
        func with(_ condition: String?) -> String {
            text.replacing("{slow}", with: condition.map { "\($0) AND " } ?? "")
                .replacing("{where}", with: condition.map { "WHERE \($0) " } ?? "")
        }
        let plain = with(nil)
        let conditions = plain == text ? [] : ["popshop_sleep(:\(Self.sleepParameter))", ScannedTable.condition]
        slowed = conditions.map { SQL(operation, table, with($0)) }
        let text = plain
        func make(_ conventions: DatabaseConventions) -> DatabaseOperation {
            DatabaseOperation(
                system: "sqlite",
                name: operation,
                collection: table,
                namespace: "shop",
                text: text,
                conventions: conventions
            )
        }
        self.text = text
        both = make(.both)
        stable = make(.stable)
    }

    /// As it is slowed; nil for one that is not.
    func slowed(_ way: SlowQuery.Way) -> SQL? { slowed.isEmpty ? nil : slowed[way.rawValue] }

    func operation(_ conventions: DatabaseConventions) -> DatabaseOperation {
        switch conventions {
        case .both: both
        case .stable: stable
        }
    }
}

/// Every statement of the shop that a request can cause. Parameters are always bound, never written into the text.
enum Statements {
    static let commit = SQL("COMMIT", nil, "COMMIT")

    private static let productColumns = "id, name, category, price_minor, stock_quantity, description"
    private static let orderColumns = """
        id, user_id, status, currency, subtotal_minor, shipping_minor, total_minor, payment_status, order_date, \
        edge_id, traceparent
        """

    static let product = SQL("SELECT", "products", "SELECT \(productColumns) FROM products WHERE {slow}id = ?")
    static let products = SQL(
        "SELECT",
        "products",
        "SELECT \(productColumns) FROM products WHERE {slow}price_minor BETWEEN ? AND ? ORDER BY price_minor, id LIMIT ?"
    )
    static let productsOfCategory = SQL(
        "SELECT",
        "products",
        """
        SELECT \(productColumns) FROM products WHERE {slow}category = ? AND price_minor BETWEEN ? AND ? \
        ORDER BY price_minor, id LIMIT ?
        """
    )
    /// `instr` on lowered text: no index can serve it, and `%` in the text has no meaning.
    static let search = SQL(
        "SELECT",
        "products",
        """
        SELECT \(productColumns) FROM products \
        WHERE {slow}(instr(lower(name), lower(?)) > 0 OR instr(lower(description), lower(?)) > 0) \
        ORDER BY price_minor, id LIMIT ?
        """
    )
    static let categories = SQL(
        "SELECT",
        "products",
        "SELECT category, COUNT(*) FROM products {where}GROUP BY category ORDER BY category"
    )

    static let takeStock = SQL(
        "UPDATE",
        "products",
        "UPDATE products SET stock_quantity = stock_quantity - ?1 WHERE id = ?2 AND stock_quantity >= ?1"
    )
    static let stock = SQL("SELECT", "products", "SELECT stock_quantity, seeded_stock FROM products WHERE {slow}id = ?")
    static let restock = SQL(
        "UPDATE",
        "products",
        "UPDATE products SET stock_quantity = stock_quantity + ? WHERE id = ?"
    )
    static let insertOrder = SQL(
        "INSERT",
        "orders",
        "INSERT INTO orders (\(orderColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    static let insertItem = SQL(
        "INSERT",
        "order_items",
        """
        INSERT INTO order_items (order_id, line, product_id, product_name, quantity, unit_price_minor, \
        line_total_minor) VALUES (?, ?, ?, ?, ?, ?, ?)
        """
    )
    static let insertOutbox = SQL(
        "INSERT",
        "outbox",
        "INSERT INTO outbox (order_id, enqueued_at, traceparent) VALUES (?, ?, ?)"
    )
    static let insertKey = SQL(
        "INSERT",
        "idempotency_keys",
        "INSERT INTO idempotency_keys (key, fingerprint, order_id, created_at) VALUES (?, ?, ?, ?)"
    )
    static let key = SQL(
        "SELECT",
        "idempotency_keys",
        "SELECT fingerprint, order_id FROM idempotency_keys WHERE {slow}key = ?"
    )
    static let order = SQL("SELECT", "orders", "SELECT \(orderColumns) FROM orders WHERE {slow}id = ?")
    static let items = SQL(
        "SELECT",
        "order_items",
        """
        SELECT product_id, product_name, quantity, unit_price_minor, line_total_minor FROM order_items \
        WHERE order_id = ? ORDER BY line
        """
    )
    static let orders = SQL(
        "SELECT",
        "orders",
        "SELECT \(orderColumns) FROM orders {where}ORDER BY order_date DESC, id DESC LIMIT ?"
    )
    static let ordersOfUser = SQL(
        "SELECT",
        "orders",
        "SELECT \(orderColumns) FROM orders WHERE {slow}user_id = ? ORDER BY order_date DESC, id DESC LIMIT ?"
    )
    static let popularProducts = SQL(
        "SELECT",
        "product_popularity",
        """
        SELECT p.id, p.name, s.order_count FROM product_popularity s JOIN products p ON p.id = s.product_id \
        {where}ORDER BY s.order_count DESC, p.id LIMIT ?
        """
    )
    static let outboxCounts = SQL(
        "SELECT",
        "outbox",
        """
        SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0), \
        (SELECT COUNT(*) FROM outbox), (SELECT MIN(enqueued_at) FROM outbox)
        """
    )
    static let outboxOutcomes = SQL("SELECT", "outbox_ledger", "SELECT name, count FROM outbox_ledger")
    /// The columns of an order, null where it has gone, and after them the id it waits by.
    static let pending = SQL(
        "SELECT",
        "outbox",
        """
        SELECT \(orderColumns.split(separator: ", ").map { "o.\($0)" }.joined(separator: ", ")), b.order_id \
        FROM outbox b LEFT JOIN orders o ON o.id = b.order_id \
        WHERE b.order_id NOT IN (SELECT value FROM json_each(?)) ORDER BY b.seq LIMIT ?
        """
    )
    static let pendingAmong = SQL(
        "SELECT",
        "outbox",
        """
        SELECT \(orderColumns.split(separator: ", ").map { "o.\($0)" }.joined(separator: ", ")), b.order_id \
        FROM outbox b LEFT JOIN orders o ON o.id = b.order_id \
        WHERE b.order_id IN (SELECT value FROM json_each(?)) ORDER BY b.seq
        """
    )
    static let pendingItems = SQL(
        "SELECT",
        "order_items",
        """
        SELECT product_id, product_name, quantity, unit_price_minor, line_total_minor, order_id FROM order_items \
        WHERE order_id IN (SELECT value FROM json_each(?)) ORDER BY order_id, line
        """
    )
    private static let settled = "json_each(?) s JOIN outbox b ON b.order_id = s.value ->> 0"
    static let insertOutcomes = SQL(
        "INSERT",
        "order_outcomes",
        """
        INSERT INTO order_outcomes (order_id, outcome, reason, settled_at, traceparent) \
        SELECT b.order_id, s.value ->> 1, s.value ->> 2, ?, s.value ->> 3 FROM \(settled)
        """
    )
    static let countOutcomes = SQL(
        "UPDATE",
        "outbox_ledger",
        """
        UPDATE outbox_ledger SET count = count + \
        (SELECT COUNT(*) FROM \(settled) WHERE s.value ->> 1 = outbox_ledger.name)
        """
    )
    /// A quarantined order stays as it was placed: the upstream has not answered to it.
    static let markOrders = SQL(
        "UPDATE",
        "orders",
        """
        UPDATE orders SET status = s.value ->> 1 FROM \(settled) \
        WHERE orders.id = b.order_id AND s.value ->> 1 <> 'quarantined'
        """
    )
    static let deleteSettled = SQL(
        "DELETE",
        "outbox",
        "DELETE FROM outbox WHERE order_id IN (SELECT value ->> 0 FROM json_each(?))"
    )
    static let settings = SQL(
        "SELECT",
        "settings",
        "SELECT name, value FROM settings WHERE substr(name, 1, length(?)) = ?"
    )
    static let setSetting = SQL(
        "INSERT",
        "settings",
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
    static let removeSetting = SQL("DELETE", "settings", "DELETE FROM settings WHERE name = ?")
}
