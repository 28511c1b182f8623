//! The audit record of a request (public contract, section 7).

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::USER_AGENT;
use torvus_audit::AuditRecord;
use torvus_authz::Route;
use torvus_domain::{Category, Instants, Outcome, RequestId};
use torvus_gate::Identity;
use torvus_key_core::{Environment, redact};

use crate::request_id::client_request_id;

const METHOD_BYTES_MAX: usize = 64;
const PATH_BYTES_MAX: usize = 2_048;
const AGENT_BYTES_MAX: usize = 512;

/// What is known of a request when it comes in.
pub(crate) fn begin(
    request: &HttpRequest,
    id: RequestId,
    ip: Option<IpAddr>,
    now: &Instants,
) -> AuditRecord {
    let mut record = AuditRecord::new(now.wall, Category::ApiActivity, Outcome::Unknown);
    let headers = request.headers();
    record.request_id = Some(id);
    record.client_request_id =
        client_request_id(headers).map(|text| cut(&redact(text), PATH_BYTES_MAX));
    asks_about(&mut record, request.method().as_str(), request.uri().path());
    record.ip = ip;
    record.user_agent = headers.get(USER_AGENT).map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        cut(&redact(&text), AGENT_BYTES_MAX)
    });
    record
}

/// The method and the raw path that are decided on.
pub(crate) fn asks_about(record: &mut AuditRecord, method: &str, path: &str) {
    record.method = Some(cut(&redact(method), METHOD_BYTES_MAX));
    record.path = Some(cut(&redact(path), PATH_BYTES_MAX));
}

/// What is known once it was decided.
pub(crate) fn known(record: &mut AuditRecord, who: Option<&Identity>, route: Option<&Route>) {
    record.route = route.map(|route| route.pattern.clone());
    if let Some(who) = who {
        record.account_id = Some(who.account_id);
        record.key_id = Some(who.key_id);
        record.key_name = Some(who.key_name.to_string());
        record.environment = Some(who.environment);
        record.secret = Some(who.secret.number);
        record.secret_replaced = who.secret.replaced_at.is_some();
    }
}

/// What is known when it is answered.
pub(crate) fn end(record: &mut AuditRecord, status: u16, outcome: Outcome, let_through: bool) {
    record.status = Some(status);
    record.outcome = outcome;
    let live = record.environment == Some(Environment::Live);
    record.billable = let_through && live && status < 500;
}

/// The text, cut at a character and without control characters.
fn cut(text: &str, bytes_max: usize) -> String {
    // Nearly always.
    if text.len() <= bytes_max && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut kept = String::with_capacity(text.len().min(bytes_max));
    for character in text.chars() {
        let character = if character.is_control() {
            '\u{fffd}'
        } else {
            character
        };
        if kept.len() + character.len_utf8() > bytes_max {
            break;
        }
        kept.push(character);
    }
    kept
}
