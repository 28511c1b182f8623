//! The clock of the database server.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use torvus_domain::Timestamp;

use crate::columns::instant;
use crate::{Conn, StorageError};

/// What time it is for PostgreSQL. SQLite has no clock but ours: none.
///
/// # Errors
///
/// Those of the database.
pub fn of_server(c: &mut Conn) -> Result<Option<Timestamp>, StorageError> {
    if !c.is_postgres() {
        return Ok(None);
    }
    let now =
        diesel::dsl::sql::<BigInt>("(extract(epoch from clock_timestamp()) * 1000000)::bigint");
    let micros: i64 = diesel::select(now).get_result(&mut c.0)?;
    instant("clock_timestamp", micros).map(Some)
}
