//! Keys of another system, taken over by their hashes.

use std::collections::HashSet;

use serde_json::json;
use torvus_domain::{
    Account, AccountId, ApiKey, IpAllowlist, KeyId, KeyName, PermissionSet, Plan, Plans, Timestamp,
    rfc3339,
};
use torvus_key_core::{
    Environment, ForeignDigest, Hashed, HashingSecret, KeyDigest, KeyHint, PepperRing,
    PepperVersion, Recipe, RecipeId, SealedSecret,
};
use torvus_storage::leases;
use torvus_storage::recipes::{self, RECIPES_MAX, SealedRecipe};
use torvus_storage::{Conn, StorageError, Store, accounts, audit, keys as rows, peppers};

use crate::rules::{current_in_use, fits_plan};
use crate::{Actor, KeyringError};

/// A key of another system.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// How it was hashed.
    pub recipe: RecipeId,
    /// Its hash.
    pub digest: ForeignDigest,
    /// What it is called.
    pub name: KeyName,
    /// Which data it reaches.
    pub environment: Environment,
    /// What it may do.
    pub permissions: PermissionSet,
    /// The instant from which it is refused.
    pub expires_at: Option<Timestamp>,
    /// Where it may be used from.
    pub allowed_ips: IpAllowlist,
    /// Requests per hour, where fewer than the plan's are wanted.
    pub limit: Option<u32>,
    /// A limit that is not below the plan's stands for the plan's, and is no
    /// error: the other system's plans are not ours.
    pub limit_at_most: bool,
    /// What may be shown of it, of the same environment.
    pub hint: KeyHint,
    /// What the other system calls it; kept in the audit log.
    pub external_id: Option<String>,
}

/// What became of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is a key of ours now, or would be.
    New(KeyId),
    /// Its hash is there already, from before or from another line, as a key of
    /// this account.
    Known,
    /// Its time is over.
    Expired,
    /// It breaks a rule, such as one of the plan.
    Refused(String),
}

/// The recipe by which the other system made its hashes. A new one is written
/// first, and every server goes by it when this returns, before any key needs
/// it; without `make` it is only thought up.
///
/// # Errors
/// [`KeyringError::Refused`] where there are as many as there may be.
pub fn recipe(
    store: &Store,
    ring: &PepperRing,
    hashed: &Hashed,
    secret: Option<&HashingSecret>,
    make: bool,
    now: Timestamp,
) -> Result<RecipeId, KeyringError> {
    let (id, written) = store.write(|c| {
        peppers::hold(c)?;
        let all = recipes::all(c)?;
        for sealed in &all {
            let known = sealed.clone().open(ring)?;
            if let Some(known) = known.filter(|known: &Recipe| known.is(hashed, secret)) {
                return Ok(Ok((known.id(), None)));
            }
        }
        if all.len() >= RECIPES_MAX {
            return Ok(Err(KeyringError::Refused(format!(
                "there are {RECIPES_MAX} ways in which imported keys are hashed, and may be no more"
            ))));
        }
        let highest = all.last().map_or(0, |last| last.id.get());
        let Some(id) = highest.checked_add(1).and_then(RecipeId::new) else {
            return Ok(Err(KeyringError::Failed("no number is left".to_owned())));
        };
        if make {
            let sealed = match sealed(secret, id, ring) {
                Ok(sealed) => sealed,
                Err(error) => return Ok(Err(error)),
            };
            let hashed = hashed.clone();
            recipes::insert(c, &SealedRecipe { id, hashed, sealed }, now)?;
            return Ok(Ok((id, Some(leases::notify(c, now)?))));
        }
        Ok(Ok((id, None)))
    })??;
    if let Some(epoch) = written {
        leases::settle(store, epoch);
    }
    Ok(id)
}

type Sealed = Option<(PepperVersion, SealedSecret)>;

fn sealed(
    secret: Option<&HashingSecret>,
    id: RecipeId,
    ring: &PepperRing,
) -> Result<Sealed, KeyringError> {
    let current = ring.current();
    let seal = |secret| {
        SealedSecret::seal(secret, id, current)
            .map(|sealed| (current.version(), sealed))
            .map_err(|error| KeyringError::Failed(format!("no random numbers to be had: {error}")))
    };
    secret.map(seal).transpose()
}

/// Where keys are taken to, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    /// The peppers.
    pub ring: &'a PepperRing,
    /// The plans.
    pub plans: &'a Plans,
    /// Whose keys they are to be.
    pub account: AccountId,
    /// Nothing is written: it is only said what would be.
    pub dry_run: bool,
}

impl Import<'_> {
    /// Takes some keys in one transaction, each with its audit record: what
    /// became of each, in their order. A key that is there already is left as
    /// it is, so that the same file may come again.
    ///
    /// # Errors
    /// [`KeyringError::NotFound`] for the account, [`KeyringError::Conflict`] where
    /// the pepper was retired meanwhile, and what the store says: then none of
    /// these were taken.
    pub fn take(
        &self,
        store: &Store,
        foreign: &[ForeignKey],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Taken>, KeyringError> {
        let work = |c: &mut Conn| {
            let Some(account) = accounts::find(c, self.account)? else {
                return Ok(Err(KeyringError::NotFound(format!(
                    "account {}",
                    self.account
                ))));
            };
            let (taken, new) = self.sort(c, &account, foreign, now)?;
            if !self.dry_run {
                match current_in_use(c, self.ring) {
                    Err(KeyringError::Storage(error)) => return Err(error),
                    Err(refused) => return Ok(Err(refused)),
                    Ok(()) => self.write(c, &new, actor, now)?,
                }
            }
            Ok::<_, StorageError>(Ok(taken))
        };
        if self.dry_run {
            return store.read(work)?;
        }
        match store.write(work) {
            // Somebody else took one of them beside this, or a server moved it
            // to another pepper: now it is seen.
            Err(StorageError::Duplicate) => store.write(work)?,
            other => other?,
        }
    }

    fn sort<'f>(
        &self,
        c: &mut Conn,
        account: &Account,
        foreign: &'f [ForeignKey],
        now: Timestamp,
    ) -> Result<(Vec<Taken>, Vec<New<'f>>), StorageError> {
        // A key that was taken before may have moved from pepper to pepper.
        let all: Vec<KeyDigest> = foreign
            .iter()
            .flat_map(|one| {
                self.ring
                    .iter()
                    .map(|pepper| one.digest.stored(one.recipe, pepper))
            })
            .collect();
        let owners = rows::owners(c, &all)?;
        let versions = self.ring.iter().count();
        let mut seen: HashSet<(RecipeId, &ForeignDigest)> = HashSet::new();
        let mut new = Vec::new();
        let taken = foreign
            .iter()
            .zip(all.chunks(versions))
            .map(|(one, digests)| {
                let first = seen.insert((one.recipe, &one.digest));
                match digests.iter().find_map(|digest| owners.get(digest)) {
                    Some(owner) if *owner != account.id => {
                        return Taken::Refused(format!("it is a key of account {owner} already"));
                    }
                    Some(_) => return Taken::Known,
                    None if !first => return Taken::Known,
                    None => {}
                }
                if one.expires_at.is_some_and(|end| end <= now) {
                    return Taken::Expired;
                }
                let (ips, environment) = (&one.allowed_ips, one.environment);
                let limit = one.limit_on(self.plans.get(&account.plan));
                if let Err(error) = fits_plan(account, self.plans, environment, ips, limit) {
                    return Taken::Refused(error.to_string());
                }
                let key = one.key(account.id, limit, now);
                let id = key.id;
                let digest = one.digest.stored(one.recipe, self.ring.current());
                new.push(New {
                    key: (key, digest),
                    external_id: one.external_id.as_deref(),
                });
                Taken::New(id)
            });
        let taken = taken.collect();
        Ok((taken, new))
    }

    fn write(
        &self,
        c: &mut Conn,
        new: &[New<'_>],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let record = |new: &New<'_>| {
            let key = &new.key.0;
            let detail = json!({
                "after": {
                    "permissions": key.permissions,
                    "expires_at": key.expires_at.map(rfc3339),
                    "allowed_ips": key.allowed_ips,
                    "limit": key.limit,
                    "key": key.hint.to_string(),
                },
                "external_id": new.external_id,
            });
            actor.on_key("key.import", key, detail, now)
        };
        if new.is_empty() {
            return Ok(());
        }
        let records: Vec<_> = new.iter().map(record).collect();
        let keys: Vec<_> = new.iter().map(|new| new.key.clone()).collect();
        rows::insert_many(c, &keys, self.ring.current().version())?;
        audit::append(c, &records)
    }
}

/// A key that is to be written.
struct New<'f> {
    key: (ApiKey, KeyDigest),
    external_id: Option<&'f str>,
}

impl ForeignKey {
    /// The limit of its own that it has on this plan.
    fn limit_on(&self, plan: Option<&Plan>) -> Option<u32> {
        let most = plan.map_or(u32::MAX, |plan| plan.limit(self.environment));
        self.limit
            .filter(|limit| !self.limit_at_most || *limit < most)
    }

    fn key(&self, account_id: AccountId, limit: Option<u32>, now: Timestamp) -> ApiKey {
        ApiKey {
            id: KeyId::new(now),
            account_id,
            name: self.name.clone(),
            environment: self.environment,
            permissions: self.permissions,
            expires_at: self.expires_at,
            allowed_ips: self.allowed_ips.clone(),
            limit,
            created_at: now,
            last_used_at: None,
            revoked_at: None,
            revoke_reason: None,
            hint: self.hint.clone(),
        }
    }
}
