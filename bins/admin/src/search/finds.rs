//! The keys that were found, each once.

use std::collections::HashMap;
use std::ops::Range;

use torvus_key_core::{ApiKeyToken, KeyDigest, Pepper, PepperVersion};

use super::place::Place;
use crate::failure::Failure;

/// A key, and where it stands.
pub(crate) struct Find {
    pub(crate) token: ApiKeyToken,
    /// In how many places.
    pub(crate) count: u64,
    /// The first of them, or all.
    pub(crate) places: Vec<Place>,
}

/// The keys that were found, each once, in the order of their first places.
pub(super) struct Finds {
    /// Keys are compared by their digests, under a pepper of this run alone.
    pepper: Pepper,
    known: HashMap<KeyDigest, Known>,
    pub(super) all: Vec<Find>,
    all_places: bool,
    places: u64,
    /// What was found in this span is not counted once more.
    counted: Range<u64>,
}

struct Known {
    /// Where in the list it is.
    number: usize,
    /// The number of its last place, among all places.
    last: u64,
}

impl Finds {
    pub(super) fn new(all_places: bool) -> Result<Self, Failure> {
        let version = PepperVersion::new(1).ok_or_else(|| Failure::failed("no version"))?;
        Ok(Self {
            pepper: Pepper::generate(version).map_err(Failure::failed)?,
            known: HashMap::new(),
            all: Vec::new(),
            all_places,
            places: 0,
            counted: 0..0,
        })
    }

    /// How many places there are by now.
    pub(super) const fn places(&self) -> u64 {
        self.places
    }

    /// From now on, keys are passed over that have a place among these; with
    /// an empty span, none.
    pub(super) const fn pass_over(&mut self, counted: Range<u64>) {
        self.counted = counted;
    }

    pub(super) fn add(&mut self, token: ApiKeyToken, place: Place) {
        let digest = token.digest(&self.pepper);
        let place_number = self.places;
        if let Some(known) = self.known.get_mut(&digest) {
            if self.counted.contains(&known.last) {
                return;
            }
            self.places += 1;
            known.last = place_number;
            if let Some(find) = self.all.get_mut(known.number) {
                find.count += 1;
                if self.all_places {
                    find.places.push(place);
                }
            }
            return;
        }
        self.places += 1;
        let known = Known {
            number: self.all.len(),
            last: place_number,
        };
        self.known.insert(digest, known);
        self.all.push(Find {
            token,
            count: 1,
            places: vec![place],
        });
    }
}
