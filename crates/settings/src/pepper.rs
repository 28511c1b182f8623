//! Where the pepper comes from.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use torvus_key_core::{Pepper, PepperRing, PepperVersion};
use zeroize::Zeroizing;

use crate::file::FileSettings;
use crate::layers::Layers;
use crate::pepper_file::beside;
use crate::settings::folder;
use crate::{Settings, SettingsArgs, SettingsError};

/// Where the pepper comes from.
#[derive(Clone, Debug)]
pub enum PepperSource {
    /// From the environment: the text itself.
    Given {
        /// The text.
        text: SecretString,
        /// The variable it was in.
        origin: String,
    },
    /// From a file that the operator named; never made by us.
    File(PathBuf),
    /// From the data folder, where one is made at the first start.
    DataDir(PathBuf),
}

impl PepperSource {
    pub(crate) fn find(
        args: &SettingsArgs,
        layers: &Layers<'_>,
        file: &FileSettings,
        data_dir: &Path,
    ) -> Result<Self, SettingsError> {
        if let Some(path) = &args.pepper_file {
            return Ok(Self::File(PathBuf::from(path)));
        }
        let set = |name: &str| (layers.environment)(name).filter(|text| !text.is_empty());
        match (set("TORVUS_PEPPER"), set("TORVUS_PEPPER_FILE")) {
            (Some(_), Some(_)) => Err(SettingsError::new(
                "TORVUS_PEPPER and TORVUS_PEPPER_FILE are both set: use one of them",
            )),
            (Some(text), None) => Ok(Self::Given {
                text: SecretString::from(text),
                origin: "TORVUS_PEPPER".to_owned(),
            }),
            (None, Some(path)) => Ok(Self::File(PathBuf::from(path))),
            (None, None) => Ok(match &file.pepper_file {
                Some(path) => Self::File(PathBuf::from(path)),
                None => Self::DataDir(data_dir.join("pepper")),
            }),
        }
    }
}

impl Settings {
    /// Reads the pepper, or makes one where that is allowed and none is there.
    ///
    /// # Errors
    /// [`SettingsError`] where it is missing, short or can't be read, and on
    /// PostgreSQL where none was given: a generated one would differ from node
    /// to node.
    pub fn load_pepper(&self, may_generate: bool) -> Result<PepperRing, SettingsError> {
        match &self.pepper {
            PepperSource::Given { text, origin } => parse(text.expose_secret(), origin),
            PepperSource::File(path) => read(path),
            PepperSource::DataDir(path) if self.is_postgres() => Err(SettingsError::new(format!(
                "with PostgreSQL a pepper must be given, the same on every node: \
                 set TORVUS_PEPPER or TORVUS_PEPPER_FILE (one in {} is not used)",
                path.display()
            ))),
            PepperSource::DataDir(path) => {
                if may_generate && !path.exists() {
                    generate(path)?;
                }
                read(path)
            }
        }
    }
}

fn parse(text: &str, origin: &str) -> Result<PepperRing, SettingsError> {
    PepperRing::parse(text).map_err(|error| SettingsError::new(format!("{origin}: {error}")))
}

fn read(path: &Path) -> Result<PepperRing, SettingsError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| SettingsError::new(format!("pepper {shown}: can't be read: {error}")))?;
    parse(&text, &format!("pepper {shown}"))
}

/// Makes a pepper. Written whole beside its place and then linked there, so
/// that of several processes that start at once the first wins, and nobody
/// reads half of it.
fn generate(path: &Path) -> Result<(), SettingsError> {
    let failed = |error: &dyn std::fmt::Display| {
        SettingsError::new(format!("pepper {}: can't be made: {error}", path.display()))
    };
    let version = PepperVersion::new(1).ok_or_else(|| failed(&"no version"))?;
    let pepper = Pepper::generate(version).map_err(|error| failed(&error))?;
    let folder = folder(path);
    let beside = beside(path).map_err(|error| failed(&error))?;
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(pepper.to_line().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        match std::fs::hard_link(&beside, path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        std::fs::File::open(folder)?.sync_all()
    };
    let written = write();
    let removed = std::fs::remove_file(&beside);
    written.and(removed).map_err(|error| failed(&error))
}
