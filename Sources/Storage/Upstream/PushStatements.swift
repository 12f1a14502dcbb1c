import PostgresClient
import ServiceTracing

/// What a push executes, each statement over a whole batch that is one parameter.
struct PushStatements: Sendable {
    /// For this transaction alone. A booth that vanishes in the midst of it gives up its locks after 15 s, whenever the
    /// server would notice that the line is dead; and an order that is answered is on the upstream's disk, however
    /// lax the server is otherwise (PostgreSQL documentation, *Client Connection Defaults* and *Write Ahead Log*).
    let bounds = TracedStatement(
        text: """
            SELECT set_config('idle_in_transaction_session_timeout', '15s', true), \
            set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' \
            ELSE current_setting('synchronous_commit') END, true)
            """
    )
    /// Which of the orders have been answered before, and with the same payload.
    let known: TracedStatement
    /// The stock, locked in product order, so that two pushes never wait for each other in a circle. Not `FOR UPDATE`,
    /// which the foreign keys of new items would wait for.
    let stock: TracedStatement
    let receipts: TracedStatement
    let orders: TracedStatement
    let items: TracedStatement
    /// The condition cannot fail under the lock; it is what keeps the stock right should the lock ever go.
    let takeStock: TracedStatement

    init(_ url: PostgresURL, _ conventions: DatabaseConventions) {
        func make(_ name: String, _ table: String, _ text: String) -> TracedStatement {
            TracedStatement(name, table, text, url, conventions)
        }
        let digest = "encode(sha256(convert_to(p.canonical, 'UTF8')), 'hex')"
        known = make(
            "SELECT",
            "receipts",
            """
            SELECT p.id::text AS id, r.outcome, r.payload_digest = \(digest) AS is_same, o.id IS NOT NULL AS is_there \
            FROM jsonb_to_recordset($1::jsonb) AS p(id uuid, canonical text) \
            LEFT JOIN receipts r ON r.order_id = p.id LEFT JOIN orders o ON o.id = p.id
            """
        )
        stock = make(
            "SELECT",
            "products",
            "SELECT id, stock_quantity FROM products WHERE id = ANY($1::int[]) ORDER BY id FOR NO KEY UPDATE"
        )
        receipts = make(
            "INSERT",
            "receipts",
            """
            INSERT INTO receipts (order_id, payload_digest, outcome, edge_id) SELECT p.id, \(digest), p.outcome, p.edge_id \
            FROM jsonb_to_recordset($1::jsonb) AS p(id uuid, canonical text, outcome text, edge_id text)
            """
        )
        orders = make(
            "INSERT",
            "orders",
            """
            INSERT INTO orders (id, user_id, status, currency, subtotal, shipping, total, order_date, edge_id, \
            traceparent) SELECT p.id, p.user_id, p.outcome, p.currency, p.subtotal, p.shipping, p.total, \
            timestamptz 'epoch' + p.order_date * interval '1 millisecond', p.edge_id, p.traceparent \
            FROM jsonb_to_recordset($1::jsonb) AS p(id uuid, user_id text, outcome text, currency text, \
            subtotal numeric, shipping numeric, total numeric, order_date bigint, edge_id text, traceparent text) \
            WHERE p.outcome <> 'rejected'
            """
        )
        items = make(
            "INSERT",
            "order_items",
            """
            INSERT INTO order_items (order_id, product_id, quantity, unit_price) \
            SELECT p.id, i.product_id, i.quantity, i.unit_price \
            FROM jsonb_to_recordset($1::jsonb) AS p(id uuid, outcome text, items jsonb), \
            jsonb_to_recordset(p.items) AS i(product_id integer, quantity integer, unit_price numeric) \
            WHERE p.outcome <> 'rejected'
            """
        )
        takeStock = make(
            "UPDATE",
            "products",
            """
            UPDATE products SET stock_quantity = stock_quantity - t.quantity, updated_at = now() \
            FROM jsonb_to_recordset($1::jsonb) AS t(product_id integer, quantity integer) \
            WHERE products.id = t.product_id AND stock_quantity >= t.quantity
            """
        )
    }
}
