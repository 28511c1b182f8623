//! What an account keeps here: vaults and what they hold, and check-ins.
//!
//! Every row belongs to one account and one environment, either by itself or
//! through its vault. Lists are newest first and are read page by page.

pub mod check_ins;
pub mod documents;
pub mod policies;
pub mod recipients;
pub mod vaults;

use torvus_domain::{AccountId, Timestamp};
use torvus_key_core::Environment;

/// Whose something is, and of which environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The account.
    pub account_id: AccountId,
    /// Live or test.
    pub environment: Environment,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many entries it has at most. A list gives one more where there is
    /// one, so that the caller knows.
    pub limit: usize,
    /// Where it begins: after this entry, by its time and identifier.
    pub before: Option<(Timestamp, String)>,
}

impl Page {
    fn rows(&self) -> i64 {
        i64::try_from(self.limit.saturating_add(1)).unwrap_or(i64::MAX)
    }
}

/// The rows of one page of a query: newest first, one more than its limit.
macro_rules! newest_first {
    ($conn:expr, $table:ident, $row:ty, $query:expr, $page:expr) => {{
        let page: &$crate::resources::Page = $page;
        let mut query = $query
            .select(<$row>::as_select())
            .order(($table::created_at.desc(), $table::id.desc()))
            .limit(page.rows())
            .into_boxed();
        if let Some((at, id)) = &page.before {
            let micros = at.timestamp_micros();
            query = query.filter(
                $table::created_at
                    .lt(micros)
                    .or($table::created_at.eq(micros).and($table::id.lt(id))),
            );
        }
        query
            .load::<$row>(&mut $conn.0)?
            .into_iter()
            .map(TryFrom::try_from)
            .collect()
    }};
}
use newest_first;

/// `list` and `delete` of what lies in a vault: alike for all kinds of it.
macro_rules! in_a_vault {
    ($table:ident, $row:ty, $item:ty, $id:ty) => {
        /// A page of what a vault holds, newest first, and one more if there is.
        pub fn list(c: &mut Conn, vault: VaultId, page: &Page) -> Result<Vec<$item>, StorageError> {
            let vault = vault.to_string();
            let query = $table::table.filter($table::vault_id.eq(vault));
            newest_first!(c, $table, $row, query, page)
        }

        /// Deletes one of them; false where the vault has none of that name.
        pub fn delete(c: &mut Conn, vault: VaultId, id: $id) -> Result<bool, StorageError> {
            let deleted = diesel::delete($table::table)
                .filter($table::vault_id.eq(vault.to_string()))
                .filter($table::id.eq(id.to_string()))
                .execute(&mut c.0)?;
            Ok(deleted > 0)
        }
    };
}
use in_a_vault;
