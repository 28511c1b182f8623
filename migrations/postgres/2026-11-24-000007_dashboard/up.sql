-- Who is signed in to the dashboard. The secret in the cookie is not kept, its digest is.
CREATE TABLE sessions (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    digest       BYTEA NOT NULL UNIQUE,
    account_id   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    created_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    -- When the password was given last.
    confirmed_at BIGINT NOT NULL,
    ip           TEXT COLLATE "C",
    user_agent   TEXT COLLATE "C",
    -- The password was right, and a one-time code is still to come.
    awaits_code  BOOLEAN NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id);

-- Forms that were sent: each counts once.
CREATE TABLE sent_forms (
    nonce   BYTEA NOT NULL PRIMARY KEY,
    sent_at BIGINT NOT NULL
);
CREATE INDEX sent_forms_by_time ON sent_forms (sent_at);

-- What was used up of the tries to sign in: when the whole of them is there again.
CREATE TABLE sign_in_tries (
    bucket   BYTEA NOT NULL PRIMARY KEY,
    whole_at BIGINT NOT NULL,
    -- When it was last recorded that somebody was told to wait.
    noted_at BIGINT
);

-- Browsers from which an account's holder has signed in before: strangers can't slow those down.
CREATE TABLE known_browsers (
    digest     BYTEA NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    seen_at    BIGINT NOT NULL
);
CREATE INDEX known_browsers_by_account ON known_browsers (account_id);

-- One-time codes (RFC 6238). The secret is encrypted under the pepper of this version.
CREATE TABLE second_factors (
    account_id     TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES accounts (id),
    sealed         BYTEA NOT NULL,
    pepper_version BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    -- Since when a code is asked for; none while it is only being set up.
    enabled_at     BIGINT,
    -- The step of the last code that was taken: none is taken twice.
    last_step      BIGINT NOT NULL
);

-- Codes for when the device is lost, each good for one sign-in. Only their digests.
CREATE TABLE recovery_codes (
    digest     BYTEA NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id)
);
CREATE INDEX recovery_codes_by_account ON recovery_codes (account_id);
