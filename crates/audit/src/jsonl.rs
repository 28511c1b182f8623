//! The log as lines of JSON: each record as it is chained, with its place.

use std::io::{self, Write};

use torvus_domain::ChainId;

use crate::verify::Kept;
use crate::{Hash, Head};

/// What stands between a record and its place.
const PLACE: &str = ",\"chain\":\"";

/// Writes a record's line, and in it at its end `chain`, `seq` and `hash`.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut impl Write, line: &str, chain: ChainId, head: &Head) -> io::Result<()> {
    let record = line.strip_suffix('}').unwrap_or(line);
    let Head { seq, hash } = head;
    writeln!(
        out,
        "{record}{PLACE}{chain}\",\"seq\":{seq},\"hash\":\"{hash}\"}}"
    )
}

/// A line that was taken apart.
pub struct Line {
    record: String,
    chain: String,
    head: Head,
}

impl Line {
    /// Takes apart what [`write()`] made: that, with its newline, and nothing
    /// that only means the same.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (record, place) = text.strip_suffix('\n')?.rsplit_once(PLACE)?;
        let (chain, place) = place.split_once("\",\"seq\":")?;
        let (seq, hash) = place.split_once(",\"hash\":\"")?;
        let hash: Hash = hash.strip_suffix("\"}")?.parse().ok()?;
        let digits = seq;
        let seq: u64 = digits.parse().ok()?;
        if seq.to_string() != digits {
            return None;
        }
        Some(Self {
            record: format!("{record}}}"),
            chain: chain.to_owned(),
            head: Head { seq, hash },
        })
    }

    /// For a [`Verifier`](crate::verify::Verifier).
    #[must_use]
    pub fn kept(&self) -> Kept<'_> {
        Kept {
            id: None,
            at: None,
            chain: &self.chain,
            seq: self.head.seq,
            hash: self.head.hash,
            line: &self.record,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_as_it_was_put_together() {
        // What a client sent may look like the place.
        let record = r#"{"id":"x","path":",\"chain\":\"no"}"#;
        let head = Head::genesis(ChainId::nil()).next(record.as_bytes());
        let mut text = Vec::new();
        write(&mut text, record, ChainId::nil(), &head).unwrap();
        let text = String::from_utf8(text).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&json["id"], &json["seq"]), (&"x".into(), &1.into()));
        let line = Line::read(&text).unwrap();
        assert_eq!(line.kept().line, record);
        assert_eq!((line.kept().seq, line.kept().hash), (1, head.hash));
        for bad in [
            "",
            "\n",
            "{}\n",
            record,
            text.trim_end(),
            &text.replace('\n', "\r\n"),
            &text.replace("\"seq\":1", "\"seq\":+1"),
            &text.replace("\"seq\":1", "\"seq\":01"),
        ] {
            assert!(Line::read(bad).is_none(), "{bad}");
        }
    }
}
