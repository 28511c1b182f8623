//! Keys that another system made, and of which only a hash is known.

mod digest;
mod recipe;
mod sealed;

pub use digest::{ForeignDigest, ForeignDigestError};
pub use recipe::{Hashed, HashedError, HashingSecret, Recipe, RecipeId};
pub use sealed::{SealError, SealedSecret};

use crate::{Candidate, KeyDigest, Pepper, PepperRing};

/// The longest text that is looked for as such a key, in bytes.
pub(crate) const FOREIGN_LENGTH_MAX: usize = 512;

/// What comes before the hash of another system's key when it is digested. No key of ours begins
/// with it, so no digest of the one is ever that of the other. **It may never change.**
const DOMAIN: &[u8] = b"torvus imported key v1\0";

impl ForeignDigest {
    /// What is stored and looked up: HMAC-SHA-256 of the recipe's number and the hash, under this
    /// pepper.
    ///
    /// The hash itself is stored nowhere. Keys of other systems may be short or guessable, so a
    /// stolen database alone must not let anybody check guesses of them.
    #[must_use]
    pub fn stored(&self, recipe: RecipeId, pepper: &Pepper) -> KeyDigest {
        let number = recipe.get().to_be_bytes();
        let message = [DOMAIN, &number, self.as_bytes()].concat();
        KeyDigest::from_bytes(pepper.authenticate(&message))
    }
}

impl PepperRing {
    /// Everything that a text which is no key of ours may be stored as, by these recipes; nothing
    /// where the text is longer than 512 bytes or fits no recipe.
    #[must_use]
    pub fn foreign_candidates(&self, text: &str, recipes: &[Recipe]) -> Vec<Candidate> {
        if text.len() > FOREIGN_LENGTH_MAX {
            return Vec::new();
        }
        recipes
            .iter()
            .filter_map(|recipe| Some((recipe.id(), recipe.digest(text)?)))
            .flat_map(|(id, digest)| self.candidates_by(|pepper| digest.stored(id, pepper)))
            .collect()
    }
}
