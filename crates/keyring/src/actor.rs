//! Who makes a change.

use serde_json::Value;
use torvus_audit::AuditRecord;
use torvus_domain::{Account, AccountId, ApiKey, Category, Outcome, Timestamp};

use crate::KeyringError;

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

    /// Whether it is the holder of an account, who may do nothing while it is
    /// suspended.
    fn is_holder(&self) -> bool {
        self.0.starts_with("account:")
    }

    /// Refuses new secrets to the holder of an account that is suspended: they
    /// may have been signed in when they asked.
    pub(crate) fn may_get_secrets(&self, account: &Account) -> Result<(), KeyringError> {
        if self.is_holder() && account.suspended_at.is_some() {
            let suspended = "This account is suspended. Ask whoever runs this server.";
            return Err(KeyringError::Conflict(suspended.to_owned()));
        }
        Ok(())
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
