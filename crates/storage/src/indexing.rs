//! From the journals into the tables: in one transaction the records, what
//! they mean for usage and limits, and how far the journal was read. So a
//! crash at any point repeats nothing and loses nothing, and it does not
//! matter who indexes: the server, or a command that is about to read.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use torvus_audit::AuditRecord;
use torvus_audit::journal::{Found, Frame, SegmentName, SegmentReader, segments};
use torvus_domain::{AuditId, ChainId, Outcome};

use crate::audit::{self, Entry};
use crate::chains::{self, Position};
use crate::roll_ups::RollUps;
use crate::turn::Turn;
use crate::{Conn, StorageError, Store};

/// What a segment is called that was set aside.
const DAMAGED: &str = "damaged";

/// How many records are read before they are written.
const BATCH: usize = 4_096;
/// How many are written to PostgreSQL at once.
const STATEMENT: usize = 500;
/// How many are written before looking whether somebody waits for the turn.
const STEP: usize = 64;
/// How many rows of sums one transaction may have: they are stored after its
/// records, however long somebody waits by then.
const ROLL_UPS_MAX: usize = 2_000;

/// Why the journals could not be indexed to their end.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The database can't be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The journal can't be read.
    #[error("the journal can't be read: {0}")]
    Journal(#[from] io::Error),
    /// A journal holds what no server of ours left there.
    #[error("the journal {file} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The chain.
        chain: ChainId,
        /// The segment's file.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
}

/// How far a chain may be read: segment and offset. A server knows what is
/// safe; whoever does not reads as far as there are whole records.
pub type SafeUpTo<'a> = &'a dyn Fn(ChainId) -> Option<(u32, u64)>;

/// What is done between two transactions.
pub type Rest<'a> = &'a dyn Fn(Duration);

/// What indexing found and left.
#[derive(Debug, Default)]
pub struct Indexed {
    /// How many records were added.
    pub records: usize,
    /// Segments of which nothing is left to be indexed, and which are not the
    /// last of their chain.
    pub done: Vec<SegmentName>,
    /// Where segments end in bytes that are no whole record: a server is
    /// writing there, or was stopped while it did.
    pub torn: Vec<(SegmentName, u64)>,
}

/// Indexes everything that lies in a folder of journals.
///
/// # Errors
///
/// [`IndexError`]; what was indexed until then stays.
pub fn catch_up(
    store: &Store,
    folder: &Path,
    safe_up_to: SafeUpTo<'_>,
) -> Result<Indexed, IndexError> {
    catch_up_gently(store, folder, safe_up_to, &|_| {})
}

/// [`catch_up`] for who has time: after each transaction `rest` is called, with
/// the processor time of this thread that it took, and may wait.
///
/// # Errors
///
/// As of [`catch_up`].
pub fn catch_up_gently(
    store: &Store,
    folder: &Path,
    safe_up_to: SafeUpTo<'_>,
    rest: Rest<'_>,
) -> Result<Indexed, IndexError> {
    let mut indexed = Indexed::default();
    for (chain, numbers) in chains_in(folder)? {
        let limit = safe_up_to(chain);
        let mut position = store
            .read(|c| chains::find(c, chain))?
            .unwrap_or_else(|| Position::genesis(chain));
        for number in &numbers {
            let name = SegmentName {
                chain,
                number: *number,
            };
            if *number < position.segment {
                indexed.done.push(name);
                continue;
            }
            let end = match limit {
                Some((safe, _)) if *number > safe => break,
                Some((safe, offset)) if *number == safe => offset,
                _ => u64::MAX,
            };
            indexed.records += segment(store, folder, name, &mut position, end, rest)?;
            if end == u64::MAX && position.segment == name.number {
                let torn = torn(folder, name, position.place)?;
                indexed.torn.extend(torn.map(|offset| (name, offset)));
            }
        }
    }
    Ok(indexed)
}

fn chains_in(folder: &Path) -> io::Result<BTreeMap<ChainId, Vec<u32>>> {
    let mut chains: BTreeMap<ChainId, Vec<u32>> = BTreeMap::new();
    for name in segments(folder)? {
        chains.entry(name.chain).or_default().push(name.number);
    }
    Ok(chains)
}

/// Indexes one segment from the position on, which moves along.
fn segment(
    store: &Store,
    folder: &Path,
    name: SegmentName,
    position: &mut Position,
    end: u64,
    rest: Rest<'_>,
) -> Result<usize, IndexError> {
    let from = if name.number == position.segment {
        position.place
    } else {
        0
    };
    let damaged = |offset, what| IndexError::Damaged {
        chain: name.chain,
        file: name.path(folder).display().to_string(),
        offset,
        what,
    };
    let mut reader = match SegmentReader::open(folder, name, from, end) {
        // The server was faster, and has removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(damaged(0, "its title is that of no segment"));
        }
        opened => opened?,
    };
    let (mut records, mut began) = (0, thread_time());
    loop {
        let mut batch = Batch::default();
        let mut head = position.head;
        // What is before damage is good, and is kept.
        let more = loop {
            let offset = reader.offset();
            match reader.next_frame()? {
                // A length that was changed looks like a frame that isn't whole.
                Found::End if end != u64::MAX || reader.is_tail()? => break Ok(false),
                Found::Damage if end == u64::MAX && reader.is_tail()? => break Ok(false),
                Found::End | Found::Damage => {
                    break Err(damaged(offset, "these bytes are no record"));
                }
                Found::Frame(Frame::Intent(_)) => {}
                Found::Frame(Frame::Record {
                    head: told,
                    line,
                    spent,
                }) => {
                    let next = head.next(line.as_bytes());
                    if next != told {
                        let what = "a record that is not the next of its chain";
                        break Err(damaged(offset, what));
                    }
                    let Ok(mut record) = AuditRecord::from_line(&line) else {
                        break Err(damaged(offset, "a line that is no record"));
                    };
                    head = next;
                    for (slot, spent) in record.spent.iter_mut().zip(spent) {
                        *slot = Some(spent);
                    }
                    batch.places.push(reader.offset());
                    batch.entries.push(Entry {
                        record,
                        line,
                        chain: name.chain,
                        head,
                    });
                }
            }
            if batch.entries.len() >= BATCH {
                break Ok(true);
            }
        };
        if batch.entries.is_empty() {
            return more.map(|_| records);
        }
        if batch.write(store, name, position, &mut began, rest)? {
            records += batch.entries.len();
        } else {
            let found = store.read(|c| chains::find(c, name.chain))?;
            *position = found.unwrap_or_else(|| Position::genesis(name.chain));
            if position.segment != name.number {
                return Ok(records);
            }
            reader = SegmentReader::open(folder, name, position.place, end)?;
            continue;
        }
        if !more? {
            return Ok(records);
        }
    }
}

/// Records that follow each other in a segment, each with where the next begins.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    places: Vec<u64>,
}

impl Batch {
    /// Writes them all, with as many transactions as others leave it, and moves
    /// the position along; false where somebody else is doing the same.
    fn write(
        &self,
        store: &Store,
        name: SegmentName,
        position: &mut Position,
        began: &mut Duration,
        rest: Rest<'_>,
    ) -> Result<bool, StorageError> {
        let mut written = 0;
        let left = |written| self.entries.get(written..).filter(|left| !left.is_empty());
        while let Some(left) = left(written) {
            store.give_way();
            let next = store.index(|c, turn| {
                // Somebody else may have indexed it meanwhile; then all of it.
                if chains::hold(c, name.chain)?.head != position.head {
                    return Ok(None);
                }
                let done = insert_some(c, left, turn)?;
                let last = (written + done).saturating_sub(1);
                let (Some(entry), Some(place)) = (self.entries.get(last), self.places.get(last))
                else {
                    return Ok(None);
                };
                let next = Position {
                    head: entry.head,
                    at: entry.record.at,
                    segment: name.number,
                    place: *place,
                };
                chains::advance(c, name.chain, &next)?;
                Ok(Some((next, done)))
            })?;
            let Some((next, done)) = next else {
                return Ok(false);
            };
            *position = next;
            written += done;
            rest(thread_time().saturating_sub(*began));
            *began = thread_time();
        }
        Ok(true)
    }
}

/// The processor time that this thread has had.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Adds entries and what they mean until somebody waits for the turn, or there
/// is so much that somebody might wait for it too long; how many.
fn insert_some(c: &mut Conn, entries: &[Entry], turn: &Turn) -> Result<usize, StorageError> {
    let (mut roll_ups, mut done) = (RollUps::default(), 0);
    // On PostgreSQL all can write, and a statement has its time.
    let step = if turn.is_free() { STATEMENT } else { STEP };
    for some in entries.chunks(step) {
        audit::insert_rows(c, some, &mut roll_ups)?;
        done += some.len();
        if turn.is_free() || roll_ups.rows() >= ROLL_UPS_MAX || turn.is_wanted() {
            break;
        }
    }
    roll_ups.store(c)?;
    Ok(done)
}

/// Where the whole frames end that follow a place, if that is not the end.
fn torn(folder: &Path, name: SegmentName, from: u64) -> io::Result<Option<u64>> {
    let mut reader = match SegmentReader::open(folder, name, from, u64::MAX) {
        // The server has removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    while let Found::Frame(_) = reader.next_frame()? {}
    let length = std::fs::metadata(name.path(folder)).map_or(0, |file| file.len());
    Ok(Some(reader.offset()).filter(|rest| length > *rest))
}

/// Ends the chains that a process left when it was killed: what was about to
/// be changed, and has no outcome, gets one that says so. Only for whoever
/// holds the lock of the folder, before anything is recorded; afterwards all
/// segments that are there have done their duty, and are given back.
///
/// # Errors
///
/// As of [`catch_up`].
pub fn recover(store: &Store, folder: &Path) -> Result<Vec<SegmentName>, IndexError> {
    loop {
        match catch_up(store, folder, &|_| None) {
            Ok(indexed) => {
                for (name, offset) in indexed.torn {
                    tracing::warn!(
                        file = %name.path(folder).display(),
                        offset,
                        "what was being written when the server was stopped is left out"
                    );
                }
                break;
            }
            Err(IndexError::Damaged {
                chain,
                file,
                offset,
                what,
            }) => {
                tracing::error!(file, offset, what, "a journal is damaged and is set aside");
                end_open(store, folder, chain)?;
                set_aside(folder, chain)?;
            }
            Err(error) => return Err(error),
        }
    }
    for chain in chains_in(folder)?.into_keys() {
        end_open(store, folder, chain)?;
    }
    Ok(segments(folder)?)
}

/// Ends what a chain has open, in any of its segments: the last one may have
/// been begun without what it should carry along.
fn end_open(store: &Store, folder: &Path, chain: ChainId) -> Result<(), IndexError> {
    let mut open = BTreeMap::new();
    for name in segments(folder)? {
        if name.chain == chain {
            note_open(folder, name, &mut open)?;
        }
    }
    Ok(store.write(|c| end_unknown(c, chain, &open))?)
}

/// Renames the segments of a chain, so that they are kept and not read.
fn set_aside(folder: &Path, chain: ChainId) -> io::Result<()> {
    for name in segments(folder)?
        .into_iter()
        .filter(|name| name.chain == chain)
    {
        let path = name.path(folder);
        std::fs::rename(&path, path.with_extension(DAMAGED))?;
    }
    Ok(())
}

/// The segments that were found damaged and set aside.
///
/// # Errors
///
/// Where the folder can't be read.
pub fn damaged(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == DAMAGED)
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Notes what a segment begins, and strikes out what it ends.
fn note_open(
    folder: &Path,
    name: SegmentName,
    open: &mut BTreeMap<AuditId, AuditRecord>,
) -> Result<(), IndexError> {
    let mut reader = match SegmentReader::open(folder, name, 0, u64::MAX) {
        // Its title is damaged: there is nothing in it that could be believed.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(()),
        opened => opened?,
    };
    while let Found::Frame(frame) = reader.next_frame()? {
        match frame {
            Frame::Intent(record) => drop(open.insert(record.id, *record)),
            // Its end is there, and may have been pruned from the tables since.
            Frame::Record { line, .. } => {
                if let Ok(record) = AuditRecord::from_line(&line) {
                    open.remove(&record.id);
                }
            }
        }
    }
    Ok(())
}

fn end_unknown(
    c: &mut Conn,
    chain: ChainId,
    open: &BTreeMap<AuditId, AuditRecord>,
) -> Result<(), StorageError> {
    let mut ends = Vec::new();
    for intent in open.values() {
        if !audit::has_end(c, intent)? {
            let mut record = intent.clone();
            record.status = None;
            record.outcome = Outcome::Unknown;
            ends.push(record);
        }
    }
    if ends.is_empty() {
        return Ok(());
    }
    audit::append_to(c, chain, ends.into_iter())
}
