//! The keys that were found, each once.

use std::collections::HashMap;

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
    known: HashMap<KeyDigest, usize>,
    pub(super) all: Vec<Find>,
    all_places: bool,
}

impl Finds {
    pub(super) fn new(all_places: bool) -> Result<Self, Failure> {
        let version = PepperVersion::new(1).ok_or_else(|| Failure::failed("no version"))?;
        Ok(Self {
            pepper: Pepper::generate(version).map_err(Failure::failed)?,
            known: HashMap::new(),
            all: Vec::new(),
            all_places,
        })
    }

    pub(super) fn add(&mut self, token: ApiKeyToken, place: Place) {
        let digest = token.digest(&self.pepper);
        let known = self.known.get(&digest).copied();
        if let Some(find) = known.and_then(|known| self.all.get_mut(known)) {
            find.count += 1;
            if self.all_places {
                find.places.push(place);
            }
            return;
        }
        self.known.insert(digest, self.all.len());
        self.all.push(Find {
            token,
            count: 1,
            places: vec![place],
        });
    }
}
