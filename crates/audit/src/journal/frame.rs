//! What stands in a segment: frames with a length and a checksum.
//!
//! ```text
//! frame  = length u32 | CRC-32 u32 | body        numbers little-endian; the CRC is of the body
//! record = 1 | seq u64 | hash 32 bytes | length of the line u32 | line | what is used of limits, JSON
//! intent = 2 | line
//! ```

use torvus_domain::Spent;

use crate::{AuditRecord, Hash, Head};

/// Longer than any record can be.
const BODY_MAX: usize = 256 * 1024;
const HEAD_BYTES: usize = 8;

/// What a segment holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A record of the chain.
    Record {
        /// Its place in the chain, and the hash.
        head: Head,
        /// The record as it is chained.
        line: String,
        /// What the request left of its budgets.
        spent: Vec<Spent>,
    },
    /// Something is about to be changed: the record as it stands then. It is
    /// in no chain; the record that follows has the same identifier.
    Intent(Box<AuditRecord>),
}

/// Adds a record.
pub(super) fn put_record(buffer: &mut Vec<u8>, head: &Head, line: &str, spent: &[Option<Spent>]) {
    let spent: Vec<&Spent> = spent.iter().flatten().collect();
    put(buffer, |body| {
        body.push(1);
        body.extend_from_slice(&head.seq.to_le_bytes());
        body.extend_from_slice(head.hash.as_bytes());
        body.extend_from_slice(&length_of(line.as_bytes()).to_le_bytes());
        body.extend_from_slice(line.as_bytes());
        if !spent.is_empty() {
            // Nothing in it can't be written.
            body.extend_from_slice(&serde_json::to_vec(&spent).unwrap_or_default());
        }
    });
}

/// Adds an intent.
pub(super) fn put_intent(buffer: &mut Vec<u8>, line: &str) {
    put(buffer, |body| {
        body.push(2);
        body.extend_from_slice(line.as_bytes());
    });
}

fn put(buffer: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEAD_BYTES]);
    fill(buffer);
    let body = buffer.get(start + HEAD_BYTES..).unwrap_or_default();
    let head = [
        length_of(body).to_le_bytes(),
        crc32fast::hash(body).to_le_bytes(),
    ];
    if let Some(place) = buffer.get_mut(start..start + HEAD_BYTES) {
        place.copy_from_slice(head.as_flattened());
    }
}

fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// What the next bytes are.
pub(super) enum Next {
    /// A frame, and how many bytes it took.
    Frame(Frame, usize),
    /// The beginning of one.
    Incomplete,
    /// None.
    Damaged,
}

/// Reads the frame at the beginning of these bytes.
pub(super) fn next(bytes: &[u8]) -> Next {
    let (Some(length), Some(crc)) = (number(bytes, 0), number(bytes, 4)) else {
        return Next::Incomplete;
    };
    let Some(length) = usize::try_from(length).ok().filter(|l| *l <= BODY_MAX) else {
        return Next::Damaged;
    };
    let Some(body) = bytes.get(HEAD_BYTES..HEAD_BYTES + length) else {
        return Next::Incomplete;
    };
    if crc32fast::hash(body) != crc {
        return Next::Damaged;
    }
    match read(body) {
        Some(frame) => Next::Frame(frame, HEAD_BYTES + length),
        None => Next::Damaged,
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

fn read(body: &[u8]) -> Option<Frame> {
    let (kind, rest) = body.split_first()?;
    match kind {
        1 => {
            let (seq, rest) = rest.split_at_checked(8)?;
            let (hash, rest) = rest.split_at_checked(32)?;
            let length = usize::try_from(number(rest, 0)?).ok()?;
            let (line, spent) = rest.get(4..)?.split_at_checked(length)?;
            let spent = match spent {
                [] => Vec::new(),
                spent => serde_json::from_slice(spent).ok()?,
            };
            Some(Frame::Record {
                head: Head {
                    seq: u64::from_le_bytes(seq.try_into().ok()?),
                    hash: Hash::from_bytes(hash.try_into().ok()?),
                },
                line: String::from_utf8(line.to_vec()).ok()?,
                spent,
            })
        }
        2 => {
            let line = std::str::from_utf8(rest).ok()?;
            let record = AuditRecord::from_line(line).ok()?;
            Some(Frame::Intent(Box::new(record)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use torvus_domain::{Category, ChainId, Outcome, Timestamp};

    use super::*;

    fn written() -> (Vec<u8>, Vec<Frame>) {
        let record = AuditRecord::new(Timestamp::UNIX_EPOCH, Category::ApiActivity, Outcome::Ok);
        let line = record.to_line();
        let head = Head::genesis(ChainId::nil()).next(line.as_bytes());
        let mut bytes = Vec::new();
        put_intent(&mut bytes, &line);
        put_record(&mut bytes, &head, &line, &[None, None]);
        let frames = vec![
            Frame::Intent(Box::new(record)),
            Frame::Record {
                head,
                line,
                spent: Vec::new(),
            },
        ];
        (bytes, frames)
    }

    #[test]
    fn frames_are_read_back() {
        let (bytes, frames) = written();
        let mut at = 0;
        for frame in frames {
            let Next::Frame(read, length) = next(&bytes[at..]) else {
                panic!("no frame at {at}");
            };
            assert_eq!(read, frame);
            at += length;
        }
        assert_eq!(at, bytes.len());
        assert!(matches!(next(&bytes[at..]), Next::Incomplete));
    }

    #[test]
    fn each_cut_is_incomplete_and_each_flipped_bit_is_damage() {
        let (bytes, _) = written();
        let Next::Frame(_, length) = next(&bytes) else {
            panic!("no frame");
        };
        for cut in 0..length {
            assert!(matches!(next(&bytes[..cut]), Next::Incomplete), "{cut}");
        }
        for bit in 0..length * 8 {
            let mut flipped = bytes[..length].to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // A longer length may reach behind what is there.
            assert!(!matches!(next(&flipped), Next::Frame(..)), "{bit}");
        }
    }
}
