//! What lies in the journals and is not in the tables yet.

use std::io;
use std::path::Path;

use torvus_audit::journal::{Found, Frame, SegmentReader, segments};

use crate::Store;
use crate::chains::{self, Position};
use crate::indexing::IndexError;

/// What waits to be indexed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many whole records.
    pub records: u64,
    /// How many segments end, or are broken, in bytes that are no record.
    pub broken: u64,
}

/// Looks through a folder of journals, and changes nothing.
///
/// # Errors
///
/// [`IndexError`] where the folder or the database can't be read.
pub fn count(store: &Store, folder: &Path) -> Result<Backlog, IndexError> {
    let mut backlog = Backlog::default();
    for name in segments(folder)? {
        let position = store.read(|c| chains::find(c, name.chain))?;
        let position = position.unwrap_or_else(|| Position::genesis(name.chain));
        if name.number < position.segment {
            continue;
        }
        let from = match name.number == position.segment {
            true => position.place,
            false => 0,
        };
        let mut reader = match SegmentReader::open(folder, name, from, u64::MAX) {
            // The server was faster, and has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                backlog.broken += 1;
                continue;
            }
            opened => opened?,
        };
        while let Found::Frame(frame) = reader.next_frame()? {
            backlog.records += u64::from(matches!(frame, Frame::Record { .. }));
        }
        let length = std::fs::metadata(name.path(folder)).map_or(0, |file| file.len());
        backlog.broken += u64::from(length > reader.offset());
    }
    Ok(backlog)
}
