//! How often somebody may try to sign in.
//!
//! Strangers share the tries of an account and those of their network. Who comes
//! from a browser that the account's holder has signed in from has tries that no
//! stranger can use up: nobody can keep a holder out by trying, nor can a single
//! browser that was left behind. All taken together there are at most 100 an
//! hour for one account that fail.
//!
//! Right passwords cost as much as wrong ones: of all of an account there are
//! only so many, and those are not given back.

use std::net::IpAddr;

use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use torvus_audit::AuditRecord;
use torvus_domain::{Email, Outcome, SessionId, Timestamp};
use torvus_storage::tries::{self, Bucket, Taken};
use torvus_storage::{StorageError, Store, audit};

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Password,
    /// A one-time code: only who has the password comes so far.
    Code,
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
        }
    }
}

/// The buckets of a try to sign in. A text that is no address counts as one
/// address, whatever it is: it may be a password in the wrong field.
pub(crate) fn of_sign_in(
    what: What,
    email: Option<&Email>,
    known: Option<&[u8; 32]>,
    ip: Option<IpAddr>,
) -> Vec<Bucket> {
    let (what, account) = (what.word(), email.map_or("", Email::as_str));
    let password = what == What::Password.word();
    if let Some(browser) = known {
        let browser = format!("{browser:?}");
        // One browser alone can't use up what all of them have.
        let ((holds, every), (of_all, of_all_every)) = if password {
            ((10, 6), (15, 4))
        } else {
            ((5, 12), (10, 6))
        };
        return vec![
            bucket([what, "browser", &browser], holds, minutes(every)),
            bucket([what, "known", account], of_all, minutes(of_all_every)),
        ];
    }
    let network = network(ip);
    if password {
        vec![
            bucket([what, account, &network], 10, minutes(3)),
            bucket([what, "strangers", account], 15, TimeDelta::seconds(90)),
            bucket([what, "network", &network], 30, minutes(1)),
        ]
    } else {
        vec![
            bucket([what, account, &network], 5, minutes(6)),
            bucket([what, "strangers", account], 10, minutes(6)),
        ]
    }
}

/// The bucket of all passwords of an account that are looked at, right ones too.
pub(crate) fn of_looks(email: Option<&Email>) -> Bucket {
    let account = email.map_or("", Email::as_str);
    bucket(["password", "looks", account], 30, TimeDelta::seconds(10))
}

/// The bucket of those who give their password once more.
pub(crate) fn of_session(session: SessionId) -> Vec<Bucket> {
    vec![bucket(
        ["session", "password", &session.to_string()],
        5,
        minutes(6),
    )]
}

/// Takes a try; where there is none, how long until there is. That is recorded
/// now and then, as `record` has it.
pub(crate) fn take(
    store: &Store,
    buckets: &[Bucket],
    record: impl FnOnce(Outcome) -> AuditRecord,
    now: Timestamp,
) -> Result<Option<TimeDelta>, StorageError> {
    store.write(|c| match tries::take(c, buckets, now)? {
        Taken::Yes => Ok(None),
        Taken::Wait { wait, worth_noting } => {
            if worth_noting {
                audit::append(c, &[record(Outcome::RateLimited)])?;
            }
            Ok(Some(wait))
        }
    })
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

fn bucket(name: [&str; 3], holds: i32, every: TimeDelta) -> Bucket {
    Bucket {
        name: Sha256::digest(name.join("\0")).into(),
        holds,
        every,
    }
}

/// What one customer of a network usually has: 256 addresses of IPv4, a /56 of
/// IPv6.
fn network(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}")
        }
        Some(IpAddr::V6(ip)) => format!("{:014x}", ip.to_bits() >> 72),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(first: &str, second: &str) -> bool {
        network(first.parse().ok()) == network(second.parse().ok())
    }

    #[test]
    fn neighbours_are_one_network() {
        assert!(shared("192.0.2.1", "192.0.2.254") && !shared("192.0.2.1", "192.0.3.1"));
        assert!(shared("::ffff:192.0.2.1", "192.0.2.9"));
        assert!(shared("2001:db8:0:ff::1", "2001:db8:0:1::2"));
        assert!(!shared("2001:db8:0:100::1", "2001:db8:0:1::2"));
        assert!(!shared("0.0.0.0", "::"));
    }

    #[test]
    fn an_hour_has_at_most_a_hundred_tries_of_an_account() {
        let email = "a@example.com".parse::<Email>().unwrap();
        let an_hour = |bucket: &Bucket| {
            let refilled = TimeDelta::hours(1).num_seconds() / bucket.every.num_seconds();
            i64::from(bucket.holds) + refilled
        };
        let of_all = |known| {
            let buckets = of_sign_in(What::Password, Some(&email), known, None);
            // The second counts strangers, or known browsers, wherever they are.
            an_hour(buckets.get(1).unwrap_or(&buckets[0]))
        };
        let session = of_session(SessionId::new(Timestamp::UNIX_EPOCH));
        assert!(of_all(None) + of_all(Some(&[1; 32])) + an_hour(&session[0]) <= 100);
        let first = of_sign_in(What::Password, Some(&email), None, None);
        assert!(first[0].holds <= 10);
    }
}
