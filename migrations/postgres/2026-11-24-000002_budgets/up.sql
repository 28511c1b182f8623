-- What is used of each limit, so that a restart hands nobody a fresh one. Kept by the
-- transaction that writes audit_log; a budget that is whole again needs no row.
CREATE TABLE budgets (
    budget       TEXT NOT NULL PRIMARY KEY,
    whole_at     BIGINT NOT NULL,
    hourly_limit BIGINT NOT NULL CHECK (hourly_limit > 0),
    peak         BIGINT NOT NULL CHECK (peak >= hourly_limit),
    changes      BIGINT NOT NULL
);
CREATE INDEX budgets_by_time ON budgets (whole_at);
