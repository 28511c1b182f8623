//! What a disk may hold after a power cut, by the system calls of a server.
//!
//! A write is on the disk when an `fsync` or `fdatasync` of its file has begun after it and has succeeded; a name
//! is, once its folder was synced. Until then it may be there, or in part, or not.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::Dice;
use crate::strace::{Call, Event};

/// A disk that forgets.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    files: BTreeMap<PathBuf, File>,
    /// Names that were made or removed since their folder was synced.
    names: Vec<Pending<(PathBuf, bool)>>,
    /// What a thread is in the middle of.
    running: HashMap<String, Running>,
    next: u64,
}

#[derive(Debug, Default)]
struct File {
    named: bool,
    bytes: Vec<u8>,
    writes: Vec<Pending<Write>>,
}

#[derive(Clone, Debug)]
enum Write {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

#[derive(Clone, Debug)]
struct Pending<T> {
    number: u64,
    returned: bool,
    what: T,
}

#[derive(Debug)]
enum Running {
    Change(u64),
    /// A sync of this file or folder, of the changes that had returned.
    Sync(PathBuf, Vec<u64>),
}

impl Disk {
    /// The files of a folder, all of them on the disk.
    pub fn of(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        for folder in [folder.to_owned(), folder.join("journal")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let file = File {
                        named: true,
                        bytes: std::fs::read(&path).unwrap(),
                        writes: Vec::new(),
                    };
                    files.insert(path, file);
                }
            }
        }
        Self {
            folder: folder.to_owned(),
            files,
            names: Vec::new(),
            running: HashMap::new(),
            next: 0,
        }
    }

    /// A system call begins or returns.
    pub fn pass(&mut self, event: &Event) {
        match event {
            Event::Begin(thread, call) => self.begin(thread, call),
            Event::Return(thread, result) => {
                if let Some(running) = self.running.remove(thread) {
                    self.end(running, *result);
                }
            }
        }
    }

    fn begin(&mut self, thread: &str, call: &Call) {
        let running = match call {
            Call::Write { path, at, bytes } if self.has(path) => {
                self.write(path, Write::Bytes(*at, bytes.clone()))
            }
            Call::Truncate { path, length } if self.has(path) => {
                self.write(path, Write::Length(*length))
            }
            Call::Create { path } if self.has(path) => self.name(path, true),
            Call::Remove { path } if self.has(path) => self.name(path, false),
            Call::Sync { path } => self.sync(path),
            _ => return,
        };
        self.running.insert(thread.to_owned(), running);
    }

    /// Side files of SQLite that are memory are not looked at.
    fn has(&self, path: &Path) -> bool {
        path.starts_with(&self.folder) && !path.to_string_lossy().ends_with("-shm")
    }

    fn pending<T>(&mut self, what: T) -> Pending<T> {
        self.next += 1;
        Pending {
            number: self.next,
            returned: false,
            what,
        }
    }

    fn write(&mut self, path: &Path, write: Write) -> Running {
        let pending = self.pending(write);
        let number = pending.number;
        let file = self.files.entry(path.to_owned()).or_default();
        file.writes.push(pending);
        Running::Change(number)
    }

    fn name(&mut self, path: &Path, made: bool) -> Running {
        let pending = self.pending((path.to_owned(), made));
        let number = pending.number;
        if made {
            let file = self.files.entry(path.to_owned()).or_default();
            if self
                .names
                .iter()
                .any(|name| name.what == (path.to_owned(), false))
            {
                // Another file of that name.
                file.bytes.clear();
                file.writes.clear();
            }
        }
        self.names.push(pending);
        Running::Change(number)
    }

    fn sync(&self, path: &Path) -> Running {
        let writes = self.files.get(path).map_or(&[][..], |file| &file.writes);
        let writes = writes.iter().filter(|write| write.returned);
        let inside = |name: &&Pending<(PathBuf, bool)>| name.what.0.parent() == Some(path);
        let names = self
            .names
            .iter()
            .filter(|name| name.returned)
            .filter(inside);
        let numbers = writes.map(|w| w.number).chain(names.map(|n| n.number));
        Running::Sync(path.to_owned(), numbers.collect())
    }

    fn end(&mut self, running: Running, result: i64) {
        match running {
            Running::Change(number) => {
                let writes = self.files.values_mut().flat_map(|file| &mut file.writes);
                for write in writes.filter(|write| write.number == number) {
                    write.returned = true;
                }
                // A name that was there already, or could not be made, stays as it was.
                self.names
                    .retain(|name| name.number != number || result >= 0);
                for name in self.names.iter_mut().filter(|name| name.number == number) {
                    name.returned = true;
                }
            }
            Running::Sync(path, numbers) if result == 0 => {
                if let Some(file) = self.files.get_mut(&path) {
                    for write in std::mem::take(&mut file.writes) {
                        match numbers.contains(&write.number) {
                            true => write.what.apply(&mut file.bytes),
                            false => file.writes.push(write),
                        }
                    }
                }
                for name in std::mem::take(&mut self.names) {
                    match numbers.contains(&name.number) {
                        true => self.files.entry(name.what.0).or_default().named = name.what.1,
                        false => self.names.push(name),
                    }
                }
            }
            Running::Sync(..) => {}
        }
    }

    /// Puts into a folder what the disk may hold now: of what was not synced nothing, or with dice some.
    pub fn write_to(&self, folder: &Path, mut dice: Option<&mut Dice>) {
        let mut named: BTreeMap<&Path, bool> = BTreeMap::new();
        for (path, file) in &self.files {
            named.insert(path, file.named);
        }
        for name in &self.names {
            if dice.as_mut().is_some_and(|dice| dice.roll(2) == 0) {
                named.insert(&name.what.0, name.what.1);
            }
        }
        std::fs::create_dir_all(folder.join("journal")).unwrap();
        for (path, file) in self.files.iter().filter(|(path, _)| named[path.as_path()]) {
            let mut bytes = file.bytes.clone();
            for write in &file.writes {
                match dice.as_mut().map(|dice| (dice.roll(3), dice)) {
                    Some((0, _)) => write.what.clone().apply(&mut bytes),
                    Some((1, dice)) => write.what.torn(dice).apply(&mut bytes),
                    _ => {}
                }
            }
            let path = folder.join(path.strip_prefix(&self.folder).unwrap());
            std::fs::write(path, bytes).unwrap();
        }
    }
}

impl Write {
    fn apply(self, file: &mut Vec<u8>) {
        match self {
            Self::Bytes(at, bytes) => {
                let end = at + bytes.len();
                file.resize(file.len().max(end), 0);
                file[at..end].copy_from_slice(&bytes);
            }
            Self::Length(length) => file.resize(length, 0),
        }
    }

    /// A beginning of it.
    fn torn(&self, dice: &mut Dice) -> Self {
        match self {
            Self::Bytes(at, bytes) => {
                Self::Bytes(*at, bytes[..dice.roll(bytes.len() + 1)].to_vec())
            }
            Self::Length(length) => Self::Length(*length),
        }
    }
}
