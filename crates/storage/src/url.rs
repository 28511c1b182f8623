//! Which database, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::StorageError;

/// The address of a database, its scheme read.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A server of PostgreSQL, by its whole address.
    Postgres(String),
}

/// What every connection to PostgreSQL asks for, unless the address does.
const POSTGRES_DEFAULTS: [(&str, &str); 5] = [
    ("application_name", "torvus"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "2"),
    ("tcp_user_timeout", "5000"),
];

impl StoreUrl {
    /// Reads `sqlite:PATH`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Url`] for any other scheme, and for a SQLite database
    /// that is in no file: several connections would each have their own.
    pub fn parse(text: &str) -> Result<Self, StorageError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let Some(path) = text.strip_prefix("sqlite:") else {
            // The text itself may hold a password.
            return Err(StorageError::Url(
                "the database's address must begin with `sqlite:`, `postgres://` or `postgresql://`"
                    .to_owned(),
            ));
        };
        let path = if path.starts_with("///") {
            path.trim_start_matches("//")
        } else {
            path
        };
        if path.is_empty() || path.contains(":memory:") || path.starts_with("//") {
            return Err(StorageError::Url(
                "`sqlite:` must be followed by the path of a file".to_owned(),
            ));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    /// The file's whole path: one that SQLite can't take for anything else.
    pub(crate) fn sqlite_file(&self) -> Result<String, StorageError> {
        let Self::Sqlite(path) = self else {
            return Err(StorageError::Url("is not a file of SQLite".to_owned()));
        };
        whole(path)
    }

    /// The address with the waits that the program relies on.
    pub(crate) fn postgres_address(&self, connect_seconds: u32) -> String {
        let Self::Postgres(url) = self else {
            return String::new();
        };
        let (_, rest) = userinfo_and_rest(url);
        let mut address = url.clone();
        let mut next = if rest.contains('?') { '&' } else { '?' };
        let connect = connect_seconds.to_string();
        let own = [("connect_timeout", connect.as_str())];
        for (name, value) in own.into_iter().chain(POSTGRES_DEFAULTS) {
            if !rest.contains(&format!("{name}=")) {
                address.push(next);
                address.push_str(&format!("{name}={value}"));
                next = '&';
            }
        }
        address
    }
}

/// An address without its scheme, cut behind the `@` that ends the user's
/// part: libpq takes `?` and `#` in a password, so that one is looked for first.
fn userinfo_and_rest(url: &str) -> (&str, &str) {
    let all = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = all.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((userinfo, _)) => all.split_at(userinfo.len() + 1),
        None => ("", all),
    }
}

fn whole(path: &Path) -> Result<String, StorageError> {
    let unusable = |why: &dyn fmt::Display| {
        StorageError::Url(format!("can't use `{}`: {why}", path.display()))
    };
    let path = std::path::absolute(path).map_err(|error| unusable(&error))?;
    path.to_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| unusable(&"its name is not UTF-8"))
}

impl fmt::Display for StoreUrl {
    /// Never shows a password: of PostgreSQL's address only the host, port
    /// and name of the database.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let (_, rest) = userinfo_and_rest(url);
                let shown = rest.split(['?', '#']).next().unwrap_or_default();
                write!(f, "postgres://{shown}")
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_three_schemes_and_nothing_else() {
        assert_eq!(
            StoreUrl::parse("sqlite:data/torvus.db").unwrap(),
            StoreUrl::Sqlite("data/torvus.db".into())
        );
        assert_eq!(
            StoreUrl::parse("sqlite:///var/t.db").unwrap(),
            StoreUrl::Sqlite("/var/t.db".into())
        );
        for bad in [
            "",
            "data/t.db",
            "postgresql:x",
            "sqlite:",
            "sqlite::memory:",
            "mysql://x",
            "sqlite://host/x",
        ] {
            assert!(StoreUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shows_no_password() {
        let url = StoreUrl::parse("postgres://me:hush@db:5432/torvus?password=hush").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "postgres://db:5432/torvus postgres://db:5432/torvus"
        );
        assert!(url.postgres_address(2).contains("&connect_timeout=2&"));
        for odd in ["hu?sh", "hu#sh", "hu@sh"] {
            let url = StoreUrl::parse(&format!("postgres://me:{odd}@db:5432/torvus")).unwrap();
            assert_eq!(url.to_string(), "postgres://db:5432/torvus");
            assert!(
                url.postgres_address(2)
                    .contains("torvus?connect_timeout=2&")
            );
        }
    }
}
