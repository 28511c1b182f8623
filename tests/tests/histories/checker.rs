//! Is there an order of all operations, each at one instant between its call and its return, in which one key
//! that nobody remembers would have answered as the servers did? (Herlihy and Wing: linearizability.)

use std::collections::HashSet;

use crate::model::{Done, Key, What};

/// What somebody did, and what came of it.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Nanoseconds since the beginning of the history.
    pub called: u64,
    /// The same; none where nobody knows whether it was done.
    pub returned: Option<u64>,
    pub what: What,
    /// What came of it; none where nobody knows.
    pub done: Option<Done>,
}

/// Why there is no such order: the longest that was found, and what could not follow it.
#[derive(Debug)]
pub struct Impossible {
    pub order: Vec<Operation>,
    pub next: Vec<Operation>,
}

/// Looks for that order.
pub fn check(history: &[Operation]) -> Result<(), Impossible> {
    let mut search = Search {
        history,
        seen: HashSet::new(),
        longest: Vec::new(),
    };
    let left = vec![true; history.len()];
    if search.from(Key::default(), left, &mut Vec::new()) {
        return Ok(());
    }
    let placed: HashSet<usize> = search.longest.iter().copied().collect();
    let all = |places: Vec<usize>| places.into_iter().map(|n| history[n].clone()).collect();
    let rest: Vec<usize> = (0..history.len()).filter(|n| !placed.contains(n)).collect();
    Err(Impossible {
        order: all(search.longest.clone()),
        next: all(rest.into_iter().take(8).collect()),
    })
}

struct Search<'a> {
    history: &'a [Operation],
    /// What was left, and how the key was then: tried without success.
    seen: HashSet<(Vec<bool>, Key)>,
    longest: Vec<usize>,
}

impl Search<'_> {
    fn from(&mut self, key: Key, mut left: Vec<bool>, order: &mut Vec<usize>) -> bool {
        let depth = order.len();
        self.place_uses(&key, &mut left, order);
        if order.len() > self.longest.len() {
            self.longest.clone_from(order);
        }
        let open = |n: &usize| left[*n];
        let must = |n: &usize| self.history[*n].done.is_some();
        let found = !(0..left.len()).filter(open).any(|n| must(&n))
            || (self.seen.insert((left.clone(), key)) && {
                self.possible(&left).into_iter().any(|n| {
                    let operation = &self.history[n];
                    let Some(after) = key.after(&operation.what, operation.done) else {
                        return false;
                    };
                    let mut rest = left.clone();
                    rest[n] = false;
                    order.push(n);
                    let found = self.from(after, rest, order);
                    if !found {
                        order.pop();
                    }
                    found
                })
            });
        if !found {
            order.truncate(depth);
        }
        found
    }

    /// A use changes nothing: where it fits, it may as well come now.
    fn place_uses(&self, key: &Key, left: &mut [bool], order: &mut Vec<usize>) {
        loop {
            let fits = self.possible(left).into_iter().find(|n| {
                let operation = &self.history[*n];
                matches!(operation.what, What::Use { .. })
                    && key.after(&operation.what, operation.done).is_some()
            });
            let Some(n) = fits else {
                return;
            };
            left[n] = false;
            order.push(n);
        }
    }

    /// What may come next: called before everything that is left has returned.
    fn possible(&self, left: &[bool]) -> Vec<usize> {
        let open = || (0..left.len()).filter(|n| left[*n]);
        let first = open().filter_map(|n| self.history[n].returned).min();
        open()
            .filter(|n| first.is_none_or(|first| self.history[*n].called <= first))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(called: u64, returned: u64, what: What, done: Done) -> Operation {
        Operation {
            called,
            returned: Some(returned),
            what,
            done: Some(done),
        }
    }

    const USE: What = What::Use {
        secret: 0,
        write: false,
    };

    #[test]
    fn an_order_is_found_where_there_is_one() {
        let overlapping = [
            operation(0, 9, What::Revoke, Done::Ok),
            operation(1, 4, USE, Done::LetIn),
            operation(5, 8, USE, Done::Unknown),
        ];
        check(&overlapping).unwrap();
    }

    #[test]
    fn a_late_yes_is_found() {
        let late = [
            operation(0, 3, What::Revoke, Done::Ok),
            operation(4, 5, USE, Done::LetIn),
        ];
        check(&late).unwrap_err();
    }

    #[test]
    fn a_yes_after_a_no_is_found_while_the_change_is_under_way() {
        let flicker = [
            operation(0, 9, What::Revoke, Done::Ok),
            operation(1, 3, USE, Done::Unknown),
            operation(4, 6, USE, Done::LetIn),
        ];
        check(&flicker).unwrap_err();
    }

    #[test]
    fn a_change_that_nobody_knows_of_may_have_been_made_or_not() {
        let unknown = Operation {
            called: 0,
            returned: None,
            what: What::Revoke,
            done: None,
        };
        let after = |done| [unknown.clone(), operation(5, 6, USE, done)];
        check(&after(Done::LetIn)).unwrap();
        check(&after(Done::Unknown)).unwrap();
        let both = [
            unknown.clone(),
            operation(5, 6, USE, Done::Unknown),
            operation(7, 8, USE, Done::LetIn),
        ];
        check(&both).unwrap_err();
    }
}
