-- What servers may remember, and until when: docs/adr/0010-leases.md. Each change that can alter an
-- answer moves the epoch by one, in its own transaction, and says here what it concerns.
CREATE TABLE lease_epoch (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO lease_epoch (id, epoch) VALUES (1, 0);

-- With neither a key nor an account: everything.
CREATE TABLE lease_changes (
    epoch      INTEGER NOT NULL PRIMARY KEY,
    key_id     TEXT,
    account_id TEXT
) STRICT;

-- Servers that may hold a lease, and the epoch up to which they have dropped what changed.
CREATE TABLE leases (
    node  TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL
) STRICT;
