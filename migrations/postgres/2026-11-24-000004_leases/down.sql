DROP TABLE leases;
DROP TABLE lease_changes;
DROP TABLE lease_epoch;
