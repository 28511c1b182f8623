DROP TABLE import_recipes;
DELETE FROM peppers WHERE retired_at IS NOT NULL;
ALTER TABLE peppers DROP COLUMN retired_at;
