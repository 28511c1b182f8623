#![doc = include_str!("../README.md")]

mod alphabet;
mod checksum;
mod digest;
mod environment;
mod find;
mod foreign;
mod generate;
mod hint;
mod parse;
mod pepper;
mod redact;
mod scan;
mod token;

pub use checksum::checksum;
pub use digest::KeyDigest;
pub use environment::{Environment, UnknownEnvironment};
pub use foreign::{
    ForeignDigest, ForeignDigestError, Hashed, HashedError, HashingSecret, Recipe, RecipeId,
    SealError, SealedSecret,
};
pub use generate::GeneratorError;
pub use hint::KeyHint;
pub use parse::ParseError;
pub use pepper::{Candidate, Pepper, PepperError, PepperLineProblem, PepperRing, PepperVersion};
pub use redact::redact;
pub use scan::{FoundKey, KeyScanner};
pub use token::{ApiKeyToken, KEY_LENGTH, PREFIX};
