//! Searches files for keys: folders are walked, archives read through, all of
//! it as streams.

mod archive;
mod budget;
mod files;
mod finds;
mod gunzip;
mod history;
mod place;
mod tail;
mod zip_end;

use std::io::{ErrorKind, Read};

use torvus_key_core::KeyScanner;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::progress::Progress;
use finds::Finds;
use history::History;
use place::{Place, Source};

pub(crate) use finds::Find;

/// How much is read at once.
const STEP: usize = 64 * 1024;

/// A search that is under way.
pub(crate) struct Search {
    finds: Finds,
    progress: Progress,
    unread: u64,
}

/// What a search gave.
pub(crate) struct Found {
    /// The keys, each once.
    pub(crate) keys: Vec<Find>,
    /// How many files, or parts of archives, could not be read. Each was named.
    pub(crate) unread: u64,
}

impl Search {
    /// Starts one that keeps each key's first place, or all of them.
    pub(crate) fn start(all_places: bool) -> Result<Self, Failure> {
        Ok(Self {
            finds: Finds::new(all_places)?,
            progress: Progress::of_bytes("searched"),
            unread: 0,
        })
    }

    /// Ends it.
    pub(crate) fn end(self) -> Found {
        self.progress.end();
        Found {
            keys: self.finds.all,
            unread: self.unread,
        }
    }

    /// Searches what is no archive, or is not to be opened as one.
    fn bytes(&mut self, source: &Source, input: &mut dyn Read) {
        let mut buffer = Zeroizing::new(vec![0; STEP]);
        let mut scanner = KeyScanner::new();
        let mut history = None;
        let mut first = true;
        loop {
            let read = match input.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return self.unread(source, &error),
            };
            let piece = buffer.get(..read).unwrap_or_default();
            if std::mem::take(&mut first) {
                history = History::begins(piece);
            }
            match &mut history {
                None => self.piece(source, &mut scanner, piece, None),
                // Line by line: a find comes with the end of its key, so
                // before the next line can change the commit or the file.
                Some(history) => {
                    for line in piece.split_inclusive(|byte| *byte == b'\n') {
                        self.piece(source, &mut scanner, line, Some(history));
                        history.feed(line);
                    }
                }
            }
            self.progress.add(read as u64);
        }
    }

    fn piece(
        &mut self,
        source: &Source,
        scanner: &mut KeyScanner,
        piece: &[u8],
        history: Option<&History>,
    ) {
        scanner.feed(piece, |found| {
            let mut place = Place::new(source, found.line, found.column);
            if let Some(history) = history {
                place = place.in_history(history.commit(), history.file());
            }
            self.finds.add(found.token, place);
        });
    }

    /// Something could not be read: it is named, and the rest goes on.
    fn unread(&mut self, source: &Source, why: &dyn std::fmt::Display) {
        self.unread += 1;
        self.note(source, why);
    }

    fn note(&self, source: &Source, what: &dyn std::fmt::Display) {
        self.progress
            .note(&format!("{source}: {}", place::shown(&what.to_string())));
    }
}
