//! The end of a zip, which tells where its list of contents is.

use std::io::{Read, Result, Seek, SeekFrom};

use zeroize::Zeroizing;

/// What it begins with. An empty zip is nothing else.
pub(super) const MAGIC: &[u8] = b"PK\x05\x06";
/// Without the comment, and how long that may be.
const LEN: usize = 22;
const COMMENT_MAX: usize = 0xffff;

/// Whether a file has one, with a list before it.
pub(super) fn is_there<R: Read + Seek>(mut file: R) -> Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub((LEN + COMMENT_MAX) as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Zeroizing::new(Vec::new());
    let most = (LEN + COMMENT_MAX) as u64;
    file.by_ref().take(most).read_to_end(&mut tail)?;
    let ends = tail.windows(LEN).enumerate();
    for (place, end) in ends.filter(|(_, end)| end.starts_with(MAGIC)) {
        let Some(size) = end.get(12..16).and_then(|size| size.try_into().ok()) else {
            continue;
        };
        // A large zip tells of its list in another record, which this one has
        // before it.
        let (before, begins) = match u32::from_le_bytes(size) {
            u32::MAX => (20, b"PK\x06\x07"),
            size => (size.into(), b"PK\x01\x02"),
        };
        let list = (from + place as u64).checked_sub(before);
        if let Some(list) = list.filter(|_| before > 0) {
            let mut found = [0; 4];
            file.seek(SeekFrom::Start(list))?;
            file.read_exact(&mut found)?;
            if found == *begins {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
