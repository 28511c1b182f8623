//! What a key may do.

use std::fmt;
use std::str::FromStr;

/// One permission. They are independent: `write` does not imply `read`
/// (public contract, section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See what is there.
    Read,
    /// Make and change.
    Write,
    /// Remove.
    Delete,
}

impl Permission {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Delete];

    /// Its name: `read`, `write`, `delete`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Delete => 4,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is not a permission, or no word at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownPermission {
    /// Not one of the three.
    #[error("{0:?} is no permission: use read, write, delete")]
    Word(String),
    /// A key without permissions could do nothing.
    #[error("at least one permission is needed: read, write, delete")]
    None,
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == text)
            .ok_or_else(|| UnknownPermission::Word(text.to_owned()))
    }
}

/// A non-empty set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermissionSet(u8);

impl PermissionSet {
    /// A set of these; `None` where there are none.
    #[must_use]
    pub fn new(permissions: impl IntoIterator<Item = Permission>) -> Option<Self> {
        let bits = permissions.into_iter().fold(0, |bits, p| bits | p.bit());
        (bits != 0).then_some(Self(bits))
    }

    /// All three.
    #[must_use]
    pub const fn all() -> Self {
        Self(7)
    }

    /// Whether this permission is in the set.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Its members, in the order read, write, delete.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |p| self.contains(*p))
    }
}

impl fmt::Display for PermissionSet {
    /// `read,write`: the form that is stored and that flags take.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, permission) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(permission.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PermissionSet {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        let permissions: Vec<Permission> = text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Self::new(permissions).ok_or(UnknownPermission::None)
    }
}

impl serde::Serialize for PermissionSet {
    /// As a list of names.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Permission::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_seven_sets_prints_and_parses_alike() {
        for bits in 1..8 {
            let set = PermissionSet(bits);
            assert_eq!(set.to_string().parse(), Ok(set));
        }
    }

    #[test]
    fn nothing_implies_another() {
        let write: PermissionSet = "write".parse().unwrap();
        assert!(write.contains(Permission::Write));
        assert!(!write.contains(Permission::Read));
        assert!(!write.contains(Permission::Delete));
    }

    #[test]
    fn refuses_other_words_and_nothing() {
        for text in ["", " , ", "admin", "read,admin", "Read", "read write"] {
            assert!(text.parse::<PermissionSet>().is_err(), "{text}");
        }
        assert_eq!(
            "delete , read,read"
                .parse::<PermissionSet>()
                .unwrap()
                .to_string(),
            "read,delete"
        );
    }
}
