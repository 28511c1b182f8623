DROP INDEX audit_log_changes_by_key;
