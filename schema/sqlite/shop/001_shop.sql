-- The shop's own database on SQLite. The WAL mode and synchronous=FULL are the connection's to set.
-- Money is an integer of the currency's minor units; times are milliseconds since 1970, UTC.

CREATE TABLE products (
    id             INTEGER PRIMARY KEY,
    name           TEXT    NOT NULL,
    category       TEXT    NOT NULL,
    price_minor    INTEGER NOT NULL CHECK (price_minor >= 0),
    stock_quantity INTEGER NOT NULL CHECK (stock_quantity >= 0),
    seeded_stock   INTEGER NOT NULL CHECK (seeded_stock >= 0),
    description    TEXT    NOT NULL,
    image_url      TEXT
) STRICT;
CREATE INDEX products_by_category ON products (category, price_minor);
CREATE INDEX products_by_price ON products (price_minor);

CREATE TABLE orders (
    id             TEXT    PRIMARY KEY,
    user_id        TEXT    NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN ('placed', 'accepted', 'backordered', 'rejected')),
    currency       TEXT    NOT NULL CHECK (length(currency) = 3),
    subtotal_minor INTEGER NOT NULL,
    shipping_minor INTEGER NOT NULL,
    total_minor    INTEGER NOT NULL,
    payment_status TEXT    NOT NULL,
    order_date     INTEGER NOT NULL,
    edge_id        TEXT,
    traceparent    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_user ON orders (user_id, order_date);
CREATE INDEX orders_by_date ON orders (order_date);

CREATE TABLE order_items (
    order_id         TEXT    NOT NULL REFERENCES orders (id),
    line             INTEGER NOT NULL,
    product_id       INTEGER NOT NULL REFERENCES products (id),
    product_name     TEXT    NOT NULL,
    quantity         INTEGER NOT NULL CHECK (quantity > 0),
    unit_price_minor INTEGER NOT NULL,
    line_total_minor INTEGER NOT NULL,
    PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;

-- How often each product was ordered, kept by a trigger in the order's own transaction: what is popular is asked on
-- every page, and must not cost more with every order.
CREATE TABLE product_popularity (
    product_id    INTEGER PRIMARY KEY REFERENCES products (id),
    order_count   INTEGER NOT NULL,
    quantity_sold INTEGER NOT NULL
) STRICT;
CREATE TRIGGER order_items_count AFTER INSERT ON order_items BEGIN
    INSERT INTO product_popularity (product_id, order_count, quantity_sold)
    VALUES (new.product_id, 1, new.quantity)
    ON CONFLICT (product_id) DO UPDATE
    SET order_count = order_count + 1, quantity_sold = quantity_sold + excluded.quantity_sold;
END;

-- One row for each order that the upstream has not answered yet, written with the order. An AUTOINCREMENT number is
-- never used again, so outbox order is order of commit, and the sequence is the count of all that ever entered.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id    TEXT    NOT NULL UNIQUE REFERENCES orders (id),
    enqueued_at INTEGER NOT NULL,
    traceparent TEXT
) STRICT;

-- What became of those that left: enqueued = pending + accepted + backordered + rejected + quarantined.
CREATE TABLE outbox_ledger (
    name  TEXT    PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO outbox_ledger (name, count)
VALUES ('accepted', 0), ('backordered', 0), ('rejected', 0), ('quarantined', 0);

-- A key the client chose, and what the first request with it was answered: a replay gets the same body.
CREATE TABLE idempotency_keys (
    key         TEXT    PRIMARY KEY,
    fingerprint TEXT    NOT NULL,
    order_id    TEXT    NOT NULL REFERENCES orders (id),
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
