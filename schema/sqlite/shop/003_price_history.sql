-- What the slow queries that scan have to read: grown while that fault is on, and empty otherwise. No index on note, on
-- purpose.
CREATE TABLE price_history (
    id          INTEGER PRIMARY KEY,
    product_id  INTEGER NOT NULL,
    price_minor INTEGER NOT NULL,
    note        TEXT    NOT NULL
) STRICT;
