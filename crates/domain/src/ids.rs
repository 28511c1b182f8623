//! Identifiers: TypeIDs, a prefix that names the kind and a UUIDv7.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use type_safe_id::{StaticType, TypeSafeId};
use uuid::{ContextV7, Uuid};

use crate::Timestamp;

/// What kind of thing an [`Id`] names.
pub trait IdKind: StaticType + Copy + Eq + Ord + Send + Sync + 'static {}

/// A TypeID: `key_` and 26 characters of Crockford base32 that hold a UUIDv7,
/// so identifiers sort by their time of creation. Opaque to clients.
pub struct Id<K>(Uuid, PhantomData<K>);

impl<K: IdKind> Id<K> {
    /// Makes a new identifier for something that came to be at `at`.
    ///
    /// The rest of it is random, from a generator that the operating system
    /// seeds; a counter keeps identifiers of one thread and millisecond in order.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        thread_local! {
            static CONTEXT: ContextV7 = const { ContextV7::new() };
        }
        let micros = at.timestamp_micros();
        let seconds = u64::try_from(micros.div_euclid(1_000_000)).unwrap_or(0);
        let nanos = u32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
        let at = CONTEXT.with(|context| uuid::Timestamp::from_unix(context, seconds, nanos));
        Self(Uuid::new_v7(at), PhantomData)
    }
}

impl<K: IdKind> Id<K> {
    /// The identifier whose bits are all zero: for the one thing that needs no
    /// other name.
    #[must_use]
    pub const fn nil() -> Self {
        Self(Uuid::nil(), PhantomData)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TypeSafeId::<K>::from_uuid(self.0).fmt(f)
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an identifier of the kind that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an identifier of the form {prefix}_ and 26 characters")]
pub struct IdError {
    /// The prefix that an identifier of this kind has.
    pub prefix: &'static str,
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let id: TypeSafeId<K> = text.parse().map_err(|_| IdError { prefix: K::TYPE })?;
        // One spelling for each identifier: what was parsed must print alike.
        if id.to_string() == text {
            Ok(Self(id.uuid(), PhantomData))
        } else {
            Err(IdError { prefix: K::TYPE })
        }
    }
}

impl<K: IdKind> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: IdKind> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! id_kinds {
    ($($(#[$doc:meta])* $alias:ident, $kind:ident, $prefix:literal;)*) => {
        /// The kinds of identifiers, one type each.
        pub mod kinds {
            $(
                #[doc = concat!("The kind of identifiers that begin with `", $prefix, "_`.")]
                #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
                pub struct $kind;
                impl type_safe_id::StaticType for $kind {
                    const TYPE: &'static str = $prefix;
                }
                impl super::IdKind for $kind {}
            )*
        }
        $($(#[$doc])* pub type $alias = Id<kinds::$kind>;)*
    };
}

id_kinds! {
    /// Names an account: `acc_…`.
    AccountId, AccountKind, "acc";
    /// Names an API key: `key_…`; its secrets change, this does not.
    KeyId, KeyKind, "key";
    /// Names a vault: `vault_…`.
    VaultId, VaultKind, "vault";
    /// Names a document in a vault: `doc_…`.
    DocumentId, DocumentKind, "doc";
    /// Names a recipient in a vault: `rcp_…`.
    RecipientId, RecipientKind, "rcp";
    /// Names a policy in a vault: `pol_…`.
    PolicyId, PolicyKind, "pol";
    /// Names a check-in of an account: `chk_…`.
    CheckInId, CheckInKind, "chk";
    /// Names a request that was answered: `req_…`.
    RequestId, RequestKind, "req";
    /// Names a record of the audit log: `aud_…`.
    AuditId, AuditKind, "aud";
    /// Names a running server: `node_…`.
    NodeId, NodeKind, "node";
    /// Names a chain of audit records: `chn_…`.
    ChainId, ChainKind, "chn";
    /// Names a sign-in to the dashboard, while it lasts: `ses_…`.
    SessionId, SessionKind, "ses";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_alike_and_in_order() {
        let at = Timestamp::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let ids: Vec<KeyId> = (0..1_000).map(|_| KeyId::new(at)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        let text = ids[0].to_string();
        assert_eq!(text.len(), "key_".len() + 26);
        assert_eq!(text.parse::<KeyId>(), Ok(ids[0]));
    }

    #[test]
    fn refuses_what_is_not_its_own() {
        let id = KeyId::new(Timestamp::UNIX_EPOCH).to_string();
        assert!(id.parse::<AccountId>().is_err());
        for text in [
            "",
            "key_",
            "key_1",
            &id.to_uppercase(),
            &format!("{id}0"),
            "key_\u{e9}",
        ] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }
}
