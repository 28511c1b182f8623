-- When the log was last verified, and when its last checkpoint was signed: for those who read it.
CREATE TABLE audit_proofs (
    kind  TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (kind IN ('verified', 'checkpoint')),
    at    BIGINT NOT NULL,
    sound BOOLEAN NOT NULL
);

-- What is done to keys and accounts is little among requests: it is found without reading those.
CREATE INDEX audit_log_of_changes ON audit_log (account_id, category, at, id)
    WHERE category <> 'api_activity';
