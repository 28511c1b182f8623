//! The lines of a file of keys, one after the other.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Map, Value};

use crate::cli::import::Format;
use crate::failure::Failure;

/// What is longer is no key.
const LINE_MAX: u64 = 1 << 20;
const TOO_LONG: &str = "the line is longer than 1 MiB";
const SEVERAL: &str = "a carriage return stands in the line: ends of lines are \\n or \\r\\n";

/// The fields of a line, by their names; empty ones are left out.
pub(super) type Fields = Map<String, Value>;

/// A line of the file.
pub(super) struct Line {
    /// Its number; of several, the first one's.
    pub(super) number: u64,
    /// How many they are that can only be told of together.
    pub(super) count: u64,
    /// What is in it, or why that can't be read.
    pub(super) fields: Result<Fields, String>,
}

type Source = Box<dyn Read>;

/// Reads line by line; the file may be larger than memory.
pub(super) struct Lines {
    reader: BufReader<Source>,
    line: u64,
    /// Of CSV: the names of the columns.
    header: Option<Vec<String>>,
}

/// A line as it stands there, without its end.
enum Text {
    Of(Vec<u8>),
    TooLong,
}

impl Lines {
    /// Begins; of a CSV file the header is read at once.
    pub(super) fn of(source: Source, format: Format) -> Result<Self, Failure> {
        let mut reader = BufReader::with_capacity(1 << 16, source);
        if format == Format::Jsonl && reader.fill_buf()?.is_empty() {
            return Err(Failure::invalid("the file is empty: there are no lines"));
        }
        let mut lines = Self {
            reader,
            line: 0,
            header: None,
        };
        if format == Format::Csv {
            lines.header = Some(lines.read_header()?);
        }
        Ok(lines)
    }

    fn read_header(&mut self) -> Result<Vec<String>, Failure> {
        let wrong = |what: &str| Failure::invalid(format!("the header: {what}"));
        let cells = match self.text()? {
            None => {
                return Err(Failure::invalid("the file is empty: there is no header"));
            }
            Some(Text::TooLong) => return Err(wrong(TOO_LONG)),
            Some(Text::Of(text)) => match cells(text, false)? {
                Cells::Whole(cells) => cells,
                Cells::Open => return Err(wrong("a quote in it is not closed")),
                Cells::Several => return Err(wrong(SEVERAL)),
            },
        };
        // What some programs put before the first name.
        let name = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
        let header: Vec<String> = cells
            .iter()
            .map(|cell| std::str::from_utf8(cell).map(name))
            .collect::<Result<_, _>>()
            .map_err(|_| wrong("the text is not UTF-8"))?;
        // By number: where the header is missing, the first line may be a hash.
        let first = |name: &String| header.iter().position(|other| other == name);
        let twice = header.iter().enumerate().find_map(|(column, name)| {
            let before = first(name).filter(|before| *before < column)?;
            Some((before + 1, column + 1))
        });
        if let Some((one, other)) = twice {
            let what = format!("columns {one} and {other} have the same name");
            return Err(wrong(&what));
        }
        Ok(header)
    }

    /// The names of the columns, where there are any.
    pub(super) fn columns(&self) -> &[String] {
        self.header.as_deref().unwrap_or_default()
    }

    /// The next line that is not blank.
    pub(super) fn next_line(&mut self) -> Result<Option<Line>, Failure> {
        let text = self.text()?;
        let number = self.line;
        let fields = match text {
            None => return Ok(None),
            Some(Text::TooLong) => Err(TOO_LONG.to_owned()),
            Some(Text::Of(text)) if self.header.is_none() => object(&text),
            Some(Text::Of(text)) => match cells(text, false)? {
                Cells::Whole(cells) => record(self.columns(), &cells),
                Cells::Open => Err(self.skip_quoted(number)?),
                Cells::Several => Err(SEVERAL.to_owned()),
            },
        };
        Ok(Some(Line {
            number,
            count: self.line - number + 1,
            fields,
        }))
    }

    /// Passes over what a quote holds together that was not closed on its
    /// line, and says which lines these are. No field may have a line end in
    /// it, and where the quote is only one too many, they are other keys.
    fn skip_quoted(&mut self, first: u64) -> Result<String, Failure> {
        while let Some(Text::Of(text)) = self.read_text()? {
            if !matches!(cells(text, true)?, Cells::Open) {
                break;
            }
        }
        let last = self.line;
        Ok(match last {
            last if last == first => "a quote in it is not closed".to_owned(),
            last => format!("lines {first} to {last} are held together by a quote"),
        })
    }

    /// The next text that is not blank.
    fn text(&mut self) -> Result<Option<Text>, Failure> {
        loop {
            match self.read_text()? {
                Some(Text::Of(text)) if text.trim_ascii().is_empty() => {}
                other => return Ok(other),
            }
        }
    }

    fn read_text(&mut self) -> Result<Option<Text>, Failure> {
        let mut bytes = Vec::new();
        let mut limited = (&mut self.reader).take(LINE_MAX);
        if limited.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if limited.limit() == 0 && bytes.last() != Some(&b'\n') {
            skip_line(&mut self.reader)?;
            return Ok(Some(Text::TooLong));
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        Ok(Some(Text::Of(bytes)))
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

/// The cells of a line of CSV.
enum Cells {
    Whole(csv::ByteRecord),
    /// A quote is not closed, so that the next line belongs to it.
    Open,
    /// There are line ends of another kind in it.
    Several,
}

/// Reads one line; `quoted` where it begins within a quote.
fn cells(line: Vec<u8>, quoted: bool) -> Result<Cells, Failure> {
    let quote: &[u8] = if quoted { b"\"" } else { b"" };
    let text = [quote, &line, b"\n"].concat();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(text.len())
        .from_reader(text.as_slice());
    let mut read = |record: &mut csv::ByteRecord| {
        let read = reader.read_byte_record(record);
        read.map_err(|_| Failure::failed("the text is no CSV"))
    };
    let mut record = csv::ByteRecord::new();
    read(&mut record)?;
    // Nowhere else can its end be.
    if record.iter().any(|cell| cell.contains(&b'\n')) {
        return Ok(Cells::Open);
    }
    Ok(match read(&mut csv::ByteRecord::new())? {
        true => Cells::Several,
        false => Cells::Whole(record),
    })
}

fn record(header: &[String], cells: &csv::ByteRecord) -> Result<Fields, String> {
    if cells.len() != header.len() {
        let (found, wanted) = (cells.len(), header.len());
        return Err(format!("{found} fields, but the header has {wanted}"));
    }
    let mut fields = Fields::new();
    for (column, (name, bytes)) in header.iter().zip(cells).enumerate() {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(format!("column {} is not UTF-8", column + 1));
        };
        if !text.trim().is_empty() {
            fields.insert(name.clone(), Value::String(text.to_owned()));
        }
    }
    Ok(fields)
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
        let numbers: Vec<u64> = read.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 4, 5, 6]);
        assert_eq!(read[0].fields.as_ref().unwrap().len(), 1);
        assert!(read[1..].iter().all(|line| line.fields.is_err()));
    }

    /// Number, count and either the first field or the reason.
    fn told(read: &[Line]) -> Vec<(u64, u64, &str)> {
        read.iter()
            .map(|line| {
                let what = match &line.fields {
                    Ok(fields) => fields["name"].as_str().unwrap(),
                    Err(reason) => reason.as_str(),
                };
                (line.number, line.count, what)
            })
            .collect()
    }

    #[test]
    fn lines_of_a_table_keep_their_numbers() {
        for end in ["\n", "\r\n"] {
            let text = [
                "\u{feff}name,x",
                "",
                "\"a, \"\"b\"\"\",1",
                "d,2,3",
                "e \"f\",",
                "",
            ];
            let text: &'static str = text.join(end).leak();
            let read = read(text.as_bytes(), Format::Csv);
            let few = "3 fields, but the header has 2";
            let expected = [(3, 1, "a, \"b\""), (4, 1, few), (5, 1, "e \"f\"")];
            assert_eq!(told(&read), expected);
        }
        let read = read(b"name,x\n\xff,1\na,1\rb,2\n", Format::Csv);
        assert_eq!(
            told(&read),
            [(2, 1, "column 1 is not UTF-8"), (3, 1, SEVERAL)]
        );
    }

    #[test]
    fn what_a_quote_holds_together_is_told_of_and_not_more() {
        let text = b"name,x\na,1\n\"b,2\nc,3\n\nd,\"4\"\ne,5\n\"f\ng\",6\nh,7\n\"i,8";
        let expected = [
            (2, 1, "a"),
            (3, 4, "lines 3 to 6 are held together by a quote"),
            (7, 1, "e"),
            (8, 2, "lines 8 to 9 are held together by a quote"),
            (10, 1, "h"),
            (11, 1, "a quote in it is not closed"),
        ];
        assert_eq!(told(&read(text, Format::Csv)), expected);
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
        assert!(refused(b"\"a,b\n1,2\n", Format::Csv).contains("not closed"));
        assert!(refused(b"", Format::Jsonl).contains("no lines"));
    }

    #[test]
    fn a_line_that_is_cut_off_is_said_to_be() {
        let read = read(b"{\"a\":1,\"b\":\"x\n{\"a\" 1}\n", Format::Jsonl);
        let reason = |line: usize| read[line].fields.as_ref().unwrap_err().as_str();
        assert_eq!(reason(0), "no JSON: the line ends too early");
        assert!(reason(1).contains("from its character 6"), "{}", reason(1));
    }
}
