import PostgresClient
import ServiceTracing
import Storage
import UpstreamStorage

/// Every statement of a shop on Postgres that a request can cause. Parameters are always bound, never written into the
/// text.
struct ShopStatements: Sendable {
    let product, products, search, categories: TracedStatement
    let key, order, orders, ordersOfUser, items, popularProducts: TracedStatement
    let lockStock, changeStock, insertOrders, insertItems, insertKeys: TracedStatement
    let settings, setSetting, removeSetting: TracedStatement
    /// Of the statements that can be slowed: how they sleep and how they scan, by their texts.
    private let slowed: [String: [TracedStatement]]

    /// Whatever the server begins with: the locks are what keeps orders apart, and a stricter level would only have them
    /// fail where they can wait.
    let begin = TracedStatement(text: "BEGIN ISOLATION LEVEL READ COMMITTED")
    let commit: TracedStatement

    /// Those that a connection keeps prepared.
    var prepared: [String] {
        [
            product, products, search, categories, key, order, orders, ordersOfUser, items, popularProducts, lockStock,
            changeStock, insertOrders, insertItems, insertKeys, settings,
        ].map(\.text)
    }

    /// A statement as it is slowed; nil for one that is not.
    func slowed(_ statement: TracedStatement, _ way: SlowQuery.Way) -> TracedStatement? {
        slowed[statement.text]?[way.rawValue]
    }

    /// A statement with a condition around it that refers to no row: Postgres evaluates it once, as a one-time filter,
    /// before it looks for the first row, and so before it locks one.
    private static func slow(_ text: String, _ condition: String) -> String {
        "SELECT * FROM (\(text)) AS slowed WHERE \(condition)"
    }

    /// The number of the parameter after those of the text.
    private static func nextParameter(_ text: String) -> Int {
        let numbers = text.split(separator: "$").dropFirst().compactMap { Int($0.prefix { $0.isNumber }) }
        return (numbers.max() ?? 0) + 1
    }

    init(_ url: PostgresURL, _ conventions: DatabaseConventions) {
        func make(_ operation: String, _ table: String?, _ text: String) -> TracedStatement {
            TracedStatement(operation, table, text, url, conventions)
        }
        let product = "SELECT id, name, category, price::text AS price, stock_quantity, description FROM products"
        self.product = make("SELECT", "products", "\(product) WHERE id = $1::bigint")
        products = make(
            "SELECT",
            "products",
            """
            \(product) WHERE ($1::text IS NULL OR category = $1) AND price BETWEEN $2::numeric AND $3::numeric \
            ORDER BY products.price, id LIMIT $4::bigint
            """
        )
        // `strpos` on lowered text: no index can serve it, and `%` in the text has no meaning.
        search = make(
            "SELECT",
            "products",
            """
            \(product) WHERE strpos(lower(name), lower($1)) > 0 OR strpos(lower(description), lower($1)) > 0 \
            ORDER BY products.price, id LIMIT $2::bigint
            """
        )
        categories = make(
            "SELECT",
            "products",
            "SELECT category, count(*) AS count FROM products GROUP BY category ORDER BY category COLLATE \"C\""
        )
        key = make(
            "SELECT",
            "idempotency_keys",
            "SELECT key, fingerprint, order_id::text AS order_id FROM idempotency_keys WHERE key = ANY($1::text[])"
        )
        let order = """
            SELECT id::text AS id, user_id, status, currency::text AS currency, subtotal::text AS subtotal, \
            shipping::text AS shipping, total::text AS total, payment_status, order_date, edge_id, traceparent FROM orders
            """
        let newest = "ORDER BY order_date DESC, orders.id DESC LIMIT"
        self.order = make("SELECT", "orders", "\(order) WHERE orders.id = $1::uuid")
        orders = make("SELECT", "orders", "\(order) \(newest) $1::bigint")
        ordersOfUser = make("SELECT", "orders", "\(order) WHERE user_id = $1 \(newest) $2::bigint")
        items = make(
            "SELECT",
            "order_items",
            """
            SELECT i.order_id::text AS order_id, i.product_id, coalesce(i.product_name, p.name) AS product_name, \
            i.quantity, i.unit_price::text AS unit_price, \
            coalesce(i.line_total, i.quantity * i.unit_price)::text AS line_total \
            FROM order_items i JOIN products p ON p.id = i.product_id WHERE i.order_id = ANY($1::uuid[]) \
            ORDER BY i.order_id, i.line, i.product_id
            """
        )
        popularProducts = make(
            "SELECT",
            "product_popularity",
            """
            SELECT p.id, p.name, s.order_count FROM product_popularity s JOIN products p ON p.id = s.product_id \
            ORDER BY s.order_count DESC, p.id LIMIT $1::bigint
            """
        )
        lockStock = make(
            "SELECT",
            "products",
            """
            SELECT id, stock_quantity, coalesce(seeded_stock, 1) AS seeded_stock FROM products \
            WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
            """
        )
        changeStock = make(
            "UPDATE",
            "products",
            """
            UPDATE products SET stock_quantity = stock_quantity + c.quantity, updated_at = now() \
            FROM unnest($1::integer[], $2::integer[]) AS c(id, quantity) WHERE products.id = c.id
            """
        )
        insertOrders = make(
            "INSERT",
            "orders",
            """
            INSERT INTO orders (id, user_id, status, currency, subtotal, shipping, total, payment_status, order_date, \
            edge_id, traceparent) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::numeric[], \
            $6::numeric[], $7::numeric[], $8::text[], $9::timestamptz[], $10::text[], $11::text[])
            """
        )
        insertItems = make(
            "INSERT",
            "order_items",
            """
            INSERT INTO order_items (order_id, line, product_id, product_name, quantity, unit_price, line_total) \
            SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::integer[], $6::numeric[], \
            $7::numeric[])
            """
        )
        insertKeys = make(
            "INSERT",
            "idempotency_keys",
            """
            INSERT INTO idempotency_keys (key, fingerprint, order_id, created_at) \
            SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::timestamptz[])
            """
        )
        settings = make("SELECT", "settings", "SELECT name, value FROM settings WHERE starts_with(name, $1)")
        setSetting = make(
            "INSERT",
            "settings",
            """
            INSERT INTO settings (name, value) VALUES ($1, $2) \
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """
        )
        removeSetting = make("DELETE", "settings", "DELETE FROM settings WHERE name = $1")
        commit = make("COMMIT", nil, "COMMIT")
        let tables = [
            ("products", [self.product, products, search, categories, lockStock]), ("idempotency_keys", [key]),
            ("orders", [self.order, orders, ordersOfUser]), ("product_popularity", [popularProducts]),
        ]
        var slowed: [String: [TracedStatement]] = [:]
        for (table, statements) in tables {
            for text in statements.map(\.text) {
                let sleep = "(SELECT count(*) FROM pg_sleep($\(Self.nextParameter(text))::double precision / 1000)) = 1"
                slowed[text] = [sleep, ScannedTable.condition].map { make("SELECT", table, Self.slow(text, $0)) }
            }
        }
        self.slowed = slowed
    }
}
