//! Audit records, and a recorder that answers when a record is safe
