//! What every command works with.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::str::FromStr;

use torvus_domain::{Clock, SystemClock, Timestamp};
use torvus_key_core::PepperRing;
use torvus_keyring::Actor;
use torvus_settings::{Settings, SettingsArgs, environment};
use torvus_storage::indexing::{self, IndexError};
use torvus_storage::{Schema, Store, StoreUrl, peppers};

use crate::failure::Failure;
use crate::output;

/// What every command works with.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) json: bool,
    pub(crate) yes: bool,
    /// The flags by which the data is found, to be repeated in commands that
    /// are proposed. An address with a password is not.
    flags: String,
    clock: SystemClock,
}

impl Context {
    pub(crate) fn new(settings: &SettingsArgs, json: bool, yes: bool) -> Result<Self, Failure> {
        Ok(Self {
            settings: Settings::load(settings, &environment)?,
            json,
            yes,
            flags: flags(settings),
            clock: SystemClock::new(),
        })
    }

    /// A `torvus-admin …` that can be pasted here: on the same data as this one.
    pub(crate) fn command(&self, line: &str) -> String {
        match line.strip_prefix("torvus-admin ") {
            Some(rest) => format!("torvus-admin {}{rest}", self.flags),
            None => line.to_owned(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// Who is at the command line.
    pub(crate) fn actor(&self) -> Actor {
        let user = environment("USER").filter(|user| !user.is_empty());
        Actor::operator(&user.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string()))
    }

    /// The database as it is, whatever its tables.
    pub(crate) fn raw_store(&self) -> Result<Store, Failure> {
        let url = StoreUrl::parse(self.settings.database_url())?;
        if !self.settings.is_postgres() {
            self.settings.prepare_data_dir()?;
        }
        Ok(Store::open(&url)?)
    }

    /// The database, with the tables of this version. A folder that was
    /// mistyped must not look like a database without accounts.
    pub(crate) fn store(&self) -> Result<Store, Failure> {
        let none = || {
            Failure::unavailable(
                "there is no database there: check --data-dir or --database-url; \
                 `torvus-api serve` or `torvus-admin migrate run` makes a new one",
            )
        };
        let file = self.settings.database_url().strip_prefix("sqlite:");
        if file.is_some_and(|file| !Path::new(file).exists()) {
            return Err(none());
        }
        let store = self.raw_store()?;
        match store.schema()? {
            Schema::Current => Ok(store),
            Schema::Empty(_) => Err(none()),
            Schema::Behind(missing) => Err(Failure::failed(format!(
                "the database is {} migrations behind this version: run `torvus-admin migrate run`",
                missing.len()
            ))),
            Schema::Newer => Err(Failure::failed(
                "the database was made by a newer version: use that one",
            )),
        }
    }

    /// The database with everything in it that was answered: what a server on
    /// this machine has recorded, and not moved there yet, is moved now.
    pub(crate) fn store_with_all_records(&self) -> Result<Store, Failure> {
        let store = self.store()?;
        match indexing::catch_up(&store, &self.settings.journal(), &|_| None) {
            Ok(_) => {}
            Err(IndexError::Storage(error)) => return Err(error.into()),
            // What can be read is shown; `audit verify` tells of the rest.
            Err(error) => output::note(&format!("warning: records are missing: {error}")),
        }
        Ok(store)
    }

    /// The same, for what may come first of all: an empty one gets its tables.
    pub(crate) fn store_or_new(&self) -> Result<Store, Failure> {
        let store = self.raw_store()?;
        if let Schema::Empty(_) = store.schema()? {
            store.migrate()?;
        }
        self.store()
    }

    /// The pepper, which must be the one of this database.
    pub(crate) fn peppers(&self, store: &Store) -> Result<PepperRing, Failure> {
        // One is made only for a database that knows none.
        let first = store.read(peppers::known)?.is_empty();
        let ring = self.settings.load_pepper(first)?;
        store
            .write(|c| peppers::adopt(c, &ring))?
            .map_err(Failure::failed)?;
        Ok(ring)
    }

    /// Asks back, on a terminal only.
    pub(crate) fn confirm(&self, question: &str) -> Result<(), Failure> {
        if self.yes || !std::io::stdin().is_terminal() {
            return Ok(());
        }
        output::note(&format!("{question} [y/N]"));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            Ok(())
        } else {
            Err(Failure::refused("not confirmed: nothing was changed"))
        }
    }
}

fn flags(given: &SettingsArgs) -> String {
    let config = given.config.as_ref().map(|path| path.display().to_string());
    let mut flags = String::new();
    for (flag, value) in [("--config", config), ("--data-dir", given.data_dir.clone())] {
        if let Some(value) = value {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
            let quoted = match value.chars().all(plain) {
                true => value,
                false => format!("'{}'", value.replace('\'', r"'\''")),
            };
            flags.push_str(&format!("{flag} {quoted} "));
        }
    }
    flags
}

/// Reads a value, and names it where it is wrong.
pub(crate) fn value<T: FromStr>(name: &str, text: &str) -> Result<T, Failure>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: T::Err| Failure::invalid(format!("{name} {text:?}: {error}")))
}

/// Reads the identifier of something that must exist.
pub(crate) fn id<T: FromStr>(what: &str, text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|_| Failure::not_found(format!("there is no {what} {text}")))
}

/// Reads an instant, where one is given.
pub(crate) fn instant(name: &str, text: Option<&String>) -> Result<Option<Timestamp>, Failure> {
    let read = |text: &String| {
        text.parse().map_err(|_| {
            let like = "use an instant such as 2026-11-24T00:00:00Z";
            Failure::invalid(format!("{name} {text:?}: {like}"))
        })
    };
    text.map(read).transpose()
}
