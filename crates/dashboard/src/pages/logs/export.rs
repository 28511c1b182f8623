//! An export: the same records as the page, all of them, in constant memory.

use std::io;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, http::Method};
use askama::Template;
use futures_util::stream;
use tokio::sync::AcquireError;
use torvus_audit::AuditFilter;
use torvus_audit::export::{Export, Format};
use torvus_domain::Timestamp;
use torvus_storage::audit::{Ends, Entry};
use torvus_storage::{StorageError, Store};

use super::asked::Asked;
use super::{find, may_export};
use crate::ask::Ask;
use crate::frame::{Frame, Section};
use crate::page::page_with;
use crate::problem::Problem;
use crate::site::Dashboard;
use crate::turns::Turns;
use crate::visitor::Visitor;

/// How many records are in memory at once.
const PART: u32 = 1_000;

#[derive(Template)]
#[template(path = "audit_export_refused.html")]
struct Refused {
    frame: Frame,
    plan: String,
}

/// Sends the records that are asked for, the oldest first: those that are there
/// now. What comes in meanwhile is not waited for.
pub(crate) async fn export(
    site: &Dashboard,
    visitor: Visitor,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    if !may_export(site, &visitor) {
        let page = Refused {
            frame: ask.frame(&visitor, Section::Logs),
            plan: visitor.account.plan.to_string(),
        };
        return page_with(StatusCode::FORBIDDEN, &page);
    }
    let query = ask.query();
    let format: Format = match query.text("format") {
        "" => Format::Csv,
        named => named.parse().map_err(Problem::bad)?,
    };
    let asked = Asked::read(&query, visitor.account.id);
    if !asked.is_sound() {
        return Err(Problem::bad(
            "The filter can't be read. Go back to the log: it says what is wrong.",
        ));
    }
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CONTENT_TYPE, format.media_type()))
        .insert_header((CONTENT_DISPOSITION, disposition(format, ask.now)));
    if ask.http.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    // Where too many wait already there is nothing to begin.
    drop(site.exporting.soon().await?);
    let filter = find::owned(site, asked.filter).await?;
    let filter = find::ended(site, filter, ask.now).await?;
    let part = Part {
        ends: site.parts.store.run_read(Ends::now).await?,
        filter: AuditFilter {
            oldest_first: true,
            limit: Some(PART),
            ..filter
        },
        format,
        begun: false,
        store: Arc::clone(&site.parts.store),
        turns: site.exporting.clone(),
    };
    // Where it breaks off the connection does, too: nobody takes half for all.
    Ok(
        answer.streaming(stream::try_unfold(Some(part), |part| async {
            match part {
                Some(part) => part.read().await.inspect_err(|error| {
                    tracing::warn!(%error, "an export was broken off");
                }),
                None => Ok(None),
            }
        })),
    )
}

fn disposition(format: Format, now: Timestamp) -> String {
    let at = now.format("%Y%m%dT%H%M%SZ");
    let ending = format.as_str();
    format!("attachment; filename=\"torvus-audit-{at}.{ending}\"")
}

/// Why an export was broken off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Read(#[from] StorageError),
    #[error(transparent)]
    Turn(#[from] AcquireError),
    #[error("records could not be written out: {0}")]
    Written(#[from] io::Error),
}

/// What is left to be sent.
struct Part {
    filter: AuditFilter,
    format: Format,
    begun: bool,
    /// Where the log ended when the export began. What another server made before
    /// that and has not put there yet would leave holes in its chain.
    ends: Ends,
    store: Arc<Store>,
    /// Each part waits for its own: whoever reads slowly keeps none.
    turns: Turns,
}

impl Part {
    /// The next bytes, and what is left behind them.
    async fn read(mut self) -> Result<Option<(Bytes, Option<Self>)>, Broken> {
        loop {
            let turn = self.turns.in_time().await?;
            let mut slice = find::searched(&self.store, self.filter.clone(), turn).await?;
            slice.entries.retain(|entry| self.ends.include(entry));
            let bytes = written(self.format, self.begun, &slice.entries)?;
            self.begun = true;
            match slice.next {
                // Nothing was found here, and nothing is no part of a body.
                Some(next) if bytes.is_empty() => self.filter.behind = Some(next),
                Some(next) => {
                    self.filter.behind = Some(next);
                    return Ok(Some((bytes, Some(self))));
                }
                None if bytes.is_empty() => return Ok(None),
                None => return Ok(Some((bytes, None))),
            }
        }
    }
}

fn written(format: Format, begun: bool, entries: &[Entry]) -> io::Result<Bytes> {
    let mut bytes = Vec::new();
    let mut export = match begun {
        false => Export::new(format, &mut bytes)?,
        true => Export::resumed(format, &mut bytes),
    };
    for entry in entries {
        export.write(&entry.record, &entry.line, entry.chain, &entry.head)?;
    }
    export.flush()?;
    drop(export);
    Ok(bytes.into())
}
