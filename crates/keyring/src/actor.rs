//! Who makes a change.

use serde_json::Value;
use torvus_audit::AuditRecord;
use torvus_domain::{Account, AccountId, ApiKey, Category, Outcome, Timestamp};

/// Who makes a change, as the audit log names them: `operator:root`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// Somebody at the command line.
    #[must_use]
    pub fn operator(user: &str) -> Self {
        Self(format!("operator:{user}"))
    }

    /// The first start of a server.
    #[must_use]
    pub fn bootstrap() -> Self {
        Self("bootstrap".to_owned())
    }

    /// GitHub, which found a key where others can see it.
    #[must_use]
    pub fn secret_scanning() -> Self {
        Self("github:secret-scanning".to_owned())
    }

    /// The holder of an account, signed in to the dashboard.
    #[must_use]
    pub fn holder(account: &Account) -> Self {
        Self(format!("account:{}", account.email))
    }

    /// Somebody of whom it is not known who they are.
    pub(crate) fn anonymous() -> Self {
        Self("anonymous".to_owned())
    }

    /// The record of something done to an account.
    pub(crate) fn on_account(
        &self,
        action: &str,
        account: &Account,
        detail: Value,
        now: Timestamp,
    ) -> AuditRecord {
        self.did(action, account.id, detail, now)
    }

    /// The record of something done to a key.
    pub(crate) fn on_key(
        &self,
        action: &str,
        key: &ApiKey,
        detail: Value,
        now: Timestamp,
    ) -> AuditRecord {
        let mut record = self.did(action, key.account_id, detail, now);
        record.key_id = Some(key.id);
        record.key_name = Some(key.name.to_string());
        record.environment = Some(key.environment);
        record
    }

    /// The record of something done to the log itself.
    #[must_use]
    pub fn on_log(&self, action: &str, detail: Value, now: Timestamp) -> AuditRecord {
        let mut record = AuditRecord::new(now, Category::KeyManagement, Outcome::Ok);
        record.actor = Some(self.0.clone());
        record.action = Some(action.to_owned());
        record.detail = Some(detail);
        record
    }

    fn did(&self, action: &str, account: AccountId, detail: Value, now: Timestamp) -> AuditRecord {
        let mut record = self.on_log(action, detail, now);
        record.account_id = Some(account);
        record
    }
}
