-- What has been applied to this database, so that nothing is applied twice and a newer popshop is recognised.
CREATE TABLE popshop_migrations (
    name       text        PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
