//! What is used of each limit: kept by the transaction that writes the audit
//! records, so an answer that was given is counted after a restart, too.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use torvus_audit::AuditRecord;
use torvus_domain::{ApiKey, Budget, Spent, Timestamp};

use crate::columns::{instant, micros, number};
use crate::conn::each_row;
use crate::schema::budgets;
use crate::{Conn, StorageError};

const TABLE: &str = "budgets";

#[derive(Queryable, Insertable)]
#[diesel(table_name = budgets, treat_none_as_default_value = false)]
struct BudgetRow {
    budget: String,
    whole_at: i64,
    hourly_limit: i64,
    peak: i64,
    changes: i64,
}

impl From<&Spent> for BudgetRow {
    fn from(spent: &Spent) -> Self {
        Self {
            budget: spent.budget.to_string(),
            whole_at: micros(spent.whole_at),
            hourly_limit: spent.limit.into(),
            peak: spent.peak.into(),
            changes: spent.changes.into(),
        }
    }
}

impl BudgetRow {
    fn spent(&self, budget: Budget) -> Result<Spent, StorageError> {
        Ok(Spent {
            budget,
            whole_at: instant(TABLE, self.whole_at)?,
            limit: number(TABLE, self.hourly_limit)?,
            peak: number(TABLE, self.peak)?,
            changes: number(TABLE, self.changes)?,
        })
    }

    /// Later accounts of one budget are greater.
    const fn age(&self) -> (i64, i64) {
        (self.changes, self.whole_at)
    }
}

/// What requests have used, one row for each budget. Sorted: two transactions
/// lock rows in the same order.
#[derive(Default)]
pub(crate) struct Sums(BTreeMap<String, BudgetRow>);

impl Sums {
    /// Notes what a request has used.
    pub(crate) fn add(&mut self, record: &AuditRecord) {
        for spent in record.spent.iter().flatten() {
            let row = BudgetRow::from(spent);
            let known = self.0.get(&row.budget);
            if known.is_none_or(|known| known.age() < row.age()) {
                self.0.insert(row.budget.clone(), row);
            }
        }
    }

    /// How many rows it takes to store them.
    pub(crate) fn rows(&self) -> usize {
        self.0.len()
    }

    /// Stores them.
    pub(crate) fn store(self, c: &mut Conn) -> Result<(), StorageError> {
        if self.0.is_empty() {
            return Ok(());
        }
        store(c, self.0.into_values().collect())
    }
}

fn store(c: &mut Conn, rows: Vec<BudgetRow>) -> Result<(), StorageError> {
    // Of `filter`, the one that puts a condition on the update.
    use diesel::query_dsl::methods::FilterDsl as _;

    let same = excluded(budgets::changes).eq(budgets::changes);
    let later = excluded(budgets::changes)
        .gt(budgets::changes)
        .or(same.and(excluded(budgets::whole_at).gt(budgets::whole_at)));
    each_row!(c, rows, row => diesel::insert_into(budgets::table)
        .values(row)
        .on_conflict(budgets::budget)
        .do_update()
        .set((
            budgets::whole_at.eq(excluded(budgets::whole_at)),
            budgets::hourly_limit.eq(excluded(budgets::hourly_limit)),
            budgets::peak.eq(excluded(budgets::peak)),
            budgets::changes.eq(excluded(budgets::changes)),
        ))
        .filter(later));
    Ok(())
}

/// What is used of a key's own budget, and of its account's.
pub(crate) fn of_key(c: &mut Conn, key: &ApiKey) -> Result<Vec<Spent>, StorageError> {
    let both = [Budget::of_key(key), Budget::of_account(key)];
    let [own, shared] = both.map(|budget| budget.to_string());
    let rows: Vec<BudgetRow> = budgets::table
        .filter(budgets::budget.eq(&own).or(budgets::budget.eq(&shared)))
        .load(&mut c.0)?;
    let of = |row: &BudgetRow| {
        let [own_budget, shared_budget] = both;
        row.spent(if row.budget == own {
            own_budget
        } else {
            shared_budget
        })
    };
    rows.iter().map(of).collect()
}

/// Drops budgets that were whole before `now`.
///
/// # Errors
///
/// Those of the database.
pub fn prune(c: &mut Conn, now: Timestamp) -> Result<usize, StorageError> {
    let whole = budgets::table.filter(budgets::whole_at.lt(micros(now)));
    Ok(diesel::delete(whole).execute(&mut c.0)?)
}
