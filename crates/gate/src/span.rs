//! For how long a log tells all of a key's requests.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use torvus_domain::{Timestamp, rfc3339};

/// How long looking takes, and how far clocks of servers may be from each other.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// How many requests were recorded on each day.
#[derive(Clone, Debug, Default)]
pub struct Recorded(BTreeMap<NaiveDate, u64>);

impl Recorded {
    /// Takes in one more request.
    pub fn add(&mut self, at: Timestamp) {
        *self.0.entry(at.date_naive()).or_default() += 1;
    }
}

/// A span of time without what was pruned from the log, and how many requests
/// of a key were counted in it.
#[derive(Clone, Debug)]
pub struct Span {
    from: Timestamp,
    to: Timestamp,
    pruned: bool,
    /// On its whole days.
    counted: Vec<(NaiveDate, u64)>,
}

impl Span {
    /// The span from one instant to another, of a log that was pruned before
    /// these, of a key whose requests on those days were counted.
    #[must_use]
    pub fn new(
        asked: Timestamp,
        to: Timestamp,
        pruned: impl IntoIterator<Item = Timestamp>,
        counted: impl IntoIterator<Item = (NaiveDate, u64)>,
    ) -> Self {
        let pruned = pruned.into_iter().max().filter(|before| *before > asked);
        // Of the day on which the span begins only a part is asked for. Where
        // that is for what was pruned, the rest was asked for and is missing.
        let since = pruned.unwrap_or(asked + TimeDelta::days(1)).date_naive();
        let counted = counted.into_iter().filter(|(date, _)| *date >= since);
        Self {
            from: pruned.unwrap_or(asked),
            to,
            pruned: pruned.is_some(),
            counted: counted.collect(),
        }
    }

    /// When it begins: nothing before that is known.
    #[must_use]
    pub const fn from(&self) -> Timestamp {
        self.from
    }

    /// When it ends: what comes later is left aside.
    #[must_use]
    pub const fn to(&self) -> Timestamp {
        self.to
    }

    /// Until when records are counted: what came since the span's end was
    /// counted, too; and clocks of servers differ.
    #[must_use]
    pub fn counted_to(&self) -> Timestamp {
        self.to.checked_add_signed(SKEW).unwrap_or(self.to)
    }

    /// Only this end of it was read: nobody knows of the days before, nor of all
    /// of the day on which that begins.
    pub fn read_from(&mut self, at: Timestamp) {
        let partly = at.date_naive();
        self.counted.retain(|(date, _)| *date > partly);
    }

    /// How many requests were counted and not recorded.
    #[must_use]
    pub fn missing(&self, recorded: &Recorded) -> u64 {
        let missing = self.counted.iter().map(|(date, counted)| {
            counted.saturating_sub(recorded.0.get(date).copied().unwrap_or(0))
        });
        missing.sum()
    }

    /// What is to be known of it, where so many are missing.
    #[must_use]
    pub fn notes(&self, missing: u64) -> Vec<String> {
        let mut notes = Vec::new();
        if self.pruned {
            notes.push(format!(
                "the log was pruned: it begins at {}, and nothing before that is replayed",
                rfc3339(self.from)
            ));
        }
        if let Some((first, _)) = self.counted.first().filter(|_| missing > 0) {
            notes.push(format!(
                "{missing} requests that were counted since {first} are not in the log"
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn span(pruned: Option<&str>) -> Span {
        let counted = (1..=4).map(|day| (NaiveDate::from_ymd_opt(2026, 11, day).unwrap(), 10));
        let (from, to) = (at("2026-11-01T12:00:00Z"), at("2026-11-04T12:00:00Z"));
        Span::new(from, to, pruned.map(at), counted)
    }

    fn recorded(from: &str, count: i64) -> Recorded {
        let mut recorded = Recorded::default();
        (0..count).for_each(|n| recorded.add(at(from) + TimeDelta::seconds(n)));
        recorded
    }

    #[test]
    fn what_was_counted_and_is_not_there_is_missing() {
        let nothing = Recorded::default();
        // Of the first day only a part was asked for.
        assert_eq!(span(None).missing(&nothing), 30);
        assert_eq!(span(None).missing(&recorded("2026-11-02T00:00:00Z", 4)), 26);
        assert!(span(None).notes(0).is_empty());
        // More than was counted on one day makes up for no other.
        assert_eq!(
            span(None).missing(&recorded("2026-11-03T00:00:00Z", 99)),
            20
        );
    }

    #[test]
    fn a_pruned_log_begins_where_it_was_pruned() {
        let span_of = span(Some("2026-11-03T12:00:00Z"));
        assert_eq!(span_of.from(), at("2026-11-03T12:00:00Z"));
        assert_eq!(span_of.missing(&Recorded::default()), 20);
        assert_eq!(span_of.notes(20).len(), 2);
        // Before the span it does not matter.
        let before = span(Some("2026-10-01T00:00:00Z"));
        assert_eq!(before.from(), at("2026-11-01T12:00:00Z"));
        assert!(before.notes(0).is_empty());
    }

    #[test]
    fn of_days_that_were_not_read_nothing_is_said() {
        let mut span = span(None);
        span.read_from(at("2026-11-03T08:00:00Z"));
        assert_eq!(span.missing(&Recorded::default()), 10);
    }
}
