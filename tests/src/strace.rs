//! What strace saw of a server: its writes to files, and its answers.

use std::path::PathBuf;

/// How strace is told to see it: before the file that it writes, and the program.
pub const STRACE: [&str; 10] = [
    "strace",
    // The program stays the child of its starter.
    "-D",
    "-f",
    "-q",
    "-y",
    "-xx",
    "-s",
    "1000000",
    "--trace=openat,write,writev,pwrite64,sendto,ftruncate,fsync,fdatasync,unlink",
    "-o",
];

/// A thread begins a system call, or it returns.
#[derive(Debug)]
pub enum Event {
    /// The thread, and what it wants.
    Begin(String, Call),
    /// The thread, and what it got; below zero an error.
    Return(String, i64),
}

/// A system call.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Call {
    Create {
        path: PathBuf,
    },
    Write {
        path: PathBuf,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        path: PathBuf,
        length: usize,
    },
    Sync {
        path: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    /// Bytes on their way to a client.
    Send {
        bytes: Vec<u8>,
    },
    Other,
}

/// Reads what strace wrote.
pub fn events(trace: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for line in trace.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let (thread, rest) = (thread.to_owned(), rest.trim_start());
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if !rest.starts_with("<...") {
            events.push(Event::Begin(thread.clone(), call(rest)));
        }
        if let (_, Some(result)) = split(rest) {
            // `3</path>`, `-1 ENOENT (…)`, `?`
            let end = result.find(|c: char| !c.is_ascii_digit() && c != '-');
            let number = &result[..end.unwrap_or(result.len())];
            events.push(Event::Return(thread, number.parse().unwrap_or(-1)));
        }
    }
    events
}

fn call(text: &str) -> Call {
    let (name, args) = text.split_once('(').unwrap();
    let strings: Vec<Vec<u8>> = args.split('"').skip(1).step_by(2).map(decode).collect();
    // The path of a file descriptor: `5</path>`.
    let path = || {
        let path = args
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once('>'));
        PathBuf::from(String::from_utf8(decode(path.unwrap().0)).unwrap())
    };
    let number = |from_end: usize| {
        let args = args.split(" <unfinished").next().unwrap();
        let args = split(args).0;
        args.rsplit(", ")
            .nth(from_end)
            .unwrap()
            .trim_end_matches(')')
            .parse()
            .unwrap()
    };
    let named = || PathBuf::from(String::from_utf8_lossy(&strings[0]).into_owned());
    match name {
        "openat" if args.contains("O_CREAT") => Call::Create { path: named() },
        "unlink" => Call::Remove { path: named() },
        "pwrite64" => Call::Write {
            path: path(),
            at: number(0),
            bytes: strings.concat(),
        },
        "ftruncate" => Call::Truncate {
            path: path(),
            length: number(0),
        },
        "fsync" | "fdatasync" => Call::Sync { path: path() },
        "write" | "writev" | "sendto" => Call::Send {
            bytes: strings.concat(),
        },
        _ => Call::Other,
    }
}

/// What is before the result, and the result; strace aligns it.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(" = ") {
        Some((call, result)) if call.trim_end().ends_with(')') => (call.trim_end(), Some(result)),
        _ => (text, None),
    }
}

/// `\x2f\x64` → `/d`
fn decode(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits
        .map(|pair| u8::from_str_radix(&pair[..2], 16).unwrap())
        .collect()
}
