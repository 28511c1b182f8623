DROP TABLE audit_signers;
DROP INDEX audit_log_by_place;
