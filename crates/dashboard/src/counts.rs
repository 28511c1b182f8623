//! What is counted for operators.

use metrics::counter;
use torvus_keyring::sign_in::SignedIn;

/// Tries to sign in, by `result`.
pub const SIGN_INS: &str = "torvus_sign_ins_total";
/// The results.
pub const RESULTS: [&str; 5] = ["ok", "code", "wrong", "suspended", "slowed_down"];

/// Counts a try.
pub(crate) fn count(outcome: &SignedIn) {
    let result = match outcome {
        SignedIn::Yes(_) => "ok",
        SignedIn::Code(_) => "code",
        SignedIn::Wrong => "wrong",
        SignedIn::Suspended => "suspended",
        SignedIn::SlowDown(_) => "slowed_down",
    };
    counter!(SIGN_INS, "result" => result).increment(1);
}
