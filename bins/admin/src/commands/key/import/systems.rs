//! What the fields of each system mean.

use serde_json::Value;
use torvus_domain::{IpAllowlist, KeyName, PermissionSet, Timestamp};
use torvus_key_core::{Environment, ForeignDigest, Hashed, KeyHint};

use super::lines::Fields;
use crate::cli::import::{Part, System};

/// The fields of our own form.
pub(super) const OWN: [&str; 12] = [
    "algorithm",
    "digest",
    "hashed",
    "prefix",
    "start",
    "name",
    "environment",
    "permissions",
    "expires_at",
    "allowed_ips",
    "limit",
    "external_id",
];

const HOUR_MS: u64 = 3_600_000;

/// What holds where a line does not say.
pub(super) struct Defaults {
    pub(super) system: System,
    pub(super) environment: Option<Environment>,
    pub(super) permissions: Option<PermissionSet>,
    pub(super) part: Part,
    pub(super) prefix: Option<String>,
    /// A secret was given: hashes are HMACs with it.
    pub(super) keyed: bool,
}

/// A key as a line tells of it.
pub(super) struct Described {
    pub(super) digest: ForeignDigest,
    pub(super) keyed: bool,
    pub(super) hashed: Hashed,
    pub(super) name: KeyName,
    pub(super) environment: Environment,
    pub(super) permissions: PermissionSet,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) allowed_ips: IpAllowlist,
    pub(super) limit: Option<u32>,
    pub(super) limit_at_most: bool,
    pub(super) hint: KeyHint,
}

/// Why a line is no key.
pub(super) enum NoKey {
    /// The other system does not let it in either.
    Skipped(&'static str),
    Refused(String),
}

impl From<String> for NoKey {
    fn from(reason: String) -> Self {
        Self::Refused(reason)
    }
}

/// What the other system calls the key, or whoever it belongs to.
pub(super) fn external_id(system: System, fields: &Fields) -> Option<String> {
    let names: &[&str] = match system {
        System::Torvus => &["external_id"],
        System::Unkey => &["externalId", "ownerId", "id"],
        System::BetterAuth | System::CratesIo => &["id"],
    };
    let found = names.iter().find_map(|name| text(fields, name))?;
    let visible = found.chars().filter(|c| !c.is_control());
    Some(visible.take(255).collect())
}

/// Reads a line.
pub(super) fn describe(fields: &Fields, defaults: &Defaults) -> Result<Described, NoKey> {
    match defaults.system {
        System::Torvus => own(fields, defaults),
        System::Unkey => unkey(fields, defaults),
        System::BetterAuth => better_auth(fields, defaults),
        System::CratesIo => crates_io(fields, defaults),
    }
}

fn own(fields: &Fields, defaults: &Defaults) -> Result<Described, NoKey> {
    if let Some(name) = fields.keys().find(|name| !OWN.contains(&name.as_str())) {
        let known = OWN.join(", ");
        return Err(format!("there is no field {name:?} (there are: {known})").into());
    }
    let environment = match text(fields, "environment") {
        Some(text) => text.parse().map_err(|error| named("environment", &error))?,
        None => environment(defaults)?,
    };
    let permissions = match list(fields, "permissions")? {
        Some(text) => text.parse().map_err(|error| named("permissions", &error))?,
        None => permissions(defaults)?,
    };
    let keyed = match text(fields, "algorithm").as_deref() {
        None => defaults.keyed,
        Some("sha256") => false,
        Some("hmac-sha256") if defaults.keyed => true,
        Some("hmac-sha256") => return Err(needed("--hmac-secret-file")),
        Some(_) => return Err("algorithm: use sha256 or hmac-sha256".to_owned().into()),
    };
    let allowed_ips = list(fields, "allowed_ips")?.unwrap_or_default();
    let start = text(fields, "start").unwrap_or_default();
    let wrong_start = || format!("start: at most {} visible characters", KeyHint::FOREIGN_MAX);
    Ok(Described {
        digest: digest(fields, "digest")?,
        keyed,
        hashed: hashed(fields, defaults)?,
        name: name(fields, "name", None)?,
        environment,
        permissions,
        expires_at: instant(fields, "expires_at")?,
        allowed_ips: IpAllowlist::parse(&allowed_ips).map_err(|e| named("allowed_ips", &e))?,
        limit: number(fields, "limit")?
            .map(|limit| u32::try_from(limit).map_err(|error| named("limit", &error)))
            .transpose()?,
        limit_at_most: false,
        hint: KeyHint::foreign(environment, &start).ok_or_else(wrong_start)?,
    })
}

/// `migrations.createKeys` of its first version, `keys.migrateKeys` of its second.
fn unkey(fields: &Fields, defaults: &Defaults) -> Result<Described, NoKey> {
    if flag(fields, "enabled")? == Some(false) {
        return Err(NoKey::Skipped("it is disabled there"));
    }
    used_up(fields)?;
    match fields.get("credits") {
        None => {}
        Some(Value::Object(credits)) => used_up(credits)?,
        Some(_) => return Err(named("credits", &"not an object")),
    }
    let digest = match fields.get("hash") {
        Some(Value::Object(hash)) => match hash.get("variant").and_then(Value::as_str) {
            Some("sha256_base64" | "sha256_hex") => digest(hash, "value")?,
            _ => {
                return Err(
                    "hash.variant: only sha256_base64 and sha256_hex can be taken"
                        .to_owned()
                        .into(),
                );
            }
        },
        _ => digest(fields, "hash")?,
    };
    let limits = match (fields.get("ratelimits"), fields.get("ratelimit")) {
        (Some(Value::Array(many)), _) => many.iter().map(|one| (one, "duration")).collect(),
        (None, Some(one)) => vec![(
            one,
            if one.get("duration").is_some() {
                "duration"
            } else {
                "refillInterval"
            },
        )],
        (None, None) => Vec::new(),
        (Some(_), _) => return Err("ratelimits: not a list".to_owned().into()),
    };
    let limit = limits
        .into_iter()
        .map(|(one, window)| {
            let requests = one.get("refillRate").or_else(|| one.get("limit"));
            let requests = requests.and_then(Value::as_u64);
            let window_ms = one.get(window).and_then(Value::as_u64);
            match (requests, window_ms) {
                (Some(requests), Some(window_ms)) => hourly(requests, window_ms),
                _ => Err(named("ratelimits", &"how many in which time is not said")),
            }
        })
        .collect::<Result<Vec<u32>, NoKey>>()?
        .into_iter()
        .min();
    let expires_at = number(fields, "expires")?.map(millis).transpose()?;
    foreign(fields, defaults, digest, expires_at, limit)
}

/// Rows of the table `apikey`.
fn better_auth(fields: &Fields, defaults: &Defaults) -> Result<Described, NoKey> {
    if flag(fields, "enabled")? == Some(false) {
        return Err(NoKey::Skipped("it is disabled there"));
    }
    used_up(fields)?;
    let limited = flag(fields, "rateLimitEnabled")? == Some(true);
    let window = number(fields, "rateLimitTimeWindow")?;
    let limit = match (limited, number(fields, "rateLimitMax")?, window) {
        (true, Some(requests), Some(window)) => Some(hourly(requests, window)?),
        _ => None,
    };
    let expires_at = instant(fields, "expiresAt")?;
    foreign(fields, defaults, digest(fields, "key")?, expires_at, limit)
}

/// Rows of the table `api_tokens`.
fn crates_io(fields: &Fields, defaults: &Defaults) -> Result<Described, NoKey> {
    if flag(fields, "revoked")? == Some(true) {
        return Err(NoKey::Skipped("it is revoked there"));
    }
    let expires_at = instant(fields, "expired_at")?;
    foreign(fields, defaults, digest(fields, "token")?, expires_at, None)
}

/// What all other systems have in common.
fn foreign(
    fields: &Fields,
    defaults: &Defaults,
    digest: ForeignDigest,
    expires_at: Option<Timestamp>,
    limit: Option<u32>,
) -> Result<Described, NoKey> {
    let environment = environment(defaults)?;
    let start = text(fields, "start").or_else(|| text(fields, "prefix"));
    let start: String = start
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_graphic)
        .take(KeyHint::FOREIGN_MAX)
        .collect();
    let hint = KeyHint::foreign(environment, &start);
    Ok(Described {
        digest,
        keyed: defaults.keyed,
        hashed: hashed(fields, defaults)?,
        name: name(fields, "name", Some("Imported key"))?,
        environment,
        permissions: permissions(defaults)?,
        expires_at,
        allowed_ips: IpAllowlist::default(),
        limit,
        limit_at_most: true,
        hint: hint.ok_or_else(|| "start: not visible characters".to_owned())?,
    })
}

fn environment(defaults: &Defaults) -> Result<Environment, NoKey> {
    defaults.environment.ok_or_else(|| needed("--environment"))
}

fn permissions(defaults: &Defaults) -> Result<PermissionSet, NoKey> {
    defaults.permissions.ok_or_else(|| needed("--permissions"))
}

fn hashed(fields: &Fields, defaults: &Defaults) -> Result<Hashed, NoKey> {
    let part = match text(fields, "hashed").as_deref() {
        _ if defaults.system != System::Torvus => defaults.part,
        None => defaults.part,
        Some("whole") => Part::Whole,
        Some("after-prefix") => Part::AfterPrefix,
        Some("after-last-underscore") => Part::AfterLastUnderscore,
        Some(_) => {
            let allowed = "hashed: use whole, after-prefix or after-last-underscore";
            return Err(allowed.to_owned().into());
        }
    };
    match part {
        Part::Whole => Ok(Hashed::Whole),
        Part::AfterLastUnderscore => Ok(Hashed::AfterLastUnderscore),
        Part::AfterPrefix => {
            let prefix = text(fields, "prefix").or_else(|| defaults.prefix.clone());
            let prefix = prefix.ok_or_else(|| needed("--prefix"))?;
            format!("after-prefix:{prefix}")
                .parse()
                .map_err(|error| named("prefix", &error))
        }
    }
}

/// An hourly limit that lets through no more than so many in a window.
fn hourly(requests: u64, window_ms: u64) -> Result<u32, NoKey> {
    let all = u128::from(requests) * u128::from(HOUR_MS);
    let Some(hourly) = all.checked_div(u128::from(window_ms)) else {
        return Err("its limit: a window of 0 ms is none".to_owned().into());
    };
    if hourly == 0 {
        return Err(format!(
            "its limit: {requests} in {window_ms} ms is less than one request per hour, the least limit here: \
             take the limit out of the line, or issue a new key"
        )
        .into());
    }
    Ok(u32::try_from(hourly).unwrap_or(u32::MAX))
}

/// Some systems count how often a key may be used in all.
fn used_up(fields: &Fields) -> Result<(), NoKey> {
    match number(fields, "remaining")? {
        Some(0) => Err(NoKey::Skipped("it is used up there: no requests remain")),
        _ => Ok(()),
    }
}

fn named(field: &str, error: &dyn std::fmt::Display) -> NoKey {
    NoKey::Refused(format!("{field}: {error}"))
}

fn needed(flag: &str) -> NoKey {
    NoKey::Refused(format!("the line does not say, so {flag} is needed"))
}

/// A text, or a number as one.
fn text(fields: &Fields, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A list, or a text of words that are separated by commas.
fn list(fields: &Fields, name: &str) -> Result<Option<String>, NoKey> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(words)) => words
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<&str>>>()
            .map(|words| Some(words.join(",")))
            .ok_or_else(|| named(name, &"not a list of texts")),
        Some(_) => Err(named(name, &"neither a text nor a list")),
    }
}

fn digest(fields: &Fields, name: &str) -> Result<ForeignDigest, NoKey> {
    let text = match fields.get(name) {
        Some(Value::String(text)) => text,
        Some(_) => return Err(named(name, &"the digest is no text")),
        None => return Err(named(name, &"there is no digest")),
    };
    ForeignDigest::parse(text).map_err(|error| named(name, &error))
}

fn name(fields: &Fields, field: &str, otherwise: Option<&str>) -> Result<KeyName, NoKey> {
    let text = text(fields, field).or_else(|| otherwise.map(str::to_owned));
    let text = text.unwrap_or_default();
    text.parse().map_err(|error| named(field, &error))
}

fn flag(fields: &Fields, name: &str) -> Result<Option<bool>, NoKey> {
    let word = match fields.get(name) {
        None => return Ok(None),
        Some(Value::Bool(flag)) => return Ok(Some(*flag)),
        Some(_) => text(fields, name).unwrap_or_default().to_ascii_lowercase(),
    };
    match word.as_str() {
        "true" | "t" | "1" => Ok(Some(true)),
        "false" | "f" | "0" => Ok(Some(false)),
        _ => Err(named(name, &"use true or false")),
    }
}

fn number(fields: &Fields, name: &str) -> Result<Option<u64>, NoKey> {
    let Some(text) = text(fields, name) else {
        return match fields.get(name) {
            Some(Value::Null) | None => Ok(None),
            Some(_) => Err(named(name, &"not a number")),
        };
    };
    let number = text
        .parse()
        .map_err(|_| named(name, &"use a whole number"))?;
    Ok(Some(number))
}

/// Milliseconds since 1970 as an instant.
fn millis(millis: u64) -> Result<Timestamp, NoKey> {
    i64::try_from(millis)
        .ok()
        .and_then(Timestamp::from_timestamp_millis)
        .filter(|at| chrono::Datelike::year(at) <= 9_999)
        .ok_or_else(|| NoKey::Refused("the expiry is too far away".to_owned()))
}

/// An instant of RFC 3339, as databases print one, or in milliseconds since
/// 1970.
fn instant(fields: &Fields, name: &str) -> Result<Option<Timestamp>, NoKey> {
    let Some(text) = text(fields, name) else {
        return match fields.contains_key(name) {
            true => Err(named(name, &"not an instant")),
            false => Ok(None),
        };
    };
    if text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.parse().map_err(|_| named(name, &"not an instant"))?;
        return millis(number).map(Some);
    }
    // PostgreSQL: `2027-01-31 12:00:00.123+00`; without a zone it is UTC.
    let with_zone = ["%+", "%Y-%m-%d %H:%M:%S%.f%#z"];
    let zoned = with_zone
        .iter()
        .find_map(|form| chrono::DateTime::parse_from_str(&text, form).ok())
        .map(|at| at.to_utc());
    let without_zone = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let plain = || {
        let parse = |form| chrono::NaiveDateTime::parse_from_str(&text, form).ok();
        without_zone
            .into_iter()
            .find_map(parse)
            .map(|at| at.and_utc())
    };
    let at = zoned.or_else(plain);
    let at = at.filter(|at| chrono::Datelike::year(at) <= 9_999);
    at.and_then(|at| Timestamp::from_timestamp_micros(at.timestamp_micros()))
        .map(Some)
        .ok_or_else(|| named(name, &"use an instant such as 2027-01-31T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_another_window_never_lets_more_through() {
        let day = 24 * HOUR_MS;
        for (requests, window, hourly_limit) in [
            (10, 60_000, Some(600)),
            (30, day, Some(1)),
            (24, day, Some(1)),
            (u64::MAX, 1, Some(u32::MAX)),
            (23, day, None),
            (5, day, None),
            (0, HOUR_MS, None),
            (5, 0, None),
        ] {
            let limit = hourly(requests, window).ok();
            assert_eq!(limit, hourly_limit, "{requests} in {window} ms");
        }
    }
}
