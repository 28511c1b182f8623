-- What servers may remember, and until when: docs/adr/0010-leases.md. Whoever is about to change a
-- key or an account moves the epoch by one and says here what it will concern.
CREATE TABLE lease_epoch (
    id    BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL
);
INSERT INTO lease_epoch (id, epoch) VALUES (1, 0);

-- With neither a key nor an account: more than keys, such as the peppers. A key or an account is not
-- remembered while opened_at is set: its change is under way.
CREATE TABLE lease_changes (
    epoch      BIGINT NOT NULL PRIMARY KEY,
    key_id     TEXT,
    account_id TEXT,
    opened_at  BIGINT
);

-- Servers that may hold a lease, and the epoch up to which they have dropped what changed.
CREATE TABLE leases (
    node  TEXT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL
);
CREATE INDEX lease_changes_open ON lease_changes (opened_at) WHERE opened_at IS NOT NULL;
