//! Which of the remembered digests belong to a key, and which keys to an
//! account: a change names those, not digests.

use std::collections::{HashMap, HashSet};

use torvus_domain::{AccountId, ApiKey, KeyId};
use torvus_key_core::KeyDigest;

#[derive(Default)]
pub(super) struct Index {
    keys: HashMap<KeyId, Entry>,
    accounts: HashMap<AccountId, HashSet<KeyId>>,
}

struct Entry {
    account: AccountId,
    /// One for each secret: two at most while one is being replaced.
    digests: Vec<KeyDigest>,
}

impl Index {
    pub(super) fn add(&mut self, digest: KeyDigest, key: &ApiKey) {
        let entry = self.keys.entry(key.id).or_insert_with(|| Entry {
            account: key.account_id,
            digests: Vec::with_capacity(1),
        });
        if !entry.digests.contains(&digest) {
            entry.digests.push(digest);
        }
        self.accounts
            .entry(key.account_id)
            .or_default()
            .insert(key.id);
    }

    /// One digest of a key is not remembered any more.
    pub(super) fn remove(&mut self, digest: &KeyDigest, key: &ApiKey) {
        let Some(entry) = self.keys.get_mut(&key.id) else {
            return;
        };
        entry.digests.retain(|known| known != digest);
        if entry.digests.is_empty() {
            self.take_key(key.id);
        }
    }

    /// Takes a key out, and gives its digests.
    pub(super) fn take_key(&mut self, id: KeyId) -> Vec<KeyDigest> {
        let Some(entry) = self.keys.remove(&id) else {
            return Vec::new();
        };
        if let Some(keys) = self.accounts.get_mut(&entry.account) {
            keys.remove(&id);
            if keys.is_empty() {
                self.accounts.remove(&entry.account);
            }
        }
        entry.digests
    }

    /// Takes all keys of an account out, and gives their digests.
    pub(super) fn take_account(&mut self, id: AccountId) -> Vec<KeyDigest> {
        let keys = self.accounts.remove(&id).unwrap_or_default();
        let entries = keys.iter().filter_map(|key| self.keys.remove(key));
        entries.flat_map(|entry| entry.digests).collect()
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.accounts.clear();
    }
}
