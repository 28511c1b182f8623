//! Lists: how much of one is asked for, and where the next part begins.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Query;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::json;
use torvus_domain::{Refusal, Timestamp};
use torvus_storage::resources::{Page, Scope};
use torvus_storage::{Conn, StorageError};
use torvus_web::Call;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::answer::{failed, scope};
use super::fields::invalid;
use super::{Answer, Context, schema};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;
const MAX_CURSOR_BYTES: usize = 200;

/// The page that a query string asks for.
pub(super) fn from_query(query: &str) -> Result<Page, Refusal> {
    let bad_limit = || {
        let rule = format!("must be a whole number from 1 to {MAX_LIMIT}");
        invalid("limit", &rule)
    };
    let pairs = Query::<Vec<(String, String)>>::from_query(query)
        .map(Query::into_inner)
        .unwrap_or_default();
    let mut limit = None;
    let mut before = None;
    for (name, value) in pairs {
        match name.as_str() {
            "limit" => {
                let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let number = value.parse::<usize>().ok();
                let number = number.filter(|n| digits && (1..=MAX_LIMIT).contains(n));
                if limit.replace(number.ok_or_else(bad_limit)?).is_some() {
                    return Err(invalid("limit", "must be given once"));
                }
            }
            "cursor" => {
                let place = read_cursor(&value)
                    .ok_or_else(|| invalid("cursor", "must be the `next_cursor` of a list"))?;
                if before.replace(place).is_some() {
                    return Err(invalid("cursor", "must be given once"));
                }
            }
            _ => {}
        }
    }
    Ok(Page {
        limit: limit.unwrap_or(DEFAULT_LIMIT),
        before,
    })
}

/// What the document tells of a list's query.
pub(crate) fn parameters() -> [Parameter; 2] {
    let in_query = |name: &str, what: String, schema: ObjectBuilder| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .description(Some(what))
            .schema(Some(schema))
            .build()
    };
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_LIMIT))
        .default(Some(json!(DEFAULT_LIMIT)))
        .examples([DEFAULT_LIMIT]);
    let place = (
        Timestamp::UNIX_EPOCH,
        "vault_01h455vb4pex5vsknk084sn02q".to_owned(),
    );
    let cursor = schema::string()
        .min_length(Some(1))
        .max_length(Some(MAX_CURSOR_BYTES))
        .pattern(Some("^[A-Za-z0-9_-]+$"))
        .examples([write_cursor(&place)]);
    [
        in_query(
            "limit",
            format!("How many to give at most; {DEFAULT_LIMIT} where it is not given."),
            limit,
        ),
        in_query(
            "cursor",
            "Where to go on: the `next_cursor` of the list before.".to_owned(),
            cursor,
        ),
    ]
}

#[derive(Serialize)]
struct List<V> {
    data: Vec<V>,
    next_cursor: Option<String>,
}

/// Answers with the page of an account's own rows that a call asks for.
pub(super) async fn of_account<R: Send + 'static, V: Serialize>(
    context: Arc<Context>,
    call: Call,
    list: fn(&mut Conn, Scope, &Page) -> Result<Vec<R>, StorageError>,
    place: impl Fn(&R) -> (Timestamp, String),
    view: impl Fn(R) -> V,
) -> Answer {
    let page = from_query(call.request.query_string())?;
    let scope = scope(&call.grant);
    let asked = page.clone();
    let rows = context
        .store
        .run_read(move |c| list(c, scope, &asked))
        .await
        .map_err(|error| failed(&error))?;
    answer(&page, rows, place, |row| Ok(view(row)))
}

/// Answers with a page. `rows` may hold one more than was asked for: then
/// there is a next page, which begins after the last one shown.
pub(super) fn answer<R, V: Serialize>(
    page: &Page,
    mut rows: Vec<R>,
    place: impl Fn(&R) -> (Timestamp, String),
    view: impl Fn(R) -> Result<V, Refusal>,
) -> Result<HttpResponse, Refusal> {
    let more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let next_cursor = rows
        .last()
        .filter(|_| more)
        .map(|row| write_cursor(&place(row)));
    let data = rows.into_iter().map(view).collect::<Result<Vec<V>, _>>()?;
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

fn write_cursor((at, id): &(Timestamp, String)) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}:{id}", at.timestamp_micros()))
}

fn read_cursor(text: &str) -> Option<(Timestamp, String)> {
    if text.len() > MAX_CURSOR_BYTES {
        return None;
    }
    let place = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (micros, id) = place.split_once(':')?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if id.is_empty() || !id.bytes().all(plain) {
        return None;
    }
    let at = Timestamp::from_timestamp_micros(micros.parse().ok()?)?;
    Some((at, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blamed(query: &str) -> Option<String> {
        match from_query(query) {
            Ok(_) => None,
            Err(Refusal::Invalid { field, .. }) => field,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn limits_have_edges() {
        assert_eq!(from_query("").ok().map(|page| page.limit), Some(20));
        for (query, limit) in [("limit=1", 1), ("limit=100&other=%FF&x", 100)] {
            assert_eq!(from_query(query).ok().map(|page| page.limit), Some(limit));
        }
        for query in [
            "limit=0",
            "limit=101",
            "limit=",
            "limit=-1",
            "limit=%2B5",
            "limit=1.5",
            "limit=99999999999999999999",
            "limit=1&limit=1",
        ] {
            assert_eq!(blamed(query).as_deref(), Some("limit"), "{query}");
        }
    }

    #[test]
    fn cursors_are_read_back() {
        let at = Timestamp::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let place = (at, "vault_01h455vb4pex5vsknk084sn02q".to_owned());
        let query = format!("cursor={}", write_cursor(&place));
        assert_eq!(
            from_query(&query).ok().and_then(|page| page.before),
            Some(place)
        );
        let not_ours = |text: &str| format!("cursor={}", URL_SAFE_NO_PAD.encode(text));
        for query in [
            "cursor=".to_owned(),
            "cursor=!".to_owned(),
            "cursor=AAAA".to_owned(),
            not_ours("1:"),
            not_ours("x:vault_1"),
            not_ours("1:vault_\u{0}"),
            not_ours("9223372036854775807:vault_1"),
            format!("{query}&{query}"),
        ] {
            assert_eq!(blamed(&query).as_deref(), Some("cursor"), "{query}");
        }
    }
}
