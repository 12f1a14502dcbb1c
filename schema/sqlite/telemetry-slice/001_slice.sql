-- One slice of the span buffer: appended to, sealed when full, dropped whole by unlinking its file.
-- Times are nanoseconds since 1970, UTC; ids are bytes in network order.

-- At most 63 a slice, numbered from 0: the bits of traces.services.
CREATE TABLE services (
    id   INTEGER PRIMARY KEY CHECK (id BETWEEN 0 AND 62),
    name TEXT    NOT NULL UNIQUE
) STRICT;

-- payload is the content of an OTLP Resource message.
CREATE TABLE resources (
    id         INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL,
    payload    BLOB    NOT NULL
) STRICT;

-- No index but the rowid: a trace's spans lie between its first_seq and last_seq.
-- payload is the content of an OTLP Span message, and last, so that a search by the columns before it reads no overflow.
CREATE TABLE spans (
    seq            INTEGER PRIMARY KEY,
    signal         INTEGER NOT NULL, -- 1 traces; metrics and logs may follow
    trace_id       BLOB    NOT NULL,
    span_id        BLOB    NOT NULL,
    parent_span_id BLOB,
    resource_id    INTEGER NOT NULL,
    kind           INTEGER NOT NULL, -- OTLP's SpanKind
    status         INTEGER NOT NULL, -- OTLP's StatusCode
    start_ns       INTEGER NOT NULL,
    end_ns         INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    db_system      TEXT,             -- what a CLIENT span spoke to, for the service map
    payload        BLOB    NOT NULL
) STRICT;

-- What this slice knows of each trace, kept by the writer: one upsert a trace and batch.
CREATE TABLE traces (
    trace_id        BLOB    PRIMARY KEY,
    has_root        INTEGER NOT NULL, -- 1 when root_name is a parentless span's, 0 when the earliest one's
    root_name       TEXT    NOT NULL,
    root_service_id INTEGER NOT NULL,
    start_ns        INTEGER NOT NULL,
    end_ns          INTEGER NOT NULL,
    span_count      INTEGER NOT NULL,
    error_count     INTEGER NOT NULL,
    services        INTEGER NOT NULL,
    first_seq       INTEGER NOT NULL,
    last_seq        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX traces_by_start ON traces (start_ns);

-- pending is what remains of enqueued: the books balance by construction.
CREATE TABLE counters (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    enqueued    INTEGER NOT NULL DEFAULT 0,
    sent        INTEGER NOT NULL DEFAULT 0,
    rejected    INTEGER NOT NULL DEFAULT 0,
    expired     INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    first_ns    INTEGER, -- the earliest start
    last_ns     INTEGER, -- the latest end
    CHECK (enqueued >= sent + rejected + expired + quarantined)
) STRICT;
INSERT INTO counters (id) VALUES (1);
