//! An account's keys in pages, for people: searched, filtered and sorted.
//!
//! A page begins behind a key, not at a number, so that no key is shown twice
//! or left out while others are made.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use torvus_domain::{AccountId, ApiKey, KeyId, KeyState, Permission, Timestamp};
use torvus_key_core::Environment;

use crate::columns::{micros, number};
use crate::conn::AnyConn;
use crate::keys::KeyRow;
use crate::schema::api_keys::{self, dsl};
use crate::{Conn, StorageError};

const TABLE: &str = "api_keys";
/// How many rows are looked through at a time for a text.
const SEARCHED: i64 = 1_000;
/// A key that was not used for so long is idle.
pub const IDLE_AFTER: TimeDelta = TimeDelta::days(90);
/// A key that ends within this time ends soon.
pub const SOON: TimeDelta = TimeDelta::days(30);

diesel::define_sql_function! {
    /// Of a column with the collation C on PostgreSQL: ASCII alone on either database.
    fn lower(text: Text) -> Text;
}
diesel::define_sql_function! {
    /// The value, or the other where it is null.
    fn coalesce(value: Nullable<BigInt>, instead: BigInt) -> BigInt;
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySort {
    /// When it was made.
    #[default]
    Created,
    /// Its name, without regard to the case of A to Z.
    Name,
    /// When it was last used; never is before all.
    LastUsed,
    /// When it ends; never is after all.
    Expires,
}

/// What somebody should have a look at. Only keys that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// It never ends.
    NeverExpires,
    /// It ends within 30 days.
    EndsSoon,
    /// It was not used for 90 days, or never since it was made so long ago.
    Idle,
    /// It may be used from any address.
    AnyAddress,
}

/// Which keys are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// With this text in its name, its hint or its identifier, without regard
    /// to case.
    pub search: Option<String>,
    /// Of this environment.
    pub environment: Option<Environment>,
    /// In this state.
    pub state: Option<KeyState>,
    /// With this permission, among others.
    pub permission: Option<Permission>,
    /// That somebody should have a look at for this.
    pub attention: Option<Attention>,
}

/// How a page is cut from the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// What the list is sorted by.
    pub sort: KeySort,
    /// The last come first.
    pub descending: bool,
    /// Where the page begins, or ends; none is the list's beginning.
    pub from: Option<Edge>,
    /// How many keys at most.
    pub limit: usize,
}

/// One end of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It begins behind this key.
    After(Place),
    /// It ends before this key.
    Before(Place),
}

/// The place of a key in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    value: Value,
    id: KeyId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(i64),
    Text(String),
}

impl Place {
    /// The place of this key in a list that is sorted like that.
    #[must_use]
    pub fn of(key: &ApiKey, sort: KeySort) -> Self {
        let value = match sort {
            KeySort::Created => Value::Number(micros(key.created_at)),
            KeySort::Name => Value::Text(key.name.as_str().to_ascii_lowercase()),
            KeySort::LastUsed => Value::Number(key.last_used_at.map_or(NEVER_USED, micros)),
            KeySort::Expires => Value::Number(key.expires_at.map_or(NEVER_ENDS, micros)),
        };
        Self { value, id: key.id }
    }

    const fn number(&self) -> i64 {
        match self.value {
            Value::Number(number) => number,
            Value::Text(_) => 0,
        }
    }

    fn text(&self) -> String {
        match &self.value {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
        }
    }
}

const NEVER_USED: i64 = i64::MIN;
const NEVER_ENDS: i64 = i64::MAX;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Number(number) => write!(f, "{}.n.{number}", self.id),
            Value::Text(text) => write!(f, "{}.t.{text}", self.id),
        }
    }
}

/// A text that names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no place in a list of keys")]
pub struct PlaceError;

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let (id, rest) = text.split_once('.').ok_or(PlaceError)?;
        let value = match rest.split_once('.').ok_or(PlaceError)? {
            ("n", number) => Value::Number(number.parse().map_err(|_| PlaceError)?),
            // No name holds what is no text to PostgreSQL.
            ("t", text) if !text.chars().any(char::is_control) => Value::Text(text.to_owned()),
            _ => return Err(PlaceError),
        };
        let id = id.parse().map_err(|_| PlaceError)?;
        Ok(Self { value, id })
    }
}

type Boxed<'a> = diesel::helper_types::IntoBoxed<
    'a,
    diesel::helper_types::Select<api_keys::table, diesel::helper_types::AsSelect<KeyRow, Db>>,
    Db,
>;
type Db = <AnyConn as Connection>::Backend;
type Condition<'a> = Box<dyn BoxableExpression<api_keys::table, Db, SqlType = Bool> + 'a>;

/// Keys of an account, in the order that is asked for, also where the page is
/// cut backwards.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    c: &mut Conn,
    account: AccountId,
    filter: &KeyFilter,
    page: &KeyPage,
    now: Timestamp,
) -> Result<Vec<ApiKey>, StorageError> {
    let backwards = matches!(page.from, Some(Edge::Before(_)));
    let mut place = match &page.from {
        Some(Edge::After(place) | Edge::Before(place)) => Some(place.clone()),
        None => None,
    };
    let wanted = filter.search.as_deref().map(folded);
    let found = |row: &KeyRow| wanted.as_ref().map_or(Ok(true), |text| holds(row, text));
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    let asked = if wanted.is_some() { SEARCHED } else { limit };
    let mut keys: Vec<ApiKey> = Vec::new();
    while keys.len() < page.limit {
        let query = cut(
            narrowed(account, filter, now),
            page.sort,
            page.descending != backwards,
            place.as_ref(),
        );
        let mut rows: Vec<KeyRow> = query.limit(asked).load(&mut c.0)?;
        let last = i64::try_from(rows.len()).is_ok_and(|got| got < asked);
        // Only what is shown is read whole, and the last one for its place.
        let end = rows.pop();
        for row in rows {
            if keys.len() < page.limit && found(&row)? {
                keys.push(row.try_into()?);
            }
        }
        if let Some(row) = end {
            let wanted = keys.len() < page.limit && found(&row)?;
            let key = ApiKey::try_from(row)?;
            place = Some(Place::of(&key, page.sort));
            keys.extend(wanted.then_some(key));
        }
        if last {
            break;
        }
    }
    if backwards {
        keys.reverse();
    }
    Ok(keys)
}

/// Each database folds letters in a way of its own, and neither folds all of
/// them: so texts are compared here.
fn holds(row: &KeyRow, wanted: &str) -> Result<bool, StorageError> {
    let shown = row.shown()?;
    Ok(shown.iter().any(|text| folded(text).contains(wanted)))
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The keys of an account that a filter lets through, but for its text.
fn narrowed<'a>(account: AccountId, filter: &KeyFilter, now: Timestamp) -> Boxed<'a> {
    let mut query = dsl::api_keys
        .select(KeyRow::as_select())
        .filter(dsl::account_id.eq(account.to_string()))
        .into_boxed();
    if let Some(environment) = filter.environment {
        query = query.filter(dsl::environment.eq(environment.as_str()));
    }
    if let Some(permission) = filter.permission {
        // No permission's name is a part of another's.
        query = query.filter(dsl::permissions.like(format!("%{permission}%")));
    }
    if let Some(state) = filter.state {
        query = query.filter(in_state(state, now));
    }
    if let Some(attention) = filter.attention {
        query = query
            .filter(in_state(KeyState::Active, now))
            .filter(needs(attention, now));
    }
    query
}

fn in_state<'a>(state: KeyState, now: Timestamp) -> Condition<'a> {
    let now = micros(now);
    match state {
        KeyState::Revoked => Box::new(dsl::revoked_at.is_not_null()),
        KeyState::Expired => Box::new(
            dsl::revoked_at
                .is_null()
                .and(coalesce(dsl::expires_at, NEVER_ENDS).le(now)),
        ),
        KeyState::Active => Box::new(
            dsl::revoked_at
                .is_null()
                .and(coalesce(dsl::expires_at, NEVER_ENDS).gt(now)),
        ),
    }
}

fn needs<'a>(attention: Attention, now: Timestamp) -> Condition<'a> {
    match attention {
        Attention::NeverExpires => Box::new(dsl::expires_at.is_null()),
        Attention::EndsSoon => {
            Box::new(coalesce(dsl::expires_at, NEVER_ENDS).le(micros(now + SOON)))
        }
        Attention::Idle => {
            let since = micros(now - IDLE_AFTER);
            Box::new(
                dsl::created_at
                    .lt(since)
                    .and(coalesce(dsl::last_used_at, NEVER_USED).lt(since)),
            )
        }
        Attention::AnyAddress => Box::new(dsl::allowed_ips.eq("")),
    }
}

/// Sorts, and leaves out what comes before the place and the place itself.
fn cut<'a>(query: Boxed<'a>, sort: KeySort, descending: bool, place: Option<&Place>) -> Boxed<'a> {
    macro_rules! by {
        ($column:expr, $value:expr) => {{
            let query = match descending {
                true => query.order(($column.desc(), dsl::id.desc())),
                false => query.order(($column, dsl::id)),
            };
            let Some(place) = place else {
                return query;
            };
            let (value, id) = ($value(place), place.id.to_string());
            // The first condition is there for the index, which can't use the second.
            match descending {
                true => query
                    .filter($column.le(value.clone()))
                    .filter($column.lt(value).or(dsl::id.lt(id))),
                false => query
                    .filter($column.ge(value.clone()))
                    .filter($column.gt(value).or(dsl::id.gt(id))),
            }
        }};
    }
    match sort {
        KeySort::Created => by!(dsl::created_at, Place::number),
        KeySort::Name => by!(lower(dsl::name), Place::text),
        KeySort::LastUsed => by!(coalesce(dsl::last_used_at, NEVER_USED), Place::number),
        KeySort::Expires => by!(coalesce(dsl::expires_at, NEVER_ENDS), Place::number),
    }
}

/// How many keys of an account there are, and how many somebody should have a
/// look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// All, the dead ones too.
    pub all: u64,
    /// Those that can be used.
    pub active: u64,
    /// See [`Attention::NeverExpires`].
    pub never_expires: u64,
    /// See [`Attention::EndsSoon`].
    pub ends_soon: u64,
    /// See [`Attention::Idle`].
    pub idle: u64,
    /// See [`Attention::AnyAddress`].
    pub any_address: u64,
}

/// Counts the keys of an account.
///
/// # Errors
///
/// Those of the database.
pub fn count(c: &mut Conn, account: AccountId, now: Timestamp) -> Result<KeyCounts, StorageError> {
    let mut of = |condition: Option<Condition<'_>>| -> Result<u64, StorageError> {
        let mut query = dsl::api_keys
            .filter(dsl::account_id.eq(account.to_string()))
            .select(diesel::dsl::count_star())
            .into_boxed();
        if let Some(condition) = condition {
            query = query.filter(condition);
        }
        let count: i64 = query.get_result(&mut c.0)?;
        number(TABLE, count)
    };
    let active = || in_state(KeyState::Active, now);
    let mut look = |attention| of(Some(Box::new(active().and(needs(attention, now)))));
    let counts = KeyCounts {
        never_expires: look(Attention::NeverExpires)?,
        ends_soon: look(Attention::EndsSoon)?,
        idle: look(Attention::Idle)?,
        any_address: look(Attention::AnyAddress)?,
        ..KeyCounts::default()
    };
    Ok(KeyCounts {
        all: of(None)?,
        active: of(Some(active()))?,
        ..counts
    })
}
