-- Who is signed in to the dashboard. The secret in the cookie is not kept, its digest is.
CREATE TABLE sessions (
    id           TEXT NOT NULL PRIMARY KEY,
    digest       BLOB NOT NULL UNIQUE,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    created_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    -- When the password was given last.
    confirmed_at INTEGER NOT NULL,
    ip           TEXT,
    user_agent   TEXT,
    -- The password was right, and a one-time code is still to come.
    awaits_code  INTEGER NOT NULL CHECK (awaits_code IN (0, 1))
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id);

-- Forms that were sent: each counts once.
CREATE TABLE sent_forms (
    nonce   BLOB NOT NULL PRIMARY KEY,
    sent_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sent_forms_by_time ON sent_forms (sent_at);

-- What was used up of the tries to sign in: when the whole of them is there again.
CREATE TABLE sign_in_tries (
    bucket   BLOB NOT NULL PRIMARY KEY,
    whole_at INTEGER NOT NULL,
    -- When it was last recorded that somebody was told to wait.
    noted_at INTEGER
) STRICT;

-- Browsers from which an account's holder has signed in before: strangers can't slow those down.
CREATE TABLE known_browsers (
    digest     BLOB NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    seen_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX known_browsers_by_account ON known_browsers (account_id);

-- One-time codes (RFC 6238). The secret is encrypted under the pepper of this version.
CREATE TABLE second_factors (
    account_id     TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
    sealed         BLOB NOT NULL,
    pepper_version INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    -- Since when a code is asked for; none while it is only being set up.
    enabled_at     INTEGER,
    -- The step of the last code that was taken: none is taken twice.
    last_step      INTEGER NOT NULL
) STRICT;

-- Codes for when the device is lost, each good for one sign-in. Only their digests.
CREATE TABLE recovery_codes (
    digest     BLOB NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id)
) STRICT;
CREATE INDEX recovery_codes_by_account ON recovery_codes (account_id);
