-- The log as chains of lines: what is chained is kept as it was, and what is searched for is read
-- out of it, so the two can't tell different stories. Rows of before have no chain; there was no
-- release with them.
DROP TABLE audit_log;

CREATE TABLE audit_log (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at            BIGINT NOT NULL,
    chain         TEXT COLLATE "C" NOT NULL,
    seq           BIGINT NOT NULL,
    hash          BYTEA NOT NULL CHECK (length(hash) = 32),
    line          TEXT NOT NULL,
    category      TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'category')) STORED,
    request_id    TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'request_id')) STORED,
    account_id    TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'account_id')) STORED,
    key_id        TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'key_id')) STORED,
    environment   TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'environment')) STORED,
    method        TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'method')) STORED,
    route         TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'route')) STORED,
    status        INTEGER GENERATED ALWAYS AS (((line::jsonb ->> 'status')::integer)) STORED,
    outcome       TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'outcome')) STORED,
    ip            TEXT COLLATE "C" GENERATED ALWAYS AS ((line::jsonb ->> 'ip')) STORED
);
CREATE INDEX audit_log_by_time ON audit_log (at, id);
CREATE INDEX audit_log_by_account ON audit_log (account_id, at, id);
CREATE INDEX audit_log_by_key ON audit_log (key_id, at, id);

-- How far each chain has come: its last record, and where in its journal that is.
CREATE TABLE audit_chains (
    chain   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq     BIGINT NOT NULL,
    hash    BYTEA NOT NULL CHECK (length(hash) = 32),
    at      BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    place   BIGINT NOT NULL
);

-- What was removed from the beginning of a chain: its last record, signed.
CREATE TABLE audit_pruned (
    chain     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq       BIGINT NOT NULL,
    hash      BYTEA NOT NULL CHECK (length(hash) = 32),
    at        BIGINT NOT NULL,
    signature BYTEA NOT NULL
);
