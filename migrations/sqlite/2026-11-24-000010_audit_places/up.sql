-- A chain is read by its places: what was added to it, and the last of what is removed.
CREATE INDEX audit_log_by_place ON audit_log (chain, seq);

-- The public halves of the keys that sign the log, the latest one now. They prove nothing by
-- themselves: they keep a second data folder from signing with a key of its own by mistake.
CREATE TABLE audit_signers (
    public_key TEXT NOT NULL PRIMARY KEY,
    since      INTEGER NOT NULL
) STRICT;
