//! The lines of a file of keys, one after the other.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Map, Value};

use crate::cli::import::Format;
use crate::failure::Failure;

/// What is longer is no key.
const LINE_MAX: u64 = 1 << 20;

/// The fields of a line, by their names; empty ones are left out.
pub(super) type Fields = Map<String, Value>;

/// A line: its number in the file, and what is in it or why that can't be read.
pub(super) type Line = (u64, Result<Fields, String>);

type Source = Box<dyn Read>;

/// Reads line by line; the file may be larger than memory.
pub(super) enum Lines {
    Csv {
        reader: csv::Reader<Source>,
        header: Vec<String>,
    },
    Jsonl {
        reader: BufReader<Source>,
        line: u64,
    },
}

impl Lines {
    /// Begins; of a CSV file the header is read at once.
    pub(super) fn of(source: Source, format: Format) -> Result<Self, Failure> {
        if format == Format::Jsonl {
            let mut reader = BufReader::with_capacity(1 << 16, source);
            if reader.fill_buf()?.is_empty() {
                return Err(Failure::invalid("the file is empty: there are no lines"));
            }
            return Ok(Self::Jsonl { reader, line: 0 });
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(source);
        let header = reader
            .headers()
            .map_err(|error| Failure::invalid(format!("the header: {}", plain(&error))))?;
        // What some programs put before the first name.
        let name = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
        let header: Vec<String> = header.iter().map(name).collect();
        if header.is_empty() {
            return Err(Failure::invalid("the file is empty: there is no header"));
        }
        // By number: where the header is missing, the first line may be a hash.
        let first = |name: &String| header.iter().position(|other| other == name);
        let twice = header.iter().enumerate().find_map(|(column, name)| {
            let before = first(name).filter(|before| *before < column)?;
            Some((before + 1, column + 1))
        });
        if let Some((one, other)) = twice {
            let what = format!("the header: columns {one} and {other} have the same name");
            return Err(Failure::invalid(what));
        }
        Ok(Self::Csv { reader, header })
    }

    /// The names of the columns, where there are any.
    pub(super) fn columns(&self) -> &[String] {
        match self {
            Self::Csv { header, .. } => header,
            Self::Jsonl { .. } => &[],
        }
    }

    /// The next line that is not blank.
    pub(super) fn next_line(&mut self) -> Result<Option<Line>, Failure> {
        match self {
            Self::Csv { reader, header } => next_record(reader, header),
            Self::Jsonl { reader, line } => loop {
                let mut bytes = Vec::new();
                let mut limited = reader.take(LINE_MAX);
                if limited.read_until(b'\n', &mut bytes)? == 0 {
                    return Ok(None);
                }
                *line += 1;
                if limited.limit() == 0 && bytes.last() != Some(&b'\n') {
                    skip_line(reader)?;
                    return Ok(Some((
                        *line,
                        Err("the line is longer than 1 MiB".to_owned()),
                    )));
                }
                if !bytes.trim_ascii().is_empty() {
                    return Ok(Some((*line, object(&bytes))));
                }
            },
        }
    }
}

fn skip_line(reader: &mut BufReader<Source>) -> Result<(), Failure> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn object(bytes: &[u8]) -> Result<Fields, String> {
    // The end of a line is none of a text in it.
    let bytes = bytes.trim_ascii_end();
    // serde_json's messages may repeat what they stumbled over.
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() {
            return "no JSON: the line ends too early".to_owned();
        }
        format!("no JSON, from its character {} on", error.column())
    })?;
    match value {
        Value::Object(mut fields) => {
            fields.retain(|_, value| !is_empty(value));
            Ok(fields)
        }
        _ => Err("no JSON object".to_owned()),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn next_record(
    reader: &mut csv::Reader<Source>,
    header: &[String],
) -> Result<Option<Line>, Failure> {
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(false) => return Ok(None),
        Ok(true) => {}
        Err(error) => return Err(Failure::failed(plain(&error))),
    }
    let line = record.position().map_or(0, csv::Position::line);
    if record.len() != header.len() {
        let (found, wanted) = (record.len(), header.len());
        let what = format!("{found} fields, but the header has {wanted}");
        return Ok(Some((line, Err(what))));
    }
    let mut fields = Fields::new();
    for (column, (name, bytes)) in header.iter().zip(&record).enumerate() {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let what = format!("column {} is not UTF-8", column + 1);
            return Ok(Some((line, Err(what))));
        };
        if !text.trim().is_empty() {
            fields.insert(name.clone(), Value::String(text.to_owned()));
        }
    }
    Ok(Some((line, Ok(fields))))
}

/// What went wrong, without what was read.
fn plain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => format!("the file can't be read: {error}"),
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => "the text is no CSV".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static [u8], format: Format) -> Vec<Line> {
        let mut lines = Lines::of(Box::new(text), format).unwrap();
        std::iter::from_fn(|| lines.next_line().unwrap()).collect()
    }

    #[test]
    fn lines_keep_their_numbers() {
        let read = read(
            b"\n{\"a\":1,\"b\":null,\"c\":\" \"}\n\nno\n[1]\n\xff",
            Format::Jsonl,
        );
        let numbers: Vec<u64> = read.iter().map(|(line, _)| *line).collect();
        assert_eq!(numbers, [2, 4, 5, 6]);
        assert_eq!(read[0].1.as_ref().unwrap().len(), 1);
        assert!(read[1..].iter().all(|(_, fields)| fields.is_err()));
    }

    #[test]
    fn a_cell_may_have_lines_of_its_own() {
        let read = read(
            b"\xef\xbb\xbfname,x\n\"a\nb\",1\nc\nd,2,3\n\xff,1\ne,\n",
            Format::Csv,
        );
        let lines: Vec<u64> = read.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4, 5, 6, 7]);
        assert_eq!(read[0].1.as_ref().unwrap()["name"], "a\nb");
        assert_eq!(read[4].1.as_ref().unwrap().len(), 1);
        assert!(read[1..4].iter().all(|(_, fields)| fields.is_err()));
    }

    fn refused(text: &'static [u8], format: Format) -> String {
        let lines = Lines::of(Box::new(text), format);
        lines.err().expect("it is refused").message
    }

    #[test]
    fn a_name_twice_is_no_header() {
        let message = refused(b"a,b,a\n1,2,3\n", Format::Csv);
        assert!(message.contains("columns 1 and 3"), "{message}");
    }

    #[test]
    fn an_empty_file_is_refused() {
        assert!(refused(b"", Format::Csv).contains("no header"));
        assert!(refused(b"\n\n", Format::Csv).contains("no header"));
        assert!(refused(b"", Format::Jsonl).contains("no lines"));
    }

    #[test]
    fn a_line_that_is_cut_off_is_said_to_be() {
        let read = read(b"{\"a\":1,\"b\":\"x\n{\"a\" 1}\n", Format::Jsonl);
        let reason = |line: usize| read[line].1.as_ref().unwrap_err().as_str();
        assert_eq!(reason(0), "no JSON: the line ends too early");
        assert!(reason(1).contains("from its character 6"), "{}", reason(1));
    }
}
