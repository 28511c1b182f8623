-- What was done to a key, found without reading its requests: there may be a million of those.
CREATE INDEX audit_log_changes_by_key ON audit_log (key_id, at, id) WHERE category = 'key_management';
