-- What the upstream has answered to an order that left the outbox, and why where that needs a word.
CREATE TABLE order_outcomes (
    -- Refers to nothing: an order whose row has gone has an outcome all the same.
    order_id    TEXT    PRIMARY KEY,
    outcome     TEXT    NOT NULL CHECK (outcome IN ('accepted', 'backordered', 'rejected', 'quarantined')),
    reason      TEXT,
    settled_at  INTEGER NOT NULL,
    -- The span of its push (W3C Trace Context).
    traceparent TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX order_outcomes_by_time ON order_outcomes (settled_at);
