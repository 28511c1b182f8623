//! Instants as people read them.

use chrono::TimeDelta;
use torvus_domain::{Timestamp, rfc3339};

/// An instant on a page. A script shows it in the reader's zone; without it, it
/// stands there in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For programs.
    pub(crate) iso: String,
    /// To the second, in UTC.
    pub(crate) exact: String,
    /// What stands there.
    pub(crate) text: String,
    /// How a script writes it: `full`, `date`; not at all where it is
    /// `relative`, which is the same in each zone.
    pub(crate) style: &'static str,
}

impl Moment {
    /// An instant as such.
    pub(crate) fn at(at: Timestamp) -> Self {
        Self {
            iso: rfc3339(at),
            exact: at.format("%-d %b %Y, %H:%M:%S UTC").to_string(),
            text: at.format("%-d %b %Y, %H:%M UTC").to_string(),
            style: "full",
        }
    }

    /// Its day alone, where there is little room.
    pub(crate) fn day(at: Timestamp) -> Self {
        Self {
            text: at.format("%-d %b %Y").to_string(),
            style: "date",
            ..Self::at(at)
        }
    }

    /// How long ago it was.
    pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Self {
        let text = match now - at {
            since if since < TimeDelta::minutes(1) => "Just now".to_owned(),
            since => format!("{} ago", span(since)),
        };
        Self {
            text,
            style: "relative",
            ..Self::at(at)
        }
    }
}

/// A span, in its largest whole unit: `3 days`.
pub(crate) fn span(span: TimeDelta) -> String {
    let units = [
        (span.num_days() / 365, "year"),
        (span.num_days(), "day"),
        (span.num_hours(), "hour"),
        (span.num_minutes(), "minute"),
    ];
    let largest = units.into_iter().find(|(count, _)| *count > 0);
    let (count, unit) = largest.unwrap_or_else(|| (span.num_seconds().max(0), "second"));
    match count {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}

/// A number with its thousands told apart: `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_spans_and_numbers() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (7_199, "1 hour"),
            (172_800, "2 days"),
            (86_400 * 364, "364 days"),
            (86_400 * 800, "2 years"),
        ] {
            assert_eq!(span(TimeDelta::seconds(seconds)), text);
        }
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn an_instant_stands_there_in_utc() {
        let at = Timestamp::from_timestamp(1_795_478_405, 0).unwrap();
        let moment = Moment::at(at);
        assert_eq!(moment.iso, "2026-11-24T00:00:05Z");
        assert_eq!(moment.text, "24 Nov 2026, 00:00 UTC");
        assert_eq!(moment.exact, "24 Nov 2026, 00:00:05 UTC");
        let ago = Moment::ago(at, at + TimeDelta::hours(3));
        assert_eq!(
            (ago.text.as_str(), ago.exact),
            ("3 hours ago", moment.exact)
        );
    }
}
