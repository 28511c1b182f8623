-- Instants are microseconds since 1970-01-01, UTC. Lists and objects are text that storage writes.
-- Text sorts by its bytes, as in SQLite.
CREATE TABLE accounts (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    email         TEXT COLLATE "C" NOT NULL UNIQUE,
    plan          TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    suspended_at  BIGINT
);

-- A key and what it may do. What opens it is in key_secrets.
CREATE TABLE api_keys (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    name          TEXT COLLATE "C" NOT NULL,
    environment   TEXT COLLATE "C" NOT NULL CHECK (environment IN ('live', 'test')),
    permissions   TEXT COLLATE "C" NOT NULL CHECK (permissions <> ''),
    expires_at    BIGINT,
    allowed_ips   TEXT COLLATE "C" NOT NULL,
    own_limit     BIGINT CHECK (own_limit > 0),
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT,
    revoked_at    BIGINT,
    revoke_reason TEXT COLLATE "C",
    hint_first    TEXT COLLATE "C" NOT NULL,
    hint_last     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX api_keys_by_account ON api_keys (account_id, created_at, id);

-- The keyed hash of a secret; the secret itself is nowhere.
CREATE TABLE key_secrets (
    digest         BYTEA NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    key_id         TEXT COLLATE "C" NOT NULL REFERENCES api_keys (id),
    pepper_version BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    ends_at        BIGINT
);
CREATE INDEX key_secrets_by_key ON key_secrets (key_id);

-- Which peppers the hashes were made with, by their fingerprints.
CREATE TABLE peppers (
    version     BIGINT NOT NULL PRIMARY KEY,
    fingerprint BYTEA NOT NULL CHECK (length(fingerprint) = 16)
);

-- Running servers.
CREATE TABLE nodes (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version    TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

-- No foreign keys here: a record stands for itself.
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

-- Requests of a key by day (days since 1970-01-01, UTC) and endpoint,
-- kept by the transaction that writes audit_log.
CREATE TABLE usage_endpoints (
    key_id        TEXT COLLATE "C" NOT NULL,
    day           BIGINT NOT NULL,
    method        TEXT COLLATE "C" NOT NULL,
    route         TEXT COLLATE "C" NOT NULL,
    requests      BIGINT NOT NULL,
    ok            BIGINT NOT NULL,
    client_errors BIGINT NOT NULL,
    rate_limited  BIGINT NOT NULL,
    server_errors BIGINT NOT NULL,
    billable      BIGINT NOT NULL,
    PRIMARY KEY (key_id, day, method, route)
);

CREATE TABLE usage_addresses (
    key_id     TEXT COLLATE "C" NOT NULL,
    day        BIGINT NOT NULL,
    ip         TEXT COLLATE "C" NOT NULL,
    requests   BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    PRIMARY KEY (key_id, day, ip)
);

CREATE TABLE vaults (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id  TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    environment TEXT COLLATE "C" NOT NULL CHECK (environment IN ('live', 'test')),
    name        TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX vaults_by_owner ON vaults (account_id, environment, created_at, id);

CREATE TABLE documents (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    vault_id     TEXT COLLATE "C" NOT NULL REFERENCES vaults (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    content_type TEXT COLLATE "C" NOT NULL,
    content      BYTEA NOT NULL,
    size         BIGINT NOT NULL,
    sha256       BYTEA NOT NULL CHECK (length(sha256) = 32),
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX documents_by_vault ON documents (vault_id, created_at, id);

CREATE TABLE recipients (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    vault_id   TEXT COLLATE "C" NOT NULL REFERENCES vaults (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    email      TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX recipients_by_vault ON recipients (vault_id, created_at, id);

CREATE TABLE policies (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    vault_id   TEXT COLLATE "C" NOT NULL REFERENCES vaults (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    settings   TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX policies_by_vault ON policies (vault_id, created_at, id);

CREATE TABLE check_ins (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id  TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    environment TEXT COLLATE "C" NOT NULL CHECK (environment IN ('live', 'test')),
    note        TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX check_ins_by_owner ON check_ins (account_id, environment, created_at, id);

-- What was answered to a request with an Idempotency-Key; status is null
-- while it is in flight.
CREATE TABLE idempotency (
    account_id      TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    environment     TEXT COLLATE "C" NOT NULL CHECK (environment IN ('live', 'test')),
    idempotency_key TEXT COLLATE "C" NOT NULL,
    fingerprint     BYTEA NOT NULL CHECK (length(fingerprint) = 32),
    status          INTEGER,
    body            BYTEA,
    location        TEXT COLLATE "C",
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (account_id, environment, idempotency_key)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);
