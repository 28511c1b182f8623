//! Files and folders.

use std::fs::{File, OpenOptions};
use std::io::Seek;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::budget::Budget;
use super::place::Source;
use super::{Search, archive};

impl Search {
    /// Searches a file, everything in a folder, or, as `-`, standard input.
    pub(crate) fn path(&mut self, path: &Path) {
        let source = source_of(path);
        if path.as_os_str() == "-" {
            let mut input = std::io::stdin().lock();
            return self.stream(&source, &mut input, 0, &Budget::new());
        }
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => self.folder(path),
            // Whatever it is: it was named.
            Ok(_) => match File::open(path) {
                Ok(file) => self.file(&source, file),
                Err(error) => self.unread(&source, &error),
            },
            Err(error) => self.unread(&source, &error),
        }
    }

    /// Searches all files in a folder and in those below it, in the order of
    /// their names. Links are not followed, and what is neither a file nor a
    /// folder is left alone.
    fn folder(&mut self, top: &Path) {
        let mut folders = vec![top.to_owned()];
        while let Some(folder) = folders.pop() {
            let inside = match listed(&folder) {
                Ok(inside) => inside,
                Err(error) => {
                    self.unread(&source_of(&folder), &error);
                    continue;
                }
            };
            let below = folders.len();
            for (path, kind) in inside {
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    self.listed_file(&path);
                }
            }
            // The last one is taken next.
            folders.get_mut(below..).unwrap_or_default().reverse();
        }
    }

    /// Opens what was a file when the folder was listed.
    fn listed_file(&mut self, path: &Path) {
        let source = source_of(path);
        // Nobody can have put a link, or a pipe that blocks, in its place.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
            .and_then(|file| Ok((file.metadata()?.is_file(), file)));
        match opened {
            Ok((true, file)) => self.file(&source, file),
            Ok((false, _)) => {}
            Err(error) => self.unread(&source, &error),
        }
    }

    fn file(&mut self, source: &Source, mut file: File) {
        let budget = Budget::new();
        // A pipe can't go back, so it is read as the stream that it is.
        if file.stream_position().is_err() {
            return self.stream(source, &mut file, 0, &budget);
        }
        // Where something can't be read now, it is told of below.
        let is_zip = archive::is_zip_file(&file).unwrap_or(false);
        match file.rewind() {
            Ok(()) if is_zip => self.zip(source, &mut file, 0, &budget),
            Ok(()) => self.stream(source, &mut file, 0, &budget),
            Err(error) => self.unread(source, &error),
        }
    }
}

fn source_of(path: &Path) -> Source {
    Source::new(&path.to_string_lossy())
}

/// What is in a folder, by name.
fn listed(folder: &Path) -> std::io::Result<Vec<(PathBuf, std::fs::FileType)>> {
    let mut inside = std::fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.path(), entry.file_type()?))
        })
        .collect::<std::io::Result<Vec<_>>>()?;
    inside.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(inside)
}
