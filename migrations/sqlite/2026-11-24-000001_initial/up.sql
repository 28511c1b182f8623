-- Instants are microseconds since 1970-01-01, UTC. Lists and objects are text that storage writes.
CREATE TABLE accounts (
    id            TEXT NOT NULL PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    plan          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    suspended_at  INTEGER
) STRICT;

-- A key and what it may do. What opens it is in key_secrets.
CREATE TABLE api_keys (
    id            TEXT NOT NULL PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    name          TEXT NOT NULL,
    environment   TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    permissions   TEXT NOT NULL CHECK (permissions <> ''),
    expires_at    INTEGER,
    allowed_ips   TEXT NOT NULL,
    own_limit     INTEGER CHECK (own_limit > 0),
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER,
    revoked_at    INTEGER,
    revoke_reason TEXT,
    hint_first    TEXT NOT NULL,
    hint_last     TEXT NOT NULL
) STRICT;
CREATE INDEX api_keys_by_account ON api_keys (account_id, created_at, id);

-- The keyed hash of a secret; the secret itself is nowhere.
CREATE TABLE key_secrets (
    digest         BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    key_id         TEXT NOT NULL REFERENCES api_keys (id),
    pepper_version INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    ends_at        INTEGER
) STRICT;
CREATE INDEX key_secrets_by_key ON key_secrets (key_id);

-- Which peppers the hashes were made with, by their fingerprints.
CREATE TABLE peppers (
    version     INTEGER NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16)
) STRICT;

-- Running servers.
CREATE TABLE nodes (
    id         TEXT NOT NULL PRIMARY KEY,
    version    TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT;

-- No foreign keys here: a record stands for itself.
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

-- Requests of a key by day (days since 1970-01-01, UTC) and endpoint,
-- kept by the transaction that writes audit_log.
CREATE TABLE usage_endpoints (
    key_id        TEXT NOT NULL,
    day           INTEGER NOT NULL,
    method        TEXT NOT NULL,
    route         TEXT NOT NULL,
    requests      INTEGER NOT NULL,
    ok            INTEGER NOT NULL,
    client_errors INTEGER NOT NULL,
    rate_limited  INTEGER NOT NULL,
    server_errors INTEGER NOT NULL,
    billable      INTEGER NOT NULL,
    PRIMARY KEY (key_id, day, method, route)
) STRICT;

CREATE TABLE usage_addresses (
    key_id     TEXT NOT NULL,
    day        INTEGER NOT NULL,
    ip         TEXT NOT NULL,
    requests   INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    PRIMARY KEY (key_id, day, ip)
) STRICT;

CREATE TABLE vaults (
    id          TEXT NOT NULL PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    environment TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    name        TEXT NOT NULL,
    description TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX vaults_by_owner ON vaults (account_id, environment, created_at, id);

CREATE TABLE documents (
    id           TEXT NOT NULL PRIMARY KEY,
    vault_id     TEXT NOT NULL REFERENCES vaults (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content      BLOB NOT NULL,
    size         INTEGER NOT NULL,
    sha256       BLOB NOT NULL CHECK (length(sha256) = 32),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_by_vault ON documents (vault_id, created_at, id);

CREATE TABLE recipients (
    id         TEXT NOT NULL PRIMARY KEY,
    vault_id   TEXT NOT NULL REFERENCES vaults (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    email      TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX recipients_by_vault ON recipients (vault_id, created_at, id);

CREATE TABLE policies (
    id         TEXT NOT NULL PRIMARY KEY,
    vault_id   TEXT NOT NULL REFERENCES vaults (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    settings   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX policies_by_vault ON policies (vault_id, created_at, id);

CREATE TABLE check_ins (
    id          TEXT NOT NULL PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    environment TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    note        TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX check_ins_by_owner ON check_ins (account_id, environment, created_at, id);

-- What was answered to a request with an Idempotency-Key; status is null
-- while it is in flight.
CREATE TABLE idempotency (
    account_id      TEXT NOT NULL REFERENCES accounts (id),
    environment     TEXT NOT NULL CHECK (environment IN ('live', 'test')),
    idempotency_key TEXT NOT NULL,
    fingerprint     BLOB NOT NULL CHECK (length(fingerprint) = 32),
    status          INTEGER,
    body            BLOB,
    location        TEXT,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (account_id, environment, idempotency_key)
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (created_at);
