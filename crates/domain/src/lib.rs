#![doc = include_str!("../README.md")]

mod account;
mod budget;
mod covering;
mod email;
mod facts;
mod ids;
mod key;
mod lease;
mod lookup;
mod material;
mod name;
mod network;
mod outcome;
mod permission;
mod plan;
mod refusal;
mod secret;
mod time;

pub use account::Account;
pub use budget::{Budget, BudgetError, Spent};
pub use covering::Covering;
pub use email::{Email, EmailError};
pub use facts::{Credential, RequestFacts, URI_BYTES_MAX};
pub use ids::{
    AccountId, AuditId, ChainId, CheckInId, DocumentId, Id, IdError, IdKind, KeyId, NodeId,
    PolicyId, RecipientId, RequestId, SessionId, VaultId, kinds,
};
pub use key::{ApiKey, KeyState};
pub use lease::{Change, Epoch, LEASE, LEASE_PATIENCE, LEASE_RENEWAL, LeaseStore, Standing};
pub use lookup::{KeyLookup, KeySnapshot, LookupFuture, LookupUnavailable};
pub use material::{CaughtUp, FixedMaterial, KeyMaterial, Recipes};
pub use name::{KeyName, NameError};
pub use network::{IpAllowlist, NetworkError, TrustedProxies};
pub use outcome::{Category, Outcome, UnknownOutcome};
pub use permission::{Permission, PermissionSet, UnknownPermission};
pub use plan::{LimitScope, Plan, PlanName, PlanPatch, Plans, PlansError};
pub use refusal::Refusal;
pub use secret::{Grace, GraceEnd, GraceEndError, GraceError, Secret, SecretInfo};
pub use time::{Clock, Expiry, ExpiryError, Instants, SystemClock, Timestamp, rfc3339};
