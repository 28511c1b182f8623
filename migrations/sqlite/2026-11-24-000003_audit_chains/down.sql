DROP TABLE audit_pruned;
DROP TABLE audit_chains;
DROP TABLE audit_log;

CREATE TABLE audit_log (
    id                TEXT NOT NULL PRIMARY KEY,
    at                INTEGER NOT NULL,
    category          TEXT NOT NULL,
    request_id        TEXT,
    client_request_id TEXT,
    account_id        TEXT,
    key_id            TEXT,
    key_name          TEXT,
    environment       TEXT,
    method            TEXT,
    path              TEXT,
    route             TEXT,
    status            INTEGER,
    outcome           TEXT NOT NULL,
    ip                TEXT,
    user_agent        TEXT,
    duration_us       INTEGER,
    billable          INTEGER NOT NULL,
    actor             TEXT,
    action            TEXT,
    detail            TEXT
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (at, id);
CREATE INDEX audit_log_by_account ON audit_log (account_id, at, id);
CREATE INDEX audit_log_by_key ON audit_log (key_id, at, id);
