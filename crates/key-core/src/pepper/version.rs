//! The number that tells one pepper from another.

use std::{fmt, num::NonZeroU32};

/// The version of a [pepper](crate::Pepper): a whole number from 1 up, stored beside every digest.
///
/// It is a name, not a rank: which pepper is current is decided by the order of the file, not by
/// the larger number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PepperVersion(NonZeroU32);

impl PepperVersion {
    /// The version with this number, or `None` for 0, which stands for "none" in too many places.
    #[must_use]
    pub const fn new(version: u32) -> Option<Self> {
        match NonZeroU32::new(version) {
            Some(version) => Some(Self(version)),
            None => None,
        }
    }

    /// The number, from 1 up.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for PepperVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
