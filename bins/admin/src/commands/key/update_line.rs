//! The command that would change a key.

use std::fmt;

use torvus_domain::{IpAllowlist, KeyId, PermissionSet, Timestamp, rfc3339};

/// A `torvus-admin key update`, as it would be typed.
#[derive(Default)]
pub(super) struct UpdateLine {
    pub(super) permissions: Option<PermissionSet>,
    /// An empty list: any address.
    pub(super) allowed_ips: Option<IpAllowlist>,
    pub(super) expires: Option<Timestamp>,
}

impl UpdateLine {
    /// The line for this key; none where nothing would change.
    pub(super) fn of(&self, key: KeyId) -> Option<String> {
        let flags = self.to_string();
        (!flags.is_empty()).then(|| format!("torvus-admin key update {key}{flags}"))
    }
}

impl fmt::Display for UpdateLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(permissions) = &self.permissions {
            write!(f, " --permissions {permissions}")?;
        }
        if let Some(list) = &self.allowed_ips {
            for entry in list.entries() {
                write!(f, " --allow-ip {entry}")?;
            }
            if list.is_empty() {
                f.write_str(" --clear-ips")?;
            }
        }
        if let Some(end) = self.expires {
            write!(f, " --expires {}", rfc3339(end))?;
        }
        Ok(())
    }
}
