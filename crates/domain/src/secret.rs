//! The secrets of a key, and how long a replaced one goes on.

use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use torvus_key_core::KeyHint;

use crate::{Expiry, ExpiryError, Timestamp, rfc3339};

/// One of a key's secrets, as far as decisions and records need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Counted from 1 for each key.
    pub number: u32,
    /// When a rotation replaced it.
    pub replaced_at: Option<Timestamp>,
    /// The end of its grace, where it was replaced.
    pub ends_at: Option<Timestamp>,
    /// When somebody ended it: from then on it is refused whatever the clock says.
    pub ended_at: Option<Timestamp>,
}

impl Secret {
    /// The first secret of a key.
    pub const FIRST: Self = Self {
        number: 1,
        replaced_at: None,
        ends_at: None,
        ended_at: None,
    };

    /// Whether it opens nothing any more at `now`.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> bool {
        self.ended_at.is_some() || self.ends_at.is_some_and(|end| end <= now)
    }
}

/// A secret as it is shown. Neither its text nor its digest is in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInfo {
    /// What decides.
    pub secret: Secret,
    /// What may be shown of its text, where that was ever seen here.
    pub hint: Option<KeyHint>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How long a replaced secret goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace(Duration);

impl Grace {
    /// The longest: 30 days from the replacement on. Two keys at once are twice
    /// as easily lost as one.
    pub const MAX: TimeDelta = TimeDelta::days(30);
    /// None: the old secret ends at once.
    pub const NONE: Self = Self(Duration::ZERO);

    /// Its end, for a secret that is replaced at `now`.
    #[must_use]
    pub fn end(self, now: Timestamp) -> Timestamp {
        let span = TimeDelta::from_std(self.0).unwrap_or(Self::MAX);
        now + span.min(Self::MAX)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0.is_zero()
    }
}

impl Default for Grace {
    /// 24 hours (public contract, section 6).
    fn default() -> Self {
        Self(Duration::from_secs(86_400))
    }
}

/// Why a grace can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraceError {
    /// No duration.
    #[error("{0:?} is no grace: use a duration such as 24h or 7d, or 0 for none")]
    Unreadable(String),
    /// More than is allowed.
    #[error("a grace is at most 30d")]
    TooLong,
}

impl FromStr for Grace {
    type Err = GraceError;

    /// `0`, or a duration up to 30 days: `24h`, `1h30m`, `7d`.
    fn from_str(text: &str) -> Result<Self, GraceError> {
        let text = text.trim();
        if text == "0" {
            return Ok(Self::NONE);
        }
        match text.parse::<Expiry>() {
            Ok(Expiry::After(span)) if TimeDelta::from_std(span).is_ok_and(|s| s <= Self::MAX) => {
                Ok(Self(span))
            }
            Ok(Expiry::After(_)) | Err(ExpiryError::TooFar) => Err(GraceError::TooLong),
            // `0s`, `0h` and the like.
            Err(ExpiryError::TooShort) => Ok(Self::NONE),
            _ => Err(GraceError::Unreadable(text.to_owned())),
        }
    }
}

/// What a running grace is changed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraceEnd {
    /// It ends at once.
    Now,
    /// So long from now.
    After(Duration),
    /// At this instant.
    At(Timestamp),
}

/// Why a grace can't be changed to that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraceEndError {
    /// Neither `now`, nor a duration, nor an instant.
    #[error(
        "{0:?} is no end of a grace: use now, a duration from now such as 2h, or an instant such as 2027-01-31T12:00:00Z"
    )]
    Unreadable(String),
    /// An instant that has passed.
    #[error("{0} has already passed: use now to end it at once")]
    Past(String),
    /// Further away than a grace may last.
    #[error("a grace lasts at most 30d from the rotation on: until {0} here")]
    TooLong(String),
}

impl FromStr for GraceEnd {
    type Err = GraceEndError;

    /// `now` or `0`, a duration, or an instant of RFC 3339.
    fn from_str(text: &str) -> Result<Self, GraceEndError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("now") || text == "0" {
            return Ok(Self::Now);
        }
        match text.parse::<Expiry>() {
            Ok(Expiry::After(span)) => Ok(Self::After(span)),
            Ok(Expiry::At(at)) => Ok(Self::At(at)),
            Err(ExpiryError::TooShort) => Ok(Self::Now),
            // No grace reaches that far; how far it does is said where the rotation is known.
            Err(ExpiryError::TooFar) => Ok(Self::After(Duration::MAX)),
            _ => Err(GraceEndError::Unreadable(text.to_owned())),
        }
    }
}

impl GraceEnd {
    /// The instant, for a secret that was replaced at `replaced_at`; `None`
    /// where it ends at once.
    ///
    /// # Errors
    /// [`GraceEndError`] where it has passed, or lies further away than a grace lasts.
    pub fn resolve(
        self,
        replaced_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, GraceEndError> {
        let last = replaced_at + Grace::MAX;
        let too_long = || GraceEndError::TooLong(rfc3339(last));
        let at = match self {
            Self::Now => return Ok(None),
            Self::At(at) => at,
            Self::After(span) => TimeDelta::from_std(span)
                .ok()
                .and_then(|span| now.checked_add_signed(span))
                .ok_or_else(too_long)?,
        };
        if at <= now {
            return Err(GraceEndError::Past(rfc3339(at)));
        }
        if at > last {
            return Err(too_long());
        }
        Ok(Some(
            Timestamp::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_grace_is_nothing_to_thirty_days() {
        assert_eq!(Grace::default().end(at(0)), at(86_400));
        for (text, seconds) in [
            ("0", 0),
            ("0s", 0),
            ("1s", 1),
            ("1h30m", 5_400),
            ("30d", 2_592_000),
        ] {
            let grace: Grace = text.parse().unwrap();
            assert_eq!(grace.end(at(0)), at(seconds), "{text}");
            assert_eq!(grace.is_none(), seconds == 0);
        }
        for text in ["31d", "30d1s", "99999999999999999999y"] {
            assert_eq!(text.parse::<Grace>(), Err(GraceError::TooLong), "{text}");
        }
        for text in ["", "24", "-1h", "never", "now", "2027-01-31T12:00:00Z"] {
            assert!(
                matches!(text.parse::<Grace>(), Err(GraceError::Unreadable(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_running_grace_is_changed_within_the_same_bounds() {
        let resolve = |text: &str| text.parse::<GraceEnd>().unwrap().resolve(at(0), at(100));
        assert_eq!(resolve("now"), Ok(None));
        assert_eq!(resolve("0"), Ok(None));
        assert_eq!(resolve("2h"), Ok(Some(at(7_300))));
        assert_eq!(resolve(&rfc3339(at(101))), Ok(Some(at(101))));
        assert_eq!(resolve(&rfc3339(at(2_592_000))), Ok(Some(at(2_592_000))));
        assert!(matches!(
            resolve(&rfc3339(at(100))),
            Err(GraceEndError::Past(_))
        ));
        assert!(matches!(
            resolve(&rfc3339(at(2_592_001))),
            Err(GraceEndError::TooLong(_))
        ));
        assert!(matches!(resolve("30d"), Err(GraceEndError::TooLong(_))));
        assert!(matches!(
            resolve("99999999999999999999y"),
            Err(GraceEndError::TooLong(_))
        ));
        for text in ["", "soon", "never", "2h later"] {
            assert!(text.parse::<GraceEnd>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_somebody_ended_stays_so_where_the_clock_is_set_back() {
        let mut secret = Secret {
            replaced_at: Some(at(0)),
            ends_at: Some(at(10)),
            ..Secret::FIRST
        };
        assert!(!secret.ended(at(9)) && secret.ended(at(10)));
        secret.ended_at = Some(at(5));
        assert!(secret.ended(at(1)));
    }
}
