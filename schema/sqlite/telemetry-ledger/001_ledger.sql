-- The span buffer's ledger: which slices there are, and what became of the spans in those that are gone.
-- Times are nanoseconds since 1970, UTC.

-- A folded slice's counts are in totals and its file is gone or about to be. The row stays: an id is never used twice.
CREATE TABLE slices (
    id         INTEGER PRIMARY KEY,
    created_ns INTEGER NOT NULL,
    sealed_ns  INTEGER,
    bytes      INTEGER NOT NULL DEFAULT 0,
    enqueued   INTEGER NOT NULL DEFAULT 0, -- as of sealing
    folded     INTEGER NOT NULL DEFAULT 0 CHECK (folded IN (0, 1))
) STRICT;

-- Spans of folded slices by their last state; what was pending is evicted. Nothing there is pending, so their sum is
-- what was enqueued. dropped never reached a slice.
CREATE TABLE totals (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    sent        INTEGER NOT NULL DEFAULT 0,
    rejected    INTEGER NOT NULL DEFAULT 0,
    expired     INTEGER NOT NULL DEFAULT 0,
    evicted     INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    dropped     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO totals (id) VALUES (1);
