#![doc = include_str!("../README.md")]

mod account;
mod budget;
mod email;
mod facts;
mod ids;
mod key;
mod lookup;
mod material;
mod name;
mod network;
mod outcome;
mod permission;
mod plan;
mod refusal;
mod time;

pub use account::Account;
pub use budget::{Budget, BudgetError, Spent};
pub use email::{Email, EmailError};
pub use facts::{Credential, RequestFacts};
pub use ids::{
    AccountId, AuditId, ChainId, CheckInId, DocumentId, Id, IdError, IdKind, KeyId, NodeId,
    PolicyId, RecipientId, RequestId, VaultId, kinds,
};
pub use key::{ApiKey, KeyState};
pub use lookup::{KeyLookup, KeySnapshot, LookupFuture, LookupUnavailable};
pub use material::{CaughtUp, FixedMaterial, KeyMaterial, Recipes};
pub use name::{KeyName, NameError};
pub use network::{IpAllowlist, NetworkError, TrustedProxies};
pub use outcome::{Category, Outcome, UnknownOutcome};
pub use permission::{Permission, PermissionSet, UnknownPermission};
pub use plan::{LimitScope, Plan, PlanName, PlanPatch, Plans, PlansError};
pub use refusal::Refusal;
pub use time::{Clock, Expiry, ExpiryError, Instants, SystemClock, Timestamp, rfc3339};
