//! The log is written out, for other programs to read.

use std::io::{self, Write};
use std::str::FromStr;

use torvus_domain::ChainId;

use crate::csv::CsvWriter;
use crate::{AuditRecord, Head, jsonl};

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As [`crate::csv`] has it: for spreadsheets.
    Csv,
    /// As [`crate::jsonl`] has it: all fields, and what verifying needs.
    Jsonl,
}

impl Format {
    /// Its name, which is also how its files end.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// What HTTP calls it.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl",
        }
    }
}

/// A text that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no format of an export: use csv or jsonl")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        [Self::Csv, Self::Jsonl]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// Writes records, the first of them behind what the format begins with.
pub enum Export<W: Write> {
    /// With the heads of the columns.
    Csv(Box<CsvWriter<W>>),
    /// One line each.
    Jsonl(W),
}

impl<W: Write> Export<W> {
    /// An export that has written what the format begins with.
    ///
    /// # Errors
    /// What the writer beneath says.
    pub fn new(format: Format, inner: W) -> io::Result<Self> {
        Ok(match format {
            Format::Csv => Self::Csv(Box::new(CsvWriter::new(inner)?)),
            Format::Jsonl => Self::Jsonl(inner),
        })
    }

    /// An export that goes on where another one ended.
    #[must_use]
    pub fn resumed(format: Format, inner: W) -> Self {
        match format {
            Format::Csv => Self::Csv(Box::new(CsvWriter::resumed(inner))),
            Format::Jsonl => Self::Jsonl(inner),
        }
    }

    /// Writes one record: its line, and its place in its chain.
    ///
    /// # Errors
    /// What the writer beneath says.
    pub fn write(
        &mut self,
        record: &AuditRecord,
        line: &str,
        chain: ChainId,
        head: &Head,
    ) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.write(record),
            Self::Jsonl(out) => jsonl::write(out, line, chain, head),
        }
    }

    /// Hands everything to the writer beneath.
    ///
    /// # Errors
    /// What the writer beneath says.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.flush(),
            Self::Jsonl(out) => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use torvus_domain::{Category, Outcome, Timestamp};

    use super::*;

    #[test]
    fn an_export_in_parts_is_that_of_one_piece() {
        let record = AuditRecord::new(Timestamp::UNIX_EPOCH, Category::SignIn, Outcome::Ok);
        let (line, chain) = (record.to_line(), ChainId::nil());
        let head = Head::genesis(chain).next(line.as_bytes());
        for format in [Format::Csv, Format::Jsonl] {
            assert_eq!(format.as_str().parse(), Ok(format));
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            let mut export = Export::new(format, &mut whole).unwrap();
            for _ in 0..2 {
                export.write(&record, &line, chain, &head).unwrap();
            }
            export.flush().unwrap();
            drop(export);
            let mut export = Export::new(format, &mut parts).unwrap();
            export.write(&record, &line, chain, &head).unwrap();
            export.flush().unwrap();
            drop(export);
            let mut export = Export::resumed(format, &mut parts);
            export.write(&record, &line, chain, &head).unwrap();
            export.flush().unwrap();
            drop(export);
            assert_eq!(whole, parts);
        }
        assert!("CSV".parse::<Format>().is_err());
    }
}
