//! `torvus-admin migrate`.

use serde_json::json;
use torvus_storage::Schema;

use crate::cli::Migrate;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(context: &Context, command: &Migrate) -> Result<(), Failure> {
    let store = context.raw_store()?;
    match command {
        Migrate::Run => {
            let applied = store.migrate()?;
            if context.json {
                return output::json(&json!({ "applied": applied }));
            }
            if applied.is_empty() {
                output::note("nothing to do: the tables are those of this version");
            }
            output::lines(&applied)
        }
        Migrate::Status => {
            let (state, pending) = match store.schema()? {
                Schema::Empty(pending) => ("empty", pending),
                Schema::Behind(pending) => ("behind", pending),
                Schema::Current => ("current", Vec::new()),
                Schema::Newer => ("newer", Vec::new()),
            };
            if context.json {
                return output::json(&json!({ "state": state, "pending": pending }));
            }
            output::fields(&[("state", state.to_owned()), ("pending", pending.join(", "))])
        }
    }
}
