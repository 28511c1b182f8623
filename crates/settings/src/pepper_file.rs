//! The file of peppers, written anew.

use std::fs::{Metadata, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use torvus_key_core::{Pepper, PepperRing, PepperVersion};
use zeroize::Zeroizing;

use crate::settings::folder;
use crate::{PepperSource, Settings, SettingsError};

impl Settings {
    /// The file that the pepper is read from, if it is one.
    ///
    /// # Errors
    /// [`SettingsError`] where the pepper is text of the environment, which no
    /// program can change.
    pub fn pepper_file(&self) -> Result<&Path, SettingsError> {
        match &self.pepper {
            PepperSource::File(path) | PepperSource::DataDir(path) => Ok(path),
            PepperSource::Given { origin, .. } => Err(SettingsError::new(format!(
                "the pepper is the text of {origin}, which can't be written from here: keep it in a \
                 file, and name that in {origin}_FILE or --pepper-file"
            ))),
        }
    }

    /// Adds a pepper as the last line of the file, so that it is the current
    /// one. The file is never seen half written.
    ///
    /// # Errors
    /// [`SettingsError`] where it can't be written; then it is as it was.
    pub fn append_pepper(&self, ring: &PepperRing, new: &Pepper) -> Result<(), SettingsError> {
        replace(self.pepper_file()?, &lines(ring.iter().chain([new])))
    }

    /// Takes a version out of the file.
    ///
    /// # Errors
    /// As of [`Settings::append_pepper`].
    pub fn remove_pepper(
        &self,
        ring: &PepperRing,
        version: PepperVersion,
    ) -> Result<(), SettingsError> {
        let others = ring.iter().filter(|pepper| pepper.version() != version);
        replace(self.pepper_file()?, &lines(others))
    }
}

/// Writes these peppers and the new one, which is current, to a new file that
/// only its owner can read.
///
/// # Errors
/// [`SettingsError`] where there is such a file, or it can't be written.
pub fn write_new_pepper_file(
    path: &Path,
    ring: &PepperRing,
    new: &Pepper,
) -> Result<(), SettingsError> {
    write(path, &lines(ring.iter().chain([new])), None)
        .map_err(|error| failed(path, &error, "can't be made"))
}

fn lines<'a>(peppers: impl Iterator<Item = &'a Pepper>) -> Zeroizing<String> {
    let lines: Vec<Zeroizing<String>> = peppers.map(Pepper::to_line).collect();
    // With its whole length from the start, so that it never grows and leaves a copy behind.
    let length = lines.iter().map(|line| line.len() + 1).sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for line in &lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Writes beside the file, and puts that in its place in one step.
fn replace(path: &Path, text: &str) -> Result<(), SettingsError> {
    let replaced = || -> std::io::Result<()> {
        // What a link leads to is replaced, not the link.
        let path = path.canonicalize()?;
        let old = path.metadata()?;
        let beside = beside(&path)?;
        let moved = write(&beside, text, Some(&old))
            .and_then(|()| std::fs::rename(&beside, &path))
            .and_then(|()| std::fs::File::open(folder(&path))?.sync_all());
        if moved.is_err() && beside.exists() {
            std::fs::remove_file(&beside)?;
        }
        moved
    };
    replaced().map_err(|error| failed(path, &error, "can't be written"))
}

/// A name that nobody else uses at the same time.
pub(crate) fn beside(path: &Path) -> std::io::Result<PathBuf> {
    let mut name = [0_u8; 8];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut name)
        .map_err(std::io::Error::other)?;
    Ok(folder(path).join(format!(".pepper-{:016x}", u64::from_le_bytes(name))))
}

/// What a pepper's file may let others do at most: its group may read it.
const MODE_MAX: u32 = 0o640;

/// Writes a new file, down to the disk: one that only its owner can read, or
/// where it is to replace an `old` one, with that one's owner, group and mode
/// up to [`MODE_MAX`]. A server under another user must be able to read what an
/// administrator wrote.
fn write(path: &Path, text: &str, old: Option<&Metadata>) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    if let Some(old) = old {
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (old.uid(), old.gid()) {
            std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        // After the group is the right one: nobody else's may read it for a moment.
        file.set_permissions(Permissions::from_mode(old.mode() & MODE_MAX))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn failed(path: &Path, error: &std::io::Error, what: &str) -> SettingsError {
    SettingsError::new(format!("pepper {}: {what}: {error}", path.display()))
}
