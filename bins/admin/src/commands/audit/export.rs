//! `torvus-admin audit export`.

use std::io::Write;

use torvus_audit::export::Export;
use torvus_storage::audit::each;

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
    let mut export = Export::new(format.into(), &mut out)?;
    let written = each(&store, filter, |entry| {
        progress.advance();
        export.write(&entry.record, &entry.line, entry.chain, &entry.head)
    })?;
    let written = written.and_then(|()| export.flush());
    drop(export);
    progress.end();
    output::quiet(written.and_then(|()| out.flush()))
}
