//! Many keys at once: made through the library, as the command would make them one by one.

use torvus_domain::{ApiKey, KeyId, PermissionSet, Timestamp};
use torvus_key_core::{ApiKeyToken, Environment, PepperRing};
use torvus_storage::{Store, StoreUrl, keys};

use crate::{Key, TestApp};

/// Keys of one transaction.
const BATCH: usize = 500;

impl TestApp {
    /// Makes test keys with the permission `read`, one for each of these ends.
    pub fn many_keys(&self, account: &str, ends: &[Timestamp]) -> Vec<Key> {
        let keys: Vec<_> = ends.iter().map(|end| ("one of many", Some(*end))).collect();
        self.make_keys(account, &keys)
    }

    /// Makes test keys with the permission `read` and no end, one for each of these names.
    pub fn named_keys(&self, account: &str, names: &[String]) -> Vec<Key> {
        let keys: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
        self.make_keys(account, &keys)
    }

    fn make_keys(&self, account: &str, wanted: &[(&str, Option<Timestamp>)]) -> Vec<Key> {
        let peppers = PepperRing::parse(&format!("1:{}", self.pepper())).unwrap();
        let store = Store::open(&StoreUrl::parse(&self.database_url()).unwrap()).unwrap();
        let now = chrono::Utc::now();
        let mut made = Vec::new();
        for batch in wanted.chunks(BATCH) {
            let keys: Vec<(ApiKey, ApiKeyToken)> = batch
                .iter()
                .map(|(name, end)| {
                    let token = ApiKeyToken::generate(Environment::Test).unwrap();
                    let key = ApiKey {
                        id: KeyId::new(now),
                        account_id: account.parse().unwrap(),
                        name: name.parse().unwrap(),
                        environment: Environment::Test,
                        permissions: "read".parse::<PermissionSet>().unwrap(),
                        expires_at: *end,
                        allowed_ips: Default::default(),
                        limit: None,
                        created_at: now,
                        last_used_at: None,
                        revoked_at: None,
                        revoke_reason: None,
                        hint: token.hint(),
                    };
                    (key, token)
                })
                .collect();
            let pepper = peppers.current();
            store
                .write(|c| {
                    for (key, token) in &keys {
                        keys::insert(c, key, &token.digest(pepper), pepper.version())?;
                    }
                    Ok(())
                })
                .unwrap();
            made.extend(keys.into_iter().map(|(key, token)| Key {
                id: key.id.to_string(),
                token: token.expose().to_owned(),
            }));
        }
        made
    }
}
