DROP INDEX audit_log_of_changes;

DROP TABLE audit_proofs;
