//! Accounts, keys, audit and resources in SQLite or PostgreSQL
