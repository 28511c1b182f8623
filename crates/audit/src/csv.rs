//! The log as CSV (RFC 4180), in the columns of the public contract, section 7.
//!
//! Of what is done to keys and accounts, `endpoint` holds the action.
//!
//! A cell that a spreadsheet would run as a formula is disarmed: one that
//! begins with `=`, `+`, `-`, `@` (also in full width), a tab, a carriage return or NUL, or with a
//! quote followed by one of these, gets a `'` in front. Taking that quote away
//! again gives the text as it was.

use std::borrow::Cow;
use std::io::Write;

use torvus_domain::rfc3339;

use crate::AuditRecord;

/// The columns, in their order.
pub const COLUMNS: [&str; 10] = [
    "timestamp",
    "request_id",
    "key_id",
    "key_name",
    "environment",
    "method",
    "endpoint",
    "status",
    "ip_address",
    "outcome",
];

/// Writes records as CSV; quotes only where needed, no byte-order mark.
pub struct CsvWriter<W: Write>(csv::Writer<W>);

impl<W: Write> CsvWriter<W> {
    /// A writer that has written the heads of the columns.
    ///
    /// # Errors
    /// What the writer beneath says.
    pub fn new(inner: W) -> std::io::Result<Self> {
        let mut writer = Self::resumed(inner);
        writer.0.write_record(COLUMNS)?;
        Ok(writer)
    }

    /// A writer that goes on below rows that are there.
    pub fn resumed(inner: W) -> Self {
        let mut builder = csv::WriterBuilder::new();
        Self(builder.terminator(csv::Terminator::CRLF).from_writer(inner))
    }

    /// Writes one record.
    ///
    /// # Errors
    /// What the writer beneath says.
    pub fn write(&mut self, record: &AuditRecord) -> std::io::Result<()> {
        let text = |value: Option<String>| value.unwrap_or_default();
        let cells = [
            rfc3339(record.at),
            text(record.request_id.map(|id| id.to_string())),
            text(record.key_id.map(|id| id.to_string())),
            text(record.key_name.clone()),
            text(
                record
                    .environment
                    .map(|environment| environment.to_string()),
            ),
            text(record.method.clone()),
            text(record.path.clone().or_else(|| record.action.clone())),
            text(record.status.map(|status| status.to_string())),
            text(record.ip.map(|ip| ip.to_string())),
            record.outcome.to_string(),
        ];
        self.0
            .write_record(cells.iter().map(|cell| disarm(cell).into_owned()))?;
        Ok(())
    }

    /// Hands everything to the writer beneath.
    ///
    /// # Errors
    /// What the writer beneath says.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// The cell, with a `'` in front where a spreadsheet would run it.
#[must_use]
pub fn disarm(cell: &str) -> Cow<'_, str> {
    let risky = |c: char| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n' | '\0' | '\''
        )
    };
    if cell.starts_with(risky) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use torvus_domain::{Category, Outcome, Timestamp};

    use super::*;

    #[test]
    fn hostile_cells_are_disarmed_and_come_back_whole() {
        let hostile = [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\0=1",
            "'=1",
            "a,\"b\"\r\nc",
            "=\"x\"",
            "plain",
            "",
        ];
        let mut bytes = Vec::new();
        let mut writer = CsvWriter::new(&mut bytes).unwrap();
        for name in hostile {
            let mut record =
                AuditRecord::new(Timestamp::UNIX_EPOCH, Category::ApiActivity, Outcome::Ok);
            record.key_name = Some(name.to_owned());
            writer.write(&record).unwrap();
        }
        writer.flush().unwrap();
        drop(writer);
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.starts_with(&COLUMNS.join(",")));
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        for (row, name) in reader.records().zip(hostile) {
            let cell = row.unwrap().get(3).unwrap().to_owned();
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']),
                "{cell:?}"
            );
            assert_eq!(cell.strip_prefix('\'').unwrap_or(&cell), name);
        }
    }
}
