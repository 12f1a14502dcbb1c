-- What every booth's orders are pushed to. Money is numeric in major units; times carry their zone.

CREATE TABLE products (
    id             integer       PRIMARY KEY,
    name           text          NOT NULL,
    category       text          NOT NULL,
    price          numeric(10,2) NOT NULL CHECK (price >= 0),
    stock_quantity integer       NOT NULL CHECK (stock_quantity >= 0),
    description    text          NOT NULL DEFAULT '',
    image_url      text,
    created_at     timestamptz   NOT NULL DEFAULT now(),
    updated_at     timestamptz   NOT NULL DEFAULT now()
);
CREATE INDEX products_by_category ON products (category, price);
CREATE INDEX products_by_price ON products (price);

CREATE TABLE orders (
    id          uuid          PRIMARY KEY,
    user_id     text          NOT NULL,
    status      text          NOT NULL CHECK (status IN ('placed', 'accepted', 'backordered', 'rejected')),
    currency    char(3)       NOT NULL,
    subtotal    numeric(12,2) NOT NULL CHECK (subtotal >= 0),
    shipping    numeric(12,2) NOT NULL CHECK (shipping >= 0),
    total       numeric(12,2) NOT NULL CHECK (total >= 0),
    order_date  timestamptz   NOT NULL,
    -- The booth that took it; NULL for what was seeded.
    edge_id     text,
    -- The purchase's own trace (W3C Trace Context).
    traceparent text
);
CREATE INDEX orders_by_user ON orders (user_id, order_date);
CREATE INDEX orders_by_date ON orders (order_date);

CREATE TABLE order_items (
    order_id   uuid          NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id integer       NOT NULL REFERENCES products (id),
    quantity   integer       NOT NULL CHECK (quantity > 0),
    unit_price numeric(10,2) NOT NULL CHECK (unit_price >= 0)
);
CREATE INDEX order_items_by_order ON order_items (order_id);
CREATE INDEX order_items_by_product ON order_items (product_id);

-- One row for each order that has been answered, written in the transaction that gave it its effect: a replay finds it
-- here, and the same id with another payload is noticed. A rejected order has a receipt and no row in orders, which is
-- why this refers to nothing.
CREATE TABLE receipts (
    order_id       uuid        PRIMARY KEY,
    payload_digest text        NOT NULL,
    outcome        text        NOT NULL CHECK (outcome IN ('accepted', 'backordered', 'rejected')),
    edge_id        text        NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now()
);

CREATE VIEW popular_products AS
SELECT p.id, p.name, p.category, p.price,
       count(DISTINCT i.order_id) AS total_orders,
       coalesce(sum(i.quantity), 0) AS total_quantity_sold
FROM products p
LEFT JOIN order_items i ON i.product_id = p.id
GROUP BY p.id
ORDER BY total_orders DESC, total_quantity_sold DESC, p.id;
