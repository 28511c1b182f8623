DROP TABLE audit_pruned;
DROP TABLE audit_chains;
DROP TABLE audit_log;

CREATE TABLE audit_log (
    id                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at                BIGINT NOT NULL,
    category          TEXT COLLATE "C" NOT NULL,
    request_id        TEXT COLLATE "C",
    client_request_id TEXT COLLATE "C",
    account_id        TEXT COLLATE "C",
    key_id            TEXT COLLATE "C",
    key_name          TEXT COLLATE "C",
    environment       TEXT COLLATE "C",
    method            TEXT COLLATE "C",
    path              TEXT COLLATE "C",
    route             TEXT COLLATE "C",
    status            INTEGER,
    outcome           TEXT COLLATE "C" NOT NULL,
    ip                TEXT COLLATE "C",
    user_agent        TEXT COLLATE "C",
    duration_us       BIGINT,
    billable          BOOLEAN NOT NULL,
    actor             TEXT COLLATE "C",
    action            TEXT COLLATE "C",
    detail            TEXT COLLATE "C"
);
CREATE INDEX audit_log_by_time ON audit_log (at, id);
CREATE INDEX audit_log_by_account ON audit_log (account_id, at, id);
CREATE INDEX audit_log_by_key ON audit_log (key_id, at, id);
