//! Archives, read through as streams. What a file is, its first bytes tell.

use std::io::{BufRead, BufReader, Cursor, Read, Seek};

use zeroize::Zeroizing;
use zip::ZipReadOptions;
use zip::unstable::read::ZipIterable;

use super::budget::Budget;
use super::gunzip::{Behind, Gunzip};
use super::place::Source;
use super::tail::Tail;
use super::{Search, zip_end};

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

/// What begins a zip that has members.
const MEMBER: &[u8] = b"PK\x03\x04";
/// How much of a file tells what it is.
const HEAD: usize = 512;

/// Whether a file is a zip, by its beginning or, where that is nothing else
/// that is opened, by its end: a program that unpacks itself begins with itself.
pub(super) fn is_zip_file<R: Read + Seek>(mut file: R) -> std::io::Result<bool> {
    let mut head = Zeroizing::new(Vec::with_capacity(HEAD));
    file.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    match Kind::of(&head) {
        Kind::Zip => Ok(true),
        Kind::Plain => zip_end::is_there(file),
        _ => Ok(false),
    }
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
        } else if head.starts_with(MEMBER) || head.starts_with(zip_end::MAGIC) {
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
        let mut head = Zeroizing::new(Vec::with_capacity(HEAD));
        if let Err(error) = Read::take(&mut *input, HEAD as u64).read_to_end(&mut head) {
            // What came before that is there to be searched.
            self.bytes(source, &mut &**head);
            return self.unread(source, &error);
        }
        let kind = Kind::of(&head);
        let mut input = Cursor::new(&*head).chain(input);
        if depth >= DEPTH_MAX && matches!(kind, Kind::Gzip | Kind::Tar | Kind::Zip) {
            self.unread(source, &"archives lie too deep in each other: not opened");
            return self.bytes(source, &mut input);
        }
        match kind {
            Kind::Gzip => self.gzip(source, &mut input, depth, budget),
            Kind::Tar => self.tar(source, &mut input, depth, budget),
            Kind::Zip => self.kept_zip(source, &mut input, depth, budget),
            Kind::Other(name) => {
                let why = format!("{name} is not unpacked: keys in it are not seen");
                self.unread(source, &why);
                self.bytes(source, &mut input);
            }
            Kind::Plain => self.plain(source, &mut input),
        }
    }

    /// Searches what begins as nothing that is opened. Whether it ends as a zip
    /// is known too late to open it: a file that does is not read as a stream.
    fn plain(&mut self, source: &Source, input: &mut dyn Read) {
        let mut input = Tail::of(input);
        self.bytes(source, &mut input);
        if zip_end::is_there(Cursor::new(input.kept())).unwrap_or(false) {
            let why =
                "a zip with something before it, in another archive or in a pipe, is not opened";
            self.unread(source, &why);
        }
    }

    /// Searches what is packed with gzip, and what comes behind it.
    fn gzip(&mut self, source: &Source, input: &mut dyn Read, depth: u32, budget: &Budget) {
        let mut packed = Gunzip::new(BufReader::new(input));
        self.stream(source, &mut budget.of(&mut packed), depth + 1, budget);
        match packed.behind() {
            // Nothing, mostly; or something of its own.
            Some(Behind::Rest(mut rest)) => match rest.fill_buf() {
                Ok([]) => {}
                Ok(_) => self.stream(source, &mut rest, depth + 1, budget),
                Err(error) => self.unread(source, &error),
            },
            Some(Behind::Broken(mut rest)) => self.bytes(source, &mut rest),
            None => {}
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
            self.bytes(source, &mut &**kept);
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
        self.zip(source, &mut Cursor::new(&**kept), depth, budget);
    }

    /// Searches each member of a zip, and then what stands beside them: a
    /// comment, what comes before and behind, and what no list of contents
    /// names. A key that a member has is not told of once more.
    pub(super) fn zip<R: Read + Seek>(
        &mut self,
        source: &Source,
        file: &mut R,
        depth: u32,
        budget: &Budget,
    ) {
        let before = self.finds.places();
        self.zip_members(source, &mut *file, depth, budget);
        self.finds.pass_over(before..self.finds.places());
        match file.rewind() {
            Ok(()) => self.bytes(source, file),
            Err(error) => self.unread(source, &error),
        }
        self.finds.pass_over(0..0);
    }

    fn zip_members<R: Read + Seek>(
        &mut self,
        source: &Source,
        mut file: R,
        depth: u32,
        budget: &Budget,
    ) {
        let mut head = [0; MEMBER.len()];
        let begins = file.rewind().and_then(|()| file.read_exact(&mut head));
        // Its list of contents is not kept, however long.
        let mut archive = match ZipIterable::try_new(file, Default::default()) {
            Ok(archive) => archive,
            Err(error) => return self.unread(source, &error),
        };
        let entries = match archive.files() {
            Ok(entries) => entries,
            Err(error) => return self.unread(source, &error),
        };
        let mut listed = false;
        while let Some(entry) = entries.next() {
            listed = true;
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
        if !listed && begins.is_ok() && head == MEMBER {
            self.unread(source, &"a broken zip: its list of contents is empty");
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
