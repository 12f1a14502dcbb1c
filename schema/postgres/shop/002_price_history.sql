-- What the slow queries that scan have to read: grown while that fault is on, and empty otherwise. No index on note, on
-- purpose.
CREATE TABLE price_history (
    id          bigint        PRIMARY KEY,
    product_id  integer       NOT NULL,
    price       numeric(10,2) NOT NULL,
    note        text          NOT NULL
);
