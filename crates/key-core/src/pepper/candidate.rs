//! What to look for when a key comes in.

use super::{Pepper, PepperRing, PepperVersion};
use crate::{ApiKeyToken, KeyDigest};

/// A digest under which a key may be stored, and the one under which it belongs.
///
/// The pepper can be changed without anybody's key at hand, so a stored digest moves to the current
/// pepper when its key is next used: only then its text is there to be digested anew.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What to look for.
    pub digest: KeyDigest,
    /// What to store instead of it, and the version of the pepper that made it; `None` where
    /// `digest` is of the current pepper itself.
    pub renewed: Option<(PepperVersion, KeyDigest)>,
}

impl PepperRing {
    /// Everything that the key may be stored as: the current pepper first, then from the newest line
    /// of the file to the oldest.
    #[must_use]
    pub fn candidates(&self, token: &ApiKeyToken) -> Vec<Candidate> {
        self.candidates_by(|pepper| token.digest(pepper))
    }

    /// The same for whatever is digested by `digest`.
    pub(crate) fn candidates_by(&self, digest: impl Fn(&Pepper) -> KeyDigest) -> Vec<Candidate> {
        let current = self.current();
        let newest = digest(current);
        let older = self.iter().rev().skip(1).map(|pepper| Candidate {
            digest: digest(pepper),
            renewed: Some((current.version(), newest.clone())),
        });
        let first = Candidate {
            digest: newest.clone(),
            renewed: None,
        };
        std::iter::once(first).chain(older).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;

    #[test]
    fn each_older_digest_leads_to_the_current_one() {
        let pepper = |n| Pepper::generate(PepperVersion::new(n).unwrap()).unwrap();
        let ring = PepperRing::new(vec![pepper(7), pepper(2), pepper(5)]).unwrap();
        let token = ApiKeyToken::generate(Environment::Live).unwrap();
        let candidates = ring.candidates(&token);
        let digests: Vec<KeyDigest> = ring.digests(&token).map(|(_, digest)| digest).collect();
        let found: Vec<KeyDigest> = candidates.iter().map(|c| c.digest.clone()).collect();
        assert_eq!(found, digests);
        assert!(candidates[0].renewed.is_none());
        for older in &candidates[1..] {
            let (version, digest) = older.renewed.clone().unwrap();
            assert_eq!(version.get(), 5);
            assert_eq!(digest, digests[0]);
        }
    }
}
