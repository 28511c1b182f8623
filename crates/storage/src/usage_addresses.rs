//! Where a key was used from, by day.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::upsert::excluded;
use torvus_domain::Timestamp;

use crate::columns::{instant, number, read};
use crate::conn::each_row;
use crate::own_rows::{OTHERS, OwnRows};
use crate::schema::usage_addresses;
use crate::upsert::{earlier, later};
use crate::{Conn, StorageError};

const TABLE: &str = "usage_addresses";
/// Keys that one statement counts the rows of.
const KEYS: usize = 500;

/// Requests from one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressUsage {
    /// The address.
    pub ip: IpAddr,
    /// How many.
    pub count: u64,
    /// When the first came.
    pub first_seen: Timestamp,
    /// When the last came.
    pub last_seen: Timestamp,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = usage_addresses, treat_none_as_default_value = false)]
struct Row {
    key_id: String,
    day: i64,
    ip: String,
    requests: i64,
    first_seen: i64,
    last_seen: i64,
}

impl Row {
    fn add_to(&self, sum: &mut Self) {
        sum.requests += self.requests;
        sum.first_seen = sum.first_seen.min(self.first_seen);
        sum.last_seen = sum.last_seen.max(self.last_seen);
    }
}

/// The sums of one transaction. Sorted: two of them lock rows in the same order.
#[derive(Default)]
pub(crate) struct Sums(BTreeMap<(String, i64, String), Row>);

impl Sums {
    /// Counts a request; the instant is in microseconds.
    pub(crate) fn add(&mut self, key_id: &str, day: i64, ip: IpAddr, at: i64) {
        let row = Row {
            key_id: key_id.to_owned(),
            day,
            ip: ip.to_string(),
            requests: 1,
            first_seen: at,
            last_seen: at,
        };
        self.add_row(row);
    }

    fn add_row(&mut self, row: Row) {
        let place = (row.key_id.clone(), row.day, row.ip.clone());
        match self.0.get_mut(&place) {
            Some(sum) => row.add_to(sum),
            None => drop(self.0.insert(place, row)),
        }
    }

    /// How many rows it takes to store them.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Stores them.
    pub(crate) fn store(self, c: &mut Conn) -> Result<(), StorageError> {
        use crate::schema::usage_addresses::dsl::*;
        let rows: Vec<Row> = self.bounded(c)?.0.into_values().collect();
        each_row!(c, rows, row => diesel::insert_into(usage_addresses)
        .values(row)
        .on_conflict((key_id, day, ip))
        .do_update()
        .set((
            requests.eq(requests + excluded(requests)),
            first_seen.eq(earlier!(first_seen)),
            last_seen.eq(later!(last_seen)),
        )));
        Ok(())
    }

    /// The sums with those of addresses that get no row of their own in one.
    fn bounded(self, c: &mut Conn) -> Result<Self, StorageError> {
        let counts = self.counts(c)?;
        let mut days: BTreeMap<(String, i64), Vec<Row>> = BTreeMap::new();
        for ((key, day, _), row) in self.0 {
            days.entry((key, day)).or_default().push(row);
        }
        let mut bounded = Self::default();
        for (place, rows) in days {
            let count = counts.get(&place).copied().unwrap_or(0);
            let (key, day) = place;
            let mut own = OwnRows::of(count, rows.len(), || own_rows(c, &key, day))?;
            for mut row in rows {
                own.place(&mut row.ip);
                bounded.add_row(row);
            }
        }
        Ok(bounded)
    }

    /// How many addresses each key has a row of, on the days of these sums.
    fn counts(&self, c: &mut Conn) -> Result<HashMap<(String, i64), i64>, StorageError> {
        use crate::schema::usage_addresses::dsl;
        let days = || self.0.keys().map(|(_, day, _)| *day);
        let (Some(first), Some(last)) = (days().min(), days().max()) else {
            return Ok(HashMap::new());
        };
        let keys: BTreeSet<&str> = self.0.keys().map(|(key, _, _)| key.as_str()).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        let mut counts = HashMap::new();
        for some in keys.chunks(KEYS) {
            let rows: Vec<(String, i64, i64)> = dsl::usage_addresses
                .filter(dsl::key_id.eq_any(some))
                .filter(dsl::day.between(first, last))
                .filter(dsl::ip.ne(OTHERS))
                .group_by((dsl::key_id, dsl::day))
                .select((dsl::key_id, dsl::day, count_star()))
                .load(&mut c.0)?;
            counts.extend(
                rows.into_iter()
                    .map(|(key, day, count)| ((key, day), count)),
            );
        }
        Ok(counts)
    }
}

fn own_rows(c: &mut Conn, key: &str, on: i64) -> Result<Vec<String>, StorageError> {
    use crate::schema::usage_addresses::dsl;
    let own = dsl::usage_addresses
        .filter(dsl::key_id.eq(key))
        .filter(dsl::day.eq(on))
        .filter(dsl::ip.ne(OTHERS));
    Ok(own.select(dsl::ip).load(&mut c.0)?)
}

/// Requests by address, the busiest first, and how many came from others.
pub(crate) fn of_key(
    c: &mut Conn,
    key: &str,
    first: i64,
    last: i64,
) -> Result<(Vec<AddressUsage>, u64), StorageError> {
    use crate::schema::usage_addresses::dsl;
    let rows: Vec<Row> = dsl::usage_addresses
        .filter(dsl::key_id.eq(key))
        .filter(dsl::day.between(first, last))
        .load(&mut c.0)?;
    let mut sums: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows {
        match sums.get_mut(&row.ip) {
            Some(sum) => row.add_to(sum),
            None => drop(sums.insert(row.ip.clone(), row)),
        }
    }
    let others = sums.remove(OTHERS).map_or(0, |row| row.requests);
    let mut addresses = sums
        .into_values()
        .map(|row| {
            Ok(AddressUsage {
                ip: read(TABLE, &row.ip)?,
                count: number(TABLE, row.requests)?,
                first_seen: instant(TABLE, row.first_seen)?,
                last_seen: instant(TABLE, row.last_seen)?,
            })
        })
        .collect::<Result<Vec<_>, StorageError>>()?;
    addresses.sort_by_key(|address| std::cmp::Reverse(address.count));
    Ok((addresses, number(TABLE, others)?))
}
