//! Archives, read through as streams. What a file is, its first bytes tell.

use std::io::{Cursor, Read, Seek};

use flate2::read::MultiGzDecoder;
use zeroize::Zeroizing;
use zip::ZipReadOptions;
use zip::unstable::read::ZipIterable;

use super::Search;
use super::budget::Budget;
use super::place::Source;

/// How deep archives may lie in each other; `.tar.gz` is two.
const DEPTH_MAX: u32 = 8;
/// How large a zip may be that comes as a stream: its list of contents is at
/// its end, so it has to be kept.
const KEPT_MAX: u64 = 32 << 20;
/// How long a name in a tar may be.
const NAME_MAX: u64 = 4_096;

enum Kind {
    Gzip,
    Tar,
    Zip,
    /// Packed in a way that is not read.
    Other(&'static str),
    Plain,
}

/// Whether a zip begins like this; an empty one has no other beginning.
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

impl Kind {
    fn of(head: &[u8]) -> Self {
        let others: [(&[u8], &str); 4] = [
            (b"BZh", "bzip2"),
            (b"\xfd7zXZ\0", "xz"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
            (b"7z\xbc\xaf\x27\x1c", "7z"),
        ];
        if head.starts_with(b"\x1f\x8b\x08") {
            Self::Gzip
        } else if is_zip(head) {
            Self::Zip
        } else if head.get(257..262) == Some(b"ustar") {
            Self::Tar
        } else if let Some((_, name)) = others.iter().find(|(magic, _)| head.starts_with(magic)) {
            Self::Other(name)
        } else {
            Self::Plain
        }
    }
}

impl Search {
    /// Searches a stream, and through it where it is an archive.
    pub(super) fn stream(
        &mut self,
        source: &Source,
        input: &mut dyn Read,
        depth: u32,
        budget: &Budget,
    ) {
        let mut head = Zeroizing::new(Vec::with_capacity(512));
        if let Err(error) = Read::take(&mut *input, 512).read_to_end(&mut head) {
            return self.unread(source, &error);
        }
        let kind = Kind::of(&head);
        let mut input = Cursor::new(&*head).chain(input);
        if depth >= DEPTH_MAX && matches!(kind, Kind::Gzip | Kind::Tar | Kind::Zip) {
            self.unread(source, &"archives lie too deep in each other: not opened");
            return self.bytes(source, &mut input);
        }
        match kind {
            Kind::Gzip => {
                let mut unpacked = budget.of(MultiGzDecoder::new(input));
                self.stream(source, &mut unpacked, depth + 1, budget);
            }
            Kind::Tar => self.tar(source, &mut input, depth, budget),
            Kind::Zip => self.kept_zip(source, &mut input, depth, budget),
            Kind::Other(name) => {
                self.note(
                    source,
                    &format!("{name} is not unpacked: keys in it are not seen"),
                );
                self.bytes(source, &mut input);
            }
            Kind::Plain => self.bytes(source, &mut input),
        }
    }

    /// Searches each member of a tar, and what comes behind its end.
    fn tar(&mut self, source: &Source, input: &mut dyn Read, depth: u32, budget: &Budget) {
        // Not in the library's words: they quote what stands there, which may
        // be a key. What the stream itself has to say, it says again below.
        if self.members(source, input, depth, budget).is_err() {
            self.unread(source, &"a broken tar: the rest is searched as it is");
        }
        self.bytes(source, input);
    }

    fn members(
        &mut self,
        source: &Source,
        input: &mut dyn Read,
        depth: u32,
        budget: &Budget,
    ) -> std::io::Result<()> {
        let mut archive = tar::Archive::new(input);
        let mut long_name = None;
        // Raw: otherwise the names of members would be kept, however long.
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            let kind = entry.header().entry_type();
            if kind.is_gnu_longname() || kind.is_pax_local_extensions() {
                let mut text = Vec::new();
                entry.by_ref().take(NAME_MAX).read_to_end(&mut text)?;
                long_name = match kind.is_gnu_longname() {
                    true => Some(text),
                    false => pax_path(&text).or(long_name),
                };
                continue;
            }
            let name = long_name
                .take()
                .unwrap_or_else(|| entry.path_bytes().into_owned());
            let name = String::from_utf8_lossy(&name);
            let member = source.member(name.trim_end_matches('\0'));
            if !budget.member() {
                self.unread(&member, &"too much in one archive: the rest is not opened");
                return Ok(());
            }
            self.stream(&member, &mut entry, depth + 1, budget);
        }
        Ok(())
    }

    /// Searches a zip that comes as a stream.
    fn kept_zip(&mut self, source: &Source, input: &mut dyn Read, depth: u32, budget: &Budget) {
        let mut kept = Zeroizing::new(Vec::new());
        if let Err(error) = Read::take(&mut *input, KEPT_MAX + 1).read_to_end(&mut kept) {
            return self.unread(source, &error);
        }
        if kept.len() as u64 > KEPT_MAX {
            let mib = KEPT_MAX >> 20;
            self.unread(
                source,
                &format!("a zip in another archive or in a pipe is opened up to {mib} MiB only"),
            );
            return self.bytes(source, &mut Cursor::new(&*kept).chain(input));
        }
        self.zip(source, Cursor::new(&**kept), depth, budget);
    }

    /// Searches each member of a zip.
    pub(super) fn zip<R: Read + Seek>(
        &mut self,
        source: &Source,
        reader: R,
        depth: u32,
        budget: &Budget,
    ) {
        // Its list of contents is not kept, however long.
        let mut archive = match ZipIterable::try_new(reader, Default::default()) {
            Ok(archive) => archive,
            Err(error) => return self.unread(source, &error),
        };
        let entries = match archive.files() {
            Ok(entries) => entries,
            Err(error) => return self.unread(source, &error),
        };
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.unread(source, &error),
            };
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let member = source.member(&name);
            if !budget.member() {
                return self.unread(source, &"too much in one archive: the rest is not read");
            }
            match entry.with_reader(entries.reader_mut(), ZipReadOptions::new()) {
                Ok(file) => {
                    let mut unpacked = budget.of(file);
                    self.stream(&member, &mut unpacked, depth + 1, budget);
                }
                Err(error) => self.unread(&member, &error),
            }
        }
    }
}

/// The `path` of a pax header: records `LENGTH KEY=VALUE\n`.
fn pax_path(mut text: &[u8]) -> Option<Vec<u8>> {
    loop {
        let blank = text.iter().position(|byte| *byte == b' ')?;
        let length: usize = str::from_utf8(text.get(..blank)?).ok()?.parse().ok()?;
        let record = text.get(blank + 1..length.checked_sub(1)?)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(path.to_vec());
        }
        text = text.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pax_header_gives_the_name() {
        let header = b"20 mtime=1234567890\n16 path=long/on\n";
        assert_eq!(pax_path(header).as_deref(), Some(&b"long/on"[..]));
        for broken in ["", "x", "5", "0 path=x\n", "99 path=x\n", "1 ", "7 a=b\n"] {
            assert_eq!(pax_path(broken.as_bytes()), None, "{broken}");
        }
    }
}
