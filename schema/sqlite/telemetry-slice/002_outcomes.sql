-- What became of the spans, by ranges of seq: a span in no range is pending. Neighbouring ranges of one outcome are
-- merged, so a slice that was sent in order has one row. The counters are changed in the same transaction.
CREATE TABLE outcomes (
    first_seq INTEGER PRIMARY KEY,
    last_seq  INTEGER NOT NULL,
    state     INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), -- 0 pending, retimed; 1 answered; 2 expired; 3 quarantined
    rejected  INTEGER NOT NULL, -- of the answered ones: OTLP's partial_success says how many were refused, not which
    shift_ns  INTEGER NOT NULL, -- of the retimed ones: how far their times are moved when they are sent
    reason    TEXT    NOT NULL,
    at_ns     INTEGER NOT NULL, -- of the latest that was merged
    CHECK (last_seq >= first_seq AND rejected BETWEEN 0 AND last_seq - first_seq + 1)
) STRICT;
