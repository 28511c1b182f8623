//! What is printed: tables for people, JSON for programs, messages to
//! standard error.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use rustix::fs::{OFlags, fcntl_getfl, fstat};
use serde_json::{Value, json};
use torvus_keyring::Settled;

use crate::failure::Failure;

/// Prints one JSON document.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    lines(&[value.to_string()])
}

/// Prints a list as the contract has it: `{"data":[…]}`.
pub(crate) fn json_list(data: Vec<Value>) -> Result<(), Failure> {
    json(&json!({ "data": data }))
}

/// Prints a table; a line where there is nothing to show.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    if rows.is_empty() {
        note("nothing to show");
        return Ok(());
    }
    let mut table = Table::new();
    // On a terminal cells are wrapped to its width; in a pipe a row is a line.
    let arrangement = match std::io::stdout().is_terminal() {
        true => ContentArrangement::Dynamic,
        false => ContentArrangement::Disabled,
    };
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(arrangement);
    table.set_header(head.iter().map(|name| name.to_uppercase()));
    // A word that is broken can't be copied.
    let words = |column: usize| {
        let cells = rows.iter().filter_map(move |row| row.get(column));
        let cells = cells.map(String::as_str).chain(head.get(column).copied());
        cells
            .flat_map(str::split_whitespace)
            .map(|word| word.chars().count())
            .max()
    };
    let least = |column| u16::try_from(words(column).unwrap_or(0)).unwrap_or(u16::MAX);
    let bounds: Vec<_> = (0..head.len())
        .map(|column| ColumnConstraint::LowerBoundary(Width::Fixed(least(column))))
        .collect();
    table.add_rows(rows);
    table.set_constraints(bounds);
    lines(&[table.to_string()])
}

/// Prints names and values, one a line.
pub(crate) fn fields(fields: &[(&str, String)]) -> Result<(), Failure> {
    lines(&aligned(fields))
}

/// Names and values as lines.
pub(crate) fn aligned(fields: &[(&str, String)]) -> Vec<String> {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {value}");
    fields.iter().map(line).collect()
}

/// Prints lines to standard output. A reader that has gone away is no error.
pub(crate) fn lines(lines: &[String]) -> Result<(), Failure> {
    quiet(write(lines))
}

/// Prints what is shown only once: a reader that has gone away is an error.
pub(crate) fn secret(lines: &[String]) -> Result<(), Failure> {
    Ok(write(lines)?)
}

/// Fails where what is printed would be lost: before something is made whose
/// text is shown only once.
pub(crate) fn seen_by_somebody() -> Result<(), Failure> {
    let closed = || {
        Failure::failed(
            "standard output is closed, so nobody would see what is shown once: nothing was done",
        )
    };
    let out = std::io::stdout();
    let way = fcntl_getfl(&out).map_err(|_| closed())? & OFlags::RWMODE;
    // A program that was started without one has the null device in its
    // place, for reading and writing; who throws the text away opens that
    // for writing.
    let null = rustix::fs::stat("/dev/null").map(|null| null.st_rdev);
    let device = fstat(&out).map(|out| out.st_rdev);
    let no_file = way == OFlags::RDWR && null.is_ok_and(|null| device == Ok(null));
    // A write to what is open for reading only is passed over as if it were done.
    if no_file || way == OFlags::RDONLY {
        return Err(closed());
    }
    Ok(())
}

fn write(lines: &[String]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// Prints a text that was made whole. A reader that has gone away is no error.
pub(crate) fn bytes(text: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    quiet(out.write_all(text).and_then(|()| out.flush()))
}

/// Takes a broken pipe for the end.
pub(crate) fn quiet(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Says who had to be waited for until a change was true everywhere.
pub(crate) fn settled(settled: Settled) {
    let Settled {
        acknowledged,
        expired,
    } = settled;
    let servers = |n: u32| {
        if n == 1 {
            "1 server".to_owned()
        } else {
            format!("{n} servers")
        }
    };
    match (acknowledged, expired) {
        (0, 0) => {}
        (_, 0) => note(&format!(
            "In force everywhere: {} confirmed.",
            servers(acknowledged)
        )),
        _ => note(&format!(
            "In force everywhere: {} confirmed, {} did not answer and can't let anybody in by now.",
            servers(acknowledged),
            servers(expired),
        )),
    }
}

/// A message for people, on standard error.
pub(crate) fn note(text: &str) {
    // Where standard error is closed there is nobody to tell.
    let _told = writeln!(std::io::stderr(), "{text}");
}

/// Tells of a failure, and gives its exit code.
pub(crate) fn fail(failure: &Failure, as_json: bool) -> ExitCode {
    if as_json {
        note(&json!({ "error": failure.error, "message": failure.message }).to_string());
    } else {
        note(&format!("torvus-admin: {}", failure.message));
    }
    ExitCode::from(failure.code)
}

/// Writes a new file, for its owner alone; one that is there stays.
pub(crate) fn new_file(path: &Path, text: &str) -> Result<(), Failure> {
    let made = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    made.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::invalid(format!("{}: {error}", path.display())))
}

/// Whether nobody wants colours (no-color.org).
pub(crate) fn no_colour() -> bool {
    torvus_settings::environment("NO_COLOR").is_some_and(|value| !value.is_empty())
}
