//! Who uses which secret of a key: kept for keys that were rotated, so that
//! one knows when nobody needs the old one any more. A key with one secret has
//! no row and costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use diesel::prelude::*;
use diesel::upsert::excluded;
use torvus_audit::AuditRecord;
use torvus_domain::{KeyId, Timestamp};

use crate::columns::{instant, micros, number, read};
use crate::conn::each_row;
use crate::schema::usage_secrets;
use crate::upsert::{earlier, later};
use crate::{Conn, StorageError};

const TABLE: &str = "usage_secrets";

/// How many addresses of one secret have a row of their own. Whoever holds a
/// secret that has ended can still send requests, from any number of addresses:
/// those that come later share one row. Servers that write at the same moment
/// don't see each other's, so together they may keep a few more.
const ADDRESSES_MAX: usize = 1_000;
/// What that row has for an address.
const OTHERS: &str = "*";

/// Requests with one secret from one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUsage {
    /// The secret's number.
    pub secret: u32,
    /// The address, where it was known.
    pub ip: Option<IpAddr>,
    /// Whether these are all addresses that came when 1,000 were counted by
    /// themselves.
    pub others: bool,
    /// How many.
    pub count: u64,
    /// How many of them came when the secret was not good any more.
    pub refused: u64,
    /// When the first came.
    pub first_seen: Timestamp,
    /// When the last came.
    pub last_seen: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = usage_secrets, treat_none_as_default_value = false)]
struct Row {
    key_id: String,
    secret: i64,
    ip: String,
    requests: i64,
    refused: i64,
    first_seen: i64,
    last_seen: i64,
}

/// The sums of one batch. Sorted: two batches lock rows in the same order.
#[derive(Default)]
pub(crate) struct Sums(BTreeMap<(String, u32, String), Row>);

impl Sums {
    /// Counts a record, unless its key had never been rotated when it came:
    /// what it says of its secret tells.
    pub(crate) fn add(&mut self, key_id: &str, record: &AuditRecord) {
        let Some(secret) = record
            .secret
            .filter(|secret| *secret > 1 || record.secret_replaced)
        else {
            return;
        };
        let at = micros(record.at);
        let ip = record.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let sum = self
            .0
            .entry((key_id.to_owned(), secret, ip.clone()))
            .or_insert_with(|| Row {
                key_id: key_id.to_owned(),
                secret: i64::from(secret),
                ip,
                requests: 0,
                refused: 0,
                first_seen: at,
                last_seen: at,
            });
        sum.requests += 1;
        sum.refused += i64::from(record.used_key().is_none());
        sum.first_seen = sum.first_seen.min(at);
        sum.last_seen = sum.last_seen.max(at);
    }

    /// The sums with those of addresses beyond [`ADDRESSES_MAX`] in one.
    fn bounded(self, c: &mut Conn) -> Result<BTreeMap<(String, u32, String), Row>, StorageError> {
        let mut secrets: BTreeMap<(String, u32), Vec<Row>> = BTreeMap::new();
        for ((key, secret, _), row) in self.0 {
            secrets.entry((key, secret)).or_default().push(row);
        }
        let mut bounded = BTreeMap::new();
        for ((key, secret), rows) in secrets {
            let mut kept = addresses(c, &key, i64::from(secret), rows.len())?;
            for mut row in rows {
                if let Some(kept) = &mut kept
                    && !row.ip.is_empty()
                    && !kept.contains(&row.ip)
                {
                    if kept.len() < ADDRESSES_MAX {
                        kept.insert(row.ip.clone());
                    } else {
                        OTHERS.clone_into(&mut row.ip);
                    }
                }
                let place = (key.clone(), secret, row.ip.clone());
                match bounded.get_mut(&place) {
                    Some(sum) => row.add_to(sum),
                    None => drop(bounded.insert(place, row)),
                }
            }
        }
        Ok(bounded)
    }

    pub(crate) fn store(self, c: &mut Conn) -> Result<(), StorageError> {
        use crate::schema::usage_secrets::dsl::*;
        if self.0.is_empty() {
            return Ok(());
        }
        let rows: Vec<Row> = self.bounded(c)?.into_values().collect();
        each_row!(c, rows, row => diesel::insert_into(usage_secrets)
        .values(row)
        .on_conflict((key_id, secret, ip))
        .do_update()
        .set((
            requests.eq(requests + excluded(requests)),
            refused.eq(refused + excluded(refused)),
            first_seen.eq(earlier!(first_seen)),
            last_seen.eq(later!(last_seen)),
        )));
        Ok(())
    }
}

impl Row {
    fn add_to(&self, sum: &mut Self) {
        sum.requests += self.requests;
        sum.refused += self.refused;
        sum.first_seen = sum.first_seen.min(self.first_seen);
        sum.last_seen = sum.last_seen.max(self.last_seen);
    }
}

/// The addresses that a secret has rows of; none where so many new ones have
/// room beside them.
fn addresses(
    c: &mut Conn,
    key: &str,
    number: i64,
    new: usize,
) -> Result<Option<BTreeSet<String>>, StorageError> {
    use crate::schema::usage_secrets::dsl;
    let own = dsl::usage_secrets
        .filter(dsl::key_id.eq(key))
        .filter(dsl::secret.eq(number))
        .filter(dsl::ip.ne_all(["", OTHERS]));
    let count: i64 = own.clone().count().get_result(&mut c.0)?;
    if usize::try_from(count).is_ok_and(|count| count + new <= ADDRESSES_MAX) {
        return Ok(None);
    }
    let ips: Vec<String> = own.select(dsl::ip).load(&mut c.0)?;
    Ok(Some(ips.into_iter().collect()))
}

/// Removes what was last seen before an instant, and says how many rows it was.
///
/// # Errors
///
/// Those of the database.
pub fn remove_before(c: &mut Conn, before: Timestamp) -> Result<usize, StorageError> {
    use crate::schema::usage_secrets::dsl;
    let old = dsl::usage_secrets.filter(dsl::last_seen.lt(micros(before)));
    Ok(diesel::delete(old).execute(&mut c.0)?)
}

/// Who used which secret of a key since it was first rotated, the last to
/// come first.
///
/// # Errors
///
/// Those of the database.
pub fn of_key(c: &mut Conn, key: KeyId) -> Result<Vec<SecretUsage>, StorageError> {
    use crate::schema::usage_secrets::dsl;
    let rows: Vec<Row> = dsl::usage_secrets
        .filter(dsl::key_id.eq(key.to_string()))
        .order((dsl::last_seen.desc(), dsl::secret, dsl::ip))
        .load(&mut c.0)?;
    rows.into_iter()
        .map(|row| {
            Ok(SecretUsage {
                secret: number(TABLE, row.secret)?,
                ip: match row.ip.as_str() {
                    "" | OTHERS => None,
                    ip => Some(read(TABLE, ip)?),
                },
                others: row.ip == OTHERS,
                count: number(TABLE, row.requests)?,
                refused: number(TABLE, row.refused)?,
                first_seen: instant(TABLE, row.first_seen)?,
                last_seen: instant(TABLE, row.last_seen)?,
            })
        })
        .collect()
}
