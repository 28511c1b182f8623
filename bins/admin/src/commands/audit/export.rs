//! `torvus-admin audit export`.

use std::io::Write;

use torvus_audit::csv::CsvWriter;
use torvus_audit::jsonl;

use super::each;
use super::filters::filter;
use crate::cli::{Filters, Format};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;

pub(super) fn run(context: &Context, format: Format, filters: &Filters) -> Result<(), Failure> {
    let mut filter = filter(filters)?;
    filter.oldest_first = true;
    let store = context.store_with_all_records()?;
    let mut progress = Progress::start("exported");
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match format {
        Format::Csv => {
            let mut csv = CsvWriter::new(&mut out)?;
            let written = each(&store, filter, |entry| {
                progress.advance();
                csv.write(&entry.record)
            })?;
            written.and_then(|()| csv.flush())
        }
        Format::Jsonl => each(&store, filter, |entry| {
            progress.advance();
            jsonl::write(&mut out, &entry.line, entry.chain, &entry.head)
        })?,
    };
    progress.end();
    output::quiet(written.and_then(|()| out.flush()))
}
