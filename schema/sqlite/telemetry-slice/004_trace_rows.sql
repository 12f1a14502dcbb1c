-- A trace's row lies where its first span does, and not where its id does: ids are random, and a transaction of a thousand
-- new traces wrote nearly as many pages, each of them twice. Which traces there are the writer knows by heart.
CREATE TABLE trace_rows (
    first_seq       INTEGER PRIMARY KEY,
    trace_id        BLOB    NOT NULL,
    has_root        INTEGER NOT NULL, -- 1 when root_name is a parentless span's, 0 when the earliest one's
    root_name       TEXT    NOT NULL,
    root_service_id INTEGER NOT NULL,
    start_ns        INTEGER NOT NULL,
    end_ns          INTEGER NOT NULL,
    span_count      INTEGER NOT NULL,
    error_count     INTEGER NOT NULL,
    services        INTEGER NOT NULL,
    last_seq        INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO trace_rows
SELECT first_seq, trace_id, has_root, root_name, root_service_id, start_ns, end_ns, span_count, error_count, services,
    last_seq
FROM traces ORDER BY first_seq;
DROP TABLE traces;
ALTER TABLE trace_rows RENAME TO traces;
CREATE INDEX traces_by_start ON traces (start_ns);

-- The rows of traces by their ids, some thousands put in at a time: those of the rows after trace_ids_until.seq are not here
-- yet.
CREATE TABLE trace_ids (
    trace_id  BLOB    PRIMARY KEY,
    first_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE trace_ids_until (
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO trace_ids SELECT trace_id, first_seq FROM traces ORDER BY trace_id;
INSERT INTO trace_ids_until SELECT coalesce(max(first_seq), 0) FROM traces;
