-- The names that spans of this slice have: a search for another reads nothing else of it. At most 1,024 are kept; where
-- there are so many, there may be more.
CREATE TABLE names (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO names SELECT DISTINCT name FROM spans LIMIT 1024;
