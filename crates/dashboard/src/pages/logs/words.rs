//! What the log's words are called on a page.

use torvus_audit::AuditRecord;
use torvus_domain::{Category, Outcome};

/// A category, as the link to it says.
pub(super) const fn category(category: Category) -> &'static str {
    match category {
        Category::ApiActivity => "API Activity",
        Category::KeyManagement => "Key Management",
        Category::SignIn => "Sign-ins",
    }
}

/// How something ended.
pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "OK",
        Outcome::MissingKey => "No key sent",
        Outcome::MalformedKey => "Malformed key",
        Outcome::UnknownKey => "Unknown key",
        Outcome::ExpiredKey => "Expired key",
        Outcome::RevokedKey => "Revoked key",
        Outcome::SuspendedAccount => "Account suspended",
        Outcome::IpNotAllowed => "Address not allowed",
        Outcome::MissingPermission => "Permission missing",
        Outcome::WrongCredentials => "Wrong password",
        Outcome::NotOwner => "Another account's resource",
        Outcome::UntrustedProxy => "Untrusted proxy",
        Outcome::AmbiguousRequest => "Ambiguous request",
        Outcome::RateLimited => "Rate limited",
        Outcome::NotFound => "Not found",
        Outcome::MethodNotAllowed => "Method not allowed",
        Outcome::InvalidRequest => "Invalid request",
        Outcome::Conflict => "Conflict",
        Outcome::PayloadTooLarge => "Body too large",
        Outcome::UnsupportedMediaType => "Unsupported media type",
        Outcome::UriTooLong => "URI too long",
        Outcome::HeadersTooLarge => "Headers too large",
        Outcome::InternalError => "Internal error",
        Outcome::Unavailable => "Unavailable",
        Outcome::Unknown => "Unknown: cut off",
    }
}

/// Whether it can happen to what an account does: of a key that nobody knows
/// nobody knows the account either.
pub(super) const fn is_of_an_account(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::MissingKey
            | Outcome::MalformedKey
            | Outcome::UnknownKey
            | Outcome::UntrustedProxy
            | Outcome::UriTooLong
            | Outcome::HeadersTooLarge
    )
}

/// Whether the gate's explanation tells why that happened.
pub(super) const fn is_explained(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::ExpiredKey
            | Outcome::RevokedKey
            | Outcome::SuspendedAccount
            | Outcome::IpNotAllowed
            | Outcome::MissingPermission
            | Outcome::RateLimited
            | Outcome::NotFound
            | Outcome::MethodNotAllowed
    )
}

/// What happened, in a few words: the request, or what was done.
pub(super) fn event(record: &AuditRecord) -> String {
    match record.action.as_deref() {
        Some(action) => done(action),
        None => record.path.clone().unwrap_or_else(|| "—".to_owned()),
    }
}

/// What was done, in words where they are known.
fn done(action: &str) -> String {
    let known = match action {
        "key.create" => "Key created",
        "key.import" => "Key imported",
        "key.update" => "Key changed",
        "key.rotate" => "Key rotated",
        "key.rotate_undo" => "Rotation undone",
        "key.grace" => "Grace of a secret changed",
        "key.revoke" => "Key revoked",
        "account.create" => "Account created",
        "account.set_plan" => "Plan changed",
        "account.suspend" => "Account suspended",
        "account.resume" => "Account resumed",
        "account.reset_password" => "Password reset",
        "account.change_password" => "Password changed",
        "account.enable_second_factor" => "Two-step sign-in turned on",
        "account.disable_second_factor" => "Two-step sign-in turned off",
        "session.sign_in" => "Sign-in",
        "session.password" => "Sign-in: password",
        "session.code" => "Sign-in: one-time code",
        "session.confirm" => "Password confirmed",
        "session.sign_out" => "Signed out",
        "session.end" => "Sessions ended",
        other => return other.to_owned(),
    };
    known.to_owned()
}
