-- A pepper that no key may need any more. Its number is not given again, and a file that still has
-- it is not wrong for that.
ALTER TABLE peppers ADD COLUMN retired_at BIGINT;

-- How another system made the digests of the keys that came from it.
CREATE TABLE import_recipes (
    id             BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
    algorithm      TEXT COLLATE "C" NOT NULL CHECK (algorithm IN ('sha256', 'hmac-sha256')),
    part           TEXT COLLATE "C" NOT NULL,
    -- The secret of the HMAC, encrypted under the pepper of this version.
    sealed         BYTEA,
    pepper_version BIGINT,
    created_at     BIGINT NOT NULL,
    CHECK ((algorithm = 'sha256') = (sealed IS NULL)),
    CHECK ((sealed IS NULL) = (pepper_version IS NULL))
);
