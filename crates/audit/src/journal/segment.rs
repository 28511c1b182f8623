//! Segments: the files of a journal.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use torvus_domain::ChainId;

use super::frame::{Frame, Next, next};

/// How segments are called.
const EXTENSION: &str = "seg";
/// How much of a segment is read at once.
const PIECE: usize = 1 << 20;

/// Names a segment: the chain that it belongs to, and its place among the
/// segments of that chain, from 1 up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// The chain.
    pub chain: ChainId,
    /// The place.
    pub number: u32,
}

impl SegmentName {
    /// The file in a journal's folder.
    #[must_use]
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}-{:08}.{EXTENSION}", self.chain, self.number))
    }

    fn of(path: &Path) -> Option<Self> {
        if path.extension()? != EXTENSION {
            return None;
        }
        let (chain, number) = path.file_stem()?.to_str()?.rsplit_once('-')?;
        Some(Self {
            chain: chain.parse().ok()?,
            number: number.parse().ok()?,
        })
    }

    /// The first line of its file.
    pub(super) fn title(&self) -> String {
        format!("torvus-journal 1 {} {}\n", self.chain, self.number)
    }
}

/// The segments in a folder, each chain's in their order.
///
/// # Errors
/// Where the folder can't be read. One that is not there has none.
pub fn segments(folder: &Path) -> io::Result<Vec<SegmentName>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(SegmentName::of(&entry?.path()));
    }
    names.sort_unstable();
    Ok(names)
}

/// Makes the file of a segment and writes its title.
pub(super) fn create(folder: &Path, name: SegmentName) -> io::Result<(File, u64)> {
    let path = name.path(folder);
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    let title = name.title();
    if let Err(error) = file.write_all_at(title.as_bytes(), 0) {
        // An empty file would be in the way of nothing, but of no use either.
        std::fs::remove_file(&path)?;
        return Err(error);
    }
    Ok((file, title.len() as u64))
}

/// Reads the frames of a segment.
pub struct SegmentReader {
    file: File,
    /// Where the bytes in `piece` begin.
    offset: u64,
    piece: Vec<u8>,
    /// How much of `piece` was handed out.
    taken: usize,
    /// Nothing behind this is looked at.
    end: u64,
}

/// What is at a place in a segment.
#[derive(Debug)]
pub enum Found {
    /// A frame.
    Frame(Frame),
    /// The end, or a frame that was not written whole.
    End,
    /// Bytes that no writer of ours left there.
    Damage,
}

impl SegmentReader {
    /// Reads from `offset` on, or from behind the title where that is 0, up to
    /// `end`.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn open(folder: &Path, name: SegmentName, offset: u64, end: u64) -> io::Result<Self> {
        let file = File::open(name.path(folder))?;
        let title = name.title();
        let mut read = vec![0; title.len()];
        let complete = match file.read_exact_at(&mut read, 0) {
            Ok(()) => read == title.as_bytes(),
            // Cut off while it was made: nothing else is in it.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => true,
            Err(error) => return Err(error),
        };
        if !complete {
            let text = format!("{}: this is no segment of it", name.path(folder).display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Self {
            file,
            offset: offset.max(title.len() as u64),
            piece: Vec::new(),
            taken: 0,
            end,
        })
    }

    /// Where the next frame begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset + self.taken as u64
    }

    /// The next frame, if there is a whole one.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn next_frame(&mut self) -> io::Result<Found> {
        loop {
            let rest = self.piece.get(self.taken..).unwrap_or_default();
            match next(rest) {
                Next::Frame(frame, length) => {
                    self.taken += length;
                    return Ok(Found::Frame(frame));
                }
                Next::Damaged => return Ok(Found::Damage),
                Next::Incomplete if self.read_more()? => {}
                Next::Incomplete => return Ok(Found::End),
            }
        }
    }

    /// Whether no whole frame begins anywhere behind here: then what is here
    /// was being written when the writer was stopped, or is being written now.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn is_tail(&mut self) -> io::Result<bool> {
        while self.read_more()? {}
        let rest = self.piece.get(self.taken..).unwrap_or_default();
        // It was being written, and is whole by now.
        if matches!(next(rest), Next::Frame(..)) {
            return Ok(true);
        }
        let starts = 1..rest.len();
        Ok(!starts
            .filter_map(|start| rest.get(start..))
            .any(|bytes| matches!(next(bytes), Next::Frame(..))))
    }

    /// Reads a further piece; false where there is none.
    fn read_more(&mut self) -> io::Result<bool> {
        self.piece.drain(..self.taken);
        self.offset += self.taken as u64;
        self.taken = 0;
        let had = self.piece.len();
        let from = self.offset + had as u64;
        let most = usize::try_from(self.end.saturating_sub(from)).unwrap_or(PIECE);
        // The allocator hands out zeroes; mostly there is little to read.
        let mut room = vec![0; most.min(PIECE)];
        let read = self.file.read_at(&mut room, from)?;
        self.piece
            .extend_from_slice(room.get(..read).unwrap_or_default());
        Ok(read > 0)
    }
}
