-- A key's secrets, counted from 1: the one without replaced_at opens the key, the one before it does so until
-- ends_at, or until somebody ended it. The hint is null where the text was never ours to see.
ALTER TABLE key_secrets ADD COLUMN number BIGINT NOT NULL DEFAULT 1 CHECK (number > 0);
ALTER TABLE key_secrets ADD COLUMN hint_first TEXT COLLATE "C";
ALTER TABLE key_secrets ADD COLUMN hint_last TEXT COLLATE "C";
ALTER TABLE key_secrets ADD COLUMN replaced_at BIGINT;
ALTER TABLE key_secrets ADD COLUMN ended_at BIGINT;
UPDATE key_secrets SET
    hint_first = (SELECT hint_first FROM api_keys WHERE api_keys.id = key_secrets.key_id),
    hint_last = (SELECT hint_last FROM api_keys WHERE api_keys.id = key_secrets.key_id);
DROP INDEX key_secrets_by_key;
CREATE UNIQUE INDEX key_secrets_by_number ON key_secrets (key_id, number);
CREATE UNIQUE INDEX key_secrets_one_current ON key_secrets (key_id) WHERE replaced_at IS NULL;

-- Requests by the secret that was shown and the address, for keys that were rotated: a key with one secret has no
-- row here. Kept by the transaction that writes audit_log. The address is empty where it was not known.
CREATE TABLE usage_secrets (
    key_id     TEXT COLLATE "C" NOT NULL,
    secret     BIGINT NOT NULL,
    ip         TEXT COLLATE "C" NOT NULL,
    requests   BIGINT NOT NULL,
    refused    BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    PRIMARY KEY (key_id, secret, ip)
);

-- Which keys end soon.
CREATE INDEX api_keys_by_end ON api_keys (expires_at) WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
