//! What is done to accounts and keys, each change with its audit record
