//! Time: an instant, where it comes from, and when a key ends.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};

/// An instant in UTC. What is stored of it is whole microseconds.
pub type Timestamp = DateTime<Utc>;

/// Writes an instant as the public contract wants it: RFC 3339, UTC, `Z`,
/// with as many digits of a second as it has, up to microseconds.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    let format = if at.timestamp_subsec_micros() == 0 {
        SecondsFormat::Secs
    } else if at.timestamp_subsec_micros().is_multiple_of(1_000) {
        SecondsFormat::Millis
    } else {
        SecondsFormat::Micros
    };
    at.to_rfc3339_opts(format, true)
}

/// The two readings of a clock that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instants {
    /// The wall clock: may be set back or forward.
    pub wall: Timestamp,
    /// Time since an origin of the clock's own; never runs backwards, and goes
    /// on while the machine sleeps.
    pub monotonic: Duration,
}

/// Where time comes from. A parameter everywhere, so that tests can set it.
pub trait Clock: Send + Sync {
    /// Reads both clocks once.
    fn now(&self) -> Instants;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    origin: Duration,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: since_boot(),
        }
    }
}

/// `CLOCK_BOOTTIME`: unlike [`std::time::Instant`] it does not stand still while
/// the machine sleeps, so a lease does not outlive the night (ADR 10).
fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn now(&self) -> Instants {
        let wall = Utc::now();
        Instants {
            // Stored instants have microseconds; what is compared must have no more.
            wall: Timestamp::from_timestamp_micros(wall.timestamp_micros()).unwrap_or(wall),
            monotonic: since_boot().saturating_sub(self.origin),
        }
    }
}

/// When a key ends, as a person says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It does not end by itself.
    Never,
    /// So long after it was made.
    After(Duration),
    /// At this instant; the key is refused from it on.
    At(Timestamp),
}

impl Default for Expiry {
    /// 90 days (public contract, section 1).
    fn default() -> Self {
        Self::After(Duration::from_secs(90 * 86_400))
    }
}

/// Why an expiry can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryError {
    /// Neither a word, nor a duration, nor an instant.
    #[error(
        "{0:?} is no expiry: use never, a duration such as 90d or 1y, or an instant such as 2027-01-31T12:00:00Z"
    )]
    Unreadable(String),
    /// A duration below one second.
    #[error("an expiry must be at least 1s away")]
    TooShort,
    /// An instant that has passed.
    #[error("the expiry {0} has already passed")]
    Past(String),
    /// Further away than a calendar reaches.
    #[error("the expiry is too far away: the last year is 9999; use never")]
    TooFar,
}

impl Expiry {
    /// The instant for a key that is made, or changed, at `now`.
    ///
    /// # Errors
    /// [`ExpiryError`] where it lies in the past or out of reach.
    pub fn resolve(self, now: Timestamp) -> Result<Option<Timestamp>, ExpiryError> {
        let at = match self {
            Self::Never => return Ok(None),
            Self::After(span) if span < Duration::from_secs(1) => {
                return Err(ExpiryError::TooShort);
            }
            Self::After(span) => TimeDelta::from_std(span)
                .ok()
                .and_then(|span| now.checked_add_signed(span))
                .ok_or(ExpiryError::TooFar)?,
            Self::At(at) => at,
        };
        if at <= now {
            return Err(ExpiryError::Past(rfc3339(at)));
        }
        if chrono::Datelike::year(&at) > 9_999 {
            return Err(ExpiryError::TooFar);
        }
        Timestamp::from_timestamp_micros(at.timestamp_micros())
            .map(Some)
            .ok_or(ExpiryError::TooFar)
    }
}

impl std::str::FromStr for Expiry {
    type Err = ExpiryError;

    /// `never`; a whole number and a unit (`s`, `m`, `h`, `d`, `w`, `y`, where a
    /// year is 365 days), several of them in a row; or an instant of RFC 3339.
    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("never") {
            return Ok(Self::Never);
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.with_timezone(&Utc)));
        }
        let unreadable = || ExpiryError::Unreadable(text.to_owned());
        let mut seconds: u64 = 0;
        let mut number: Option<u64> = None;
        for character in text.chars() {
            if let Some(digit) = character.to_digit(10) {
                let next = number.unwrap_or(0).checked_mul(10);
                number = Some(
                    next.and_then(|n| n.checked_add(u64::from(digit)))
                        .ok_or(ExpiryError::TooFar)?,
                );
                continue;
            }
            let unit = match character {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                'd' => 86_400,
                'w' => 7 * 86_400,
                'y' => 365 * 86_400,
                _ => return Err(unreadable()),
            };
            let count = number.take().ok_or_else(unreadable)?;
            seconds = count
                .checked_mul(unit)
                .and_then(|span| span.checked_add(seconds))
                .ok_or(ExpiryError::TooFar)?;
        }
        if number.is_some() || text.is_empty() {
            return Err(unreadable());
        }
        if seconds == 0 {
            return Err(ExpiryError::TooShort);
        }
        Ok(Self::After(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .with_timezone(&Utc)
    }

    #[test]
    fn reads_words_durations_and_instants() {
        assert_eq!("never".parse(), Ok(Expiry::Never));
        assert_eq!("1s".parse(), Ok(Expiry::After(Duration::from_secs(1))));
        assert_eq!(
            "1y".parse(),
            Ok(Expiry::After(Duration::from_secs(365 * 86_400)))
        );
        assert_eq!(
            "1h30m".parse(),
            Ok(Expiry::After(Duration::from_secs(5_400)))
        );
        assert_eq!(
            "2027-01-31T12:00:00.250+02:00".parse(),
            Ok(Expiry::At(at("2027-01-31T10:00:00.250Z")))
        );
        for text in [
            "",
            "90",
            "d",
            "90x",
            "-1d",
            "1.5d",
            "2027-01-31",
            "soon",
            "0s",
        ] {
            assert!(text.parse::<Expiry>().is_err(), "{text}");
        }
    }

    #[test]
    fn resolves_only_to_the_future() {
        let now = at("2026-11-24T00:00:00Z");
        assert_eq!(Expiry::Never.resolve(now), Ok(None));
        assert_eq!(
            Expiry::default().resolve(now),
            Ok(Some(at("2027-02-22T00:00:00Z")))
        );
        assert!(Expiry::At(now).resolve(now).is_err());
        assert!(
            Expiry::After(Duration::from_millis(999))
                .resolve(now)
                .is_err()
        );
        assert_eq!(
            Expiry::After(Duration::from_secs(u64::MAX / 4)).resolve(now),
            Err(ExpiryError::TooFar)
        );
    }

    #[test]
    fn writes_no_more_digits_than_needed() {
        assert_eq!(rfc3339(at("2026-11-24T00:00:00Z")), "2026-11-24T00:00:00Z");
        assert_eq!(
            rfc3339(at("2026-11-24T00:00:00.5Z")),
            "2026-11-24T00:00:00.500Z"
        );
        assert_eq!(
            rfc3339(at("2026-11-24T00:00:00.000001Z")),
            "2026-11-24T00:00:00.000001Z"
        );
    }
}
