-- The log as chains of lines: what is chained is kept as it was, and what is searched for is read
-- out of it, so the two can't tell different stories. Rows of before have no chain; there was no
-- release with them.
DROP TABLE audit_log;

CREATE TABLE audit_log (
    id            TEXT NOT NULL PRIMARY KEY,
    at            INTEGER NOT NULL,
    chain         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    hash          BLOB NOT NULL CHECK (length(hash) = 32),
    line          TEXT NOT NULL,
    category      TEXT GENERATED ALWAYS AS (json_extract(line, '$.category')) VIRTUAL,
    request_id    TEXT GENERATED ALWAYS AS (json_extract(line, '$.request_id')) VIRTUAL,
    account_id    TEXT GENERATED ALWAYS AS (json_extract(line, '$.account_id')) VIRTUAL,
    key_id        TEXT GENERATED ALWAYS AS (json_extract(line, '$.key_id')) VIRTUAL,
    environment   TEXT GENERATED ALWAYS AS (json_extract(line, '$.environment')) VIRTUAL,
    method        TEXT GENERATED ALWAYS AS (json_extract(line, '$.method')) VIRTUAL,
    route         TEXT GENERATED ALWAYS AS (json_extract(line, '$.route')) VIRTUAL,
    status        INTEGER GENERATED ALWAYS AS (json_extract(line, '$.status')) VIRTUAL,
    outcome       TEXT GENERATED ALWAYS AS (json_extract(line, '$.outcome')) VIRTUAL,
    ip            TEXT GENERATED ALWAYS AS (json_extract(line, '$.ip')) VIRTUAL
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (at, id);
CREATE INDEX audit_log_by_account ON audit_log (account_id, at, id);
CREATE INDEX audit_log_by_key ON audit_log (key_id, at, id);

-- How far each chain has come: its last record, and where in its journal that is.
CREATE TABLE audit_chains (
    chain   TEXT NOT NULL PRIMARY KEY,
    seq     INTEGER NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    at      INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    place   INTEGER NOT NULL
) STRICT;

-- What was removed from the beginning of a chain: its last record, signed.
CREATE TABLE audit_pruned (
    chain     TEXT NOT NULL PRIMARY KEY,
    seq       INTEGER NOT NULL,
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    at        INTEGER NOT NULL,
    signature BLOB NOT NULL
) STRICT;
