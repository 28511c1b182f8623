//! Plans: what an account may ask for. They are data, from the settings file.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use torvus_key_core::Environment;

/// The name of a plan: 1–64 of `a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct PlanName(String);

impl PlanName {
    /// The plan of an account for which none is named.
    #[must_use]
    pub fn professional() -> Self {
        Self("professional".to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PlanName {
    type Err = PlansError;

    fn from_str(text: &str) -> Result<Self, PlansError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PlansError::Name(text.to_owned()))
        }
    }
}

/// What shares one budget of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitScope {
    /// Each key has its own.
    Key,
    /// All keys of an account and environment share one.
    Account,
}

impl LimitScope {
    /// Its name, which is also the rate-limit policy's: `key`, `account`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Account => "account",
        }
    }
}

/// What an account on this plan may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Requests per hour of live keys.
    pub live_requests_per_hour: u32,
    /// Requests per hour of test keys.
    pub test_requests_per_hour: u32,
    /// What shares one budget.
    pub limit_scope: LimitScope,
    /// Whether keys may be bound to addresses.
    pub ip_allowlist: bool,
    /// Whether account holders may export their audit log.
    pub audit_export: bool,
}

impl Plan {
    /// Requests per hour in this environment.
    #[must_use]
    pub const fn limit(&self, environment: Environment) -> u32 {
        match environment {
            Environment::Live => self.live_requests_per_hour,
            Environment::Test => self.test_requests_per_hour,
        }
    }

    /// The limit that holds for a key: its own where it has one, never above
    /// the plan's.
    #[must_use]
    pub fn limit_of(&self, environment: Environment, own: Option<u32>) -> u32 {
        let plan = self.limit(environment);
        own.map_or(plan, |own| own.min(plan))
    }
}

/// What a settings file says of one plan; what it leaves out stays as shipped.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanPatch {
    /// See [`Plan::live_requests_per_hour`].
    pub live_requests_per_hour: Option<u32>,
    /// See [`Plan::test_requests_per_hour`].
    pub test_requests_per_hour: Option<u32>,
    /// See [`Plan::limit_scope`].
    pub limit_scope: Option<LimitScope>,
    /// See [`Plan::ip_allowlist`].
    pub ip_allowlist: Option<bool>,
    /// See [`Plan::audit_export`].
    pub audit_export: Option<bool>,
}

/// Why plans can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlansError {
    /// A name that no plan can have.
    #[error("{0:?} is no name for a plan: use 1 to 64 of a-z, 0-9, _ and -")]
    Name(String),
    /// A new plan must say how much it allows.
    #[error("plans.{plan}: a plan that is not shipped needs {field}")]
    Missing {
        /// The plan.
        plan: String,
        /// What is missing.
        field: &'static str,
    },
    /// A limit outside of what can be counted.
    #[error("plans.{plan}.{field} = {value}: use 1 to 1000000000 requests per hour")]
    Limit {
        /// The plan.
        plan: String,
        /// Which limit.
        field: &'static str,
        /// What was given.
        value: u32,
    },
}

/// All plans by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plans(BTreeMap<PlanName, Plan>);

impl Plans {
    /// The shipped ones (public contract, section 2).
    #[must_use]
    pub fn shipped() -> Self {
        let plan = |name: &str, live, ip_allowlist, audit_export| {
            let plan = Plan {
                live_requests_per_hour: live,
                test_requests_per_hour: live * 10,
                limit_scope: LimitScope::Key,
                ip_allowlist,
                audit_export,
            };
            (PlanName(name.to_owned()), plan)
        };
        Self(BTreeMap::from([
            plan("free", 100, false, false),
            plan("professional", 1_000, false, true),
            plan("enterprise", 10_000, true, true),
        ]))
    }

    /// These plans, with one changed or added.
    ///
    /// # Errors
    /// [`PlansError`] names the plan and the field.
    pub fn with(mut self, name: PlanName, patch: &PlanPatch) -> Result<Self, PlansError> {
        let shipped = self.0.get(&name);
        let limit = |field, given: Option<u32>, shipped: Option<u32>| {
            let missing = || PlansError::Missing {
                plan: name.to_string(),
                field,
            };
            let value = given.or(shipped).ok_or_else(missing)?;
            if (1..=1_000_000_000).contains(&value) {
                Ok(value)
            } else {
                Err(PlansError::Limit {
                    plan: name.to_string(),
                    field,
                    value,
                })
            }
        };
        let plan = Plan {
            live_requests_per_hour: limit(
                "live_requests_per_hour",
                patch.live_requests_per_hour,
                shipped.map(|plan| plan.live_requests_per_hour),
            )?,
            test_requests_per_hour: limit(
                "test_requests_per_hour",
                patch.test_requests_per_hour,
                shipped.map(|plan| plan.test_requests_per_hour),
            )?,
            limit_scope: patch
                .limit_scope
                .unwrap_or_else(|| shipped.map_or(LimitScope::Key, |plan| plan.limit_scope)),
            ip_allowlist: patch
                .ip_allowlist
                .unwrap_or_else(|| shipped.is_some_and(|plan| plan.ip_allowlist)),
            audit_export: patch
                .audit_export
                .unwrap_or_else(|| shipped.is_some_and(|plan| plan.audit_export)),
        };
        self.0.insert(name, plan);
        Ok(self)
    }

    /// The plan of this name.
    #[must_use]
    pub fn get(&self, name: &PlanName) -> Option<&Plan> {
        self.0.get(name)
    }

    /// All names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &PlanName> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ships_what_the_contract_says() {
        let plans = Plans::shipped();
        let of = |name: &str| plans.get(&name.parse().unwrap()).unwrap().clone();
        assert_eq!(of("free").limit(Environment::Live), 100);
        assert_eq!(of("professional").limit(Environment::Test), 10_000);
        assert!(of("enterprise").ip_allowlist && !of("professional").ip_allowlist);
        assert!(of("professional").audit_export && !of("free").audit_export);
        assert_eq!(of("free").limit_of(Environment::Live, Some(500)), 100);
        assert_eq!(of("free").limit_of(Environment::Live, Some(5)), 5);
    }

    #[test]
    fn a_file_changes_and_adds() {
        let name: PlanName = "free".parse().unwrap();
        let patch = PlanPatch {
            live_requests_per_hour: Some(7),
            ..PlanPatch::default()
        };
        let plans = Plans::shipped().with(name.clone(), &patch).unwrap();
        assert_eq!(plans.get(&name).unwrap().limit(Environment::Live), 7);
        assert_eq!(plans.get(&name).unwrap().limit(Environment::Test), 1_000);
        let new: PlanName = "tiny".parse().unwrap();
        assert!(matches!(
            plans.clone().with(new, &patch),
            Err(PlansError::Missing { .. })
        ));
        let zero = PlanPatch {
            live_requests_per_hour: Some(0),
            ..PlanPatch::default()
        };
        assert!(matches!(
            plans.with(name, &zero),
            Err(PlansError::Limit { .. })
        ));
        assert!("Free!".parse::<PlanName>().is_err());
    }
}
