//! Whether a log is as it was written.

use std::collections::{HashMap, HashSet};
use std::fmt;

use torvus_domain::{ChainId, Timestamp, rfc3339};

use crate::{Checkpoint, Hash, Head};

/// A record as it is kept somewhere: nothing of it is believed.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// The record's identifier, where it is kept beside the line.
    pub id: Option<&'a str>,
    /// Its time in microseconds, likewise.
    pub at: Option<i64>,
    /// Its chain.
    pub chain: &'a str,
    /// Its place in the chain.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// The line.
    pub line: &'a str,
}

/// What is wrong with a log, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The chain, as it is named there.
    pub chain: String,
    /// The place in it.
    pub seq: u64,
    /// The identifier of the record there, as far as it can be read.
    pub id: Option<String>,
    /// What is wrong.
    pub what: Wrong,
}

/// Ways in which a log can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The record's bytes are not those that were chained.
    Changed,
    /// What is kept beside the line is not what is in it.
    Beside,
    /// Records before this one are not there: the first of them.
    MissingFrom(u64),
    /// The record stands where another one has been.
    OutOfPlace,
    /// The chain ends here, but it had this many records.
    CutAt(u64),
    /// The chain is not that of the checkpoint.
    NotOfCheckpoint,
    /// There is a chain that the database knows nothing of.
    UnknownChain,
    /// What was removed from the beginning was not signed by the log's key.
    Unsigned,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chain {}, record {}", self.chain, self.seq)?;
        if let Some(id) = &self.id {
            write!(f, " ({id})")?;
        }
        match &self.what {
            Wrong::Changed => f.write_str(": it was changed"),
            Wrong::Beside => {
                f.write_str(": the row's id or time is not that of the record: it was changed")
            }
            Wrong::MissingFrom(first) if first + 1 == self.seq => {
                write!(f, ": record {first} before it is missing")
            }
            Wrong::MissingFrom(first) => {
                write!(
                    f,
                    ": records {first} to {} before it are missing",
                    self.seq - 1
                )
            }
            Wrong::OutOfPlace => f.write_str(": it was put here, or is here twice"),
            Wrong::CutAt(length) => {
                write!(
                    f,
                    " is the last one, but there were {length}: the end was cut off"
                )
            }
            Wrong::NotOfCheckpoint => {
                f.write_str(": this is not the record that the checkpoint tells of")
            }
            Wrong::UnknownChain => f.write_str(": nothing is known of this chain"),
            Wrong::Unsigned => {
                f.write_str(" and those before it were removed by somebody without the log's key")
            }
        }
    }
}

/// Walks through a log, by time, and finds what is wrong with it. It keeps
/// one head for each chain, however long the log is.
#[derive(Default)]
pub struct Verifier {
    chains: HashMap<String, Head>,
    /// Heads that a chain must have had, by chain and place.
    expected: HashMap<(String, u64), Hash>,
    faults: Vec<Fault>,
    records: u64,
}

/// How many faults are told apart; one is enough.
const FAULTS_MAX: usize = 100;

impl Verifier {
    /// A verifier that expects whole chains.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The beginning of a chain, up to this head, was removed.
    pub fn begins_behind(&mut self, chain: ChainId, head: Head) {
        self.chains.insert(chain.to_string(), head);
    }

    /// Holds the log against a checkpoint.
    pub fn hold_against(&mut self, checkpoint: &Checkpoint) {
        for end in &checkpoint.chains {
            let key = (end.chain.to_string(), end.seq);
            self.expected.insert(key, end.hash);
        }
    }

    /// Looks at the next record.
    pub fn look_at(&mut self, kept: &Kept<'_>) {
        self.records += 1;
        let head = match self.chains.get(kept.chain) {
            Some(head) => *head,
            None => match kept.chain.parse() {
                Ok(chain) => Head::genesis(chain),
                Err(_) => return self.fault(kept, Wrong::UnknownChain),
            },
        };
        let next = head.next(kept.line.as_bytes());
        let told = Head {
            seq: kept.seq,
            hash: kept.hash,
        };
        if told.seq > next.seq {
            self.fault(kept, Wrong::MissingFrom(next.seq));
        } else if told.seq < next.seq {
            // What is out of its place says nothing of those in theirs.
            return self.fault(kept, Wrong::OutOfPlace);
        } else if told != next {
            self.fault(kept, Wrong::Changed);
        } else if !kept.is_beside() {
            self.fault(kept, Wrong::Beside);
        }
        if !self.expected.is_empty() {
            let expected = self.expected.remove(&(kept.chain.to_owned(), kept.seq));
            if expected.is_some_and(|hash| hash != next.hash) {
                self.fault(kept, Wrong::NotOfCheckpoint);
            }
        }
        // Behind a fault the chain is followed as it is told, so that the next
        // fault is another one.
        match self.chains.get_mut(kept.chain) {
            Some(head) => *head = told,
            None => {
                self.chains.insert(kept.chain.to_owned(), told);
            }
        }
    }

    fn fault(&mut self, kept: &Kept<'_>, what: Wrong) {
        self.add(Fault {
            chain: kept.chain.to_owned(),
            seq: kept.seq,
            id: kept.id.map(ToOwned::to_owned).or_else(|| id_in(kept.line)),
            what,
        });
    }

    /// Adds a fault that was found elsewhere.
    pub fn add(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }

    /// What was found until now.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// How many records were looked at.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many chains there are.
    #[must_use]
    pub fn chains(&self) -> usize {
        self.chains.len()
    }

    /// Looks at the ends: each chain must be as long as it is known to have
    /// been. Gives all faults, in the order in which they were found.
    #[must_use]
    pub fn end(mut self, ends: Option<&[(ChainId, Head)]>) -> Vec<Fault> {
        for (chain, head) in ends.unwrap_or_default() {
            self.must_reach(&chain.to_string(), head);
        }
        if let Some(ends) = ends {
            let known: HashSet<String> = ends.iter().map(|(chain, _)| chain.to_string()).collect();
            let mut unknown: Vec<_> = self
                .chains
                .iter()
                .filter(|(name, _)| !known.contains(*name))
                .map(|(name, head)| (name.clone(), head.seq))
                .collect();
            unknown.sort();
            for (chain, seq) in unknown {
                let what = Wrong::UnknownChain;
                let id = None;
                self.add(Fault {
                    chain,
                    seq,
                    id,
                    what,
                });
            }
        }
        let mut expected: Vec<_> = std::mem::take(&mut self.expected).into_iter().collect();
        expected.sort_by(|(one, _), (other, _)| one.cmp(other));
        for ((chain, seq), hash) in expected {
            self.must_reach(&chain, &Head { seq, hash });
        }
        self.faults
    }

    /// The chain has come to this head, at the least.
    fn must_reach(&mut self, chain: &str, head: &Head) {
        let found = self.chains.get(chain).copied();
        let seq = found.map_or(0, |found| found.seq);
        let what = match found {
            Some(found) if found == *head => return,
            // Removed with a signature, or seen on the way.
            Some(found) if found.seq > head.seq => return,
            Some(found) if found.seq == head.seq => Wrong::NotOfCheckpoint,
            None if head.seq == 0 => return,
            _ => Wrong::CutAt(head.seq),
        };
        let chain = chain.to_owned();
        let known = |fault: &Fault| fault.chain == chain && fault.what == what;
        if !self.faults.iter().any(known) {
            let id = None;
            self.add(Fault {
                chain,
                seq,
                id,
                what,
            });
        }
    }
}

impl Kept<'_> {
    /// Whether what is kept beside the line is what is in it: a line begins
    /// with both.
    fn is_beside(&self) -> bool {
        let (Some(id), Some(at)) = (self.id, self.at) else {
            return true;
        };
        let begins = || {
            let at = rfc3339(Timestamp::from_timestamp_micros(at)?);
            let rest = self.line.strip_prefix("{\"id\":\"")?.strip_prefix(id)?;
            rest.strip_prefix("\",\"at\":\"")?
                .strip_prefix(at.as_str())?
                .strip_prefix('"')
        };
        begins().is_some()
    }
}

fn id_in(line: &str) -> Option<String> {
    let rest = line.strip_prefix("{\"id\":\"")?;
    let (id, _) = rest.split_once('"')?;
    (id.len() <= 40).then(|| id.to_owned())
}
