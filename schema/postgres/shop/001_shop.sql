-- What the shop's own services need beside the tables that orders are pushed to: a shop's database can be the upstream of
-- booths too, and shows their orders among its own.

ALTER TABLE products ADD COLUMN seeded_stock integer CHECK (seeded_stock >= 0);
UPDATE products SET seeded_stock = stock_quantity;

ALTER TABLE orders ADD COLUMN payment_status text NOT NULL DEFAULT 'authorized';

-- NULL in what a booth has pushed: then they are the product's own, and the quantity times the price.
ALTER TABLE order_items
    ADD COLUMN line         integer,
    ADD COLUMN product_name text,
    ADD COLUMN line_total   numeric(12,2);

-- How often each product was ordered, kept in the order's own transaction: what is popular is asked on every page, and
-- must not cost more with every order. In product order, as the stock is locked, so that no two orders wait in a circle.
CREATE TABLE product_popularity (
    product_id    integer PRIMARY KEY REFERENCES products (id),
    order_count   bigint  NOT NULL,
    quantity_sold bigint  NOT NULL
);
INSERT INTO product_popularity (product_id, order_count, quantity_sold)
SELECT product_id, count(*), sum(quantity) FROM order_items GROUP BY product_id;

CREATE FUNCTION count_order_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO product_popularity AS p (product_id, order_count, quantity_sold)
    SELECT product_id, count(*), sum(quantity) FROM added GROUP BY product_id ORDER BY product_id
    ON CONFLICT (product_id) DO UPDATE SET order_count = p.order_count + excluded.order_count,
        quantity_sold = p.quantity_sold + excluded.quantity_sold;
    RETURN NULL;
END $$;
CREATE TRIGGER order_items_count AFTER INSERT ON order_items
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_order_items();

-- A key the client chose, and what the first request with it was answered: a replay gets the same body.
CREATE TABLE idempotency_keys (
    key         text        PRIMARY KEY,
    fingerprint text        NOT NULL,
    order_id    uuid        NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    created_at  timestamptz NOT NULL
);

CREATE TABLE settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);
