//! What the handlers refuse, by example: asked of the handlers' own code, so
//! that the document shows what is really answered.

use serde_json::json;
use torvus_domain::Refusal;

use super::fields::Fields;
use super::{body, idempotent, page};

/// Requests that can't be read (400).
pub(crate) fn unreadable() -> Vec<Refusal> {
    body::parse(b"{").err().into_iter().collect()
}

/// Bodies that were read and are not allowed (422).
pub(crate) fn bodies() -> Vec<Refusal> {
    let unknown = Fields::of(json!({"colour": "red"})).and_then(Fields::done);
    [unknown.err(), Fields::of(json!([])).err()]
        .into_iter()
        .flatten()
        .collect()
}

/// Bodies without the name that must be in them (422).
pub(crate) fn nameless() -> Vec<Refusal> {
    Fields::none().name().err().into_iter().collect()
}

/// Lists that can't be given (422).
pub(crate) fn queries() -> Vec<Refusal> {
    ["limit=0", "cursor=x"]
        .into_iter()
        .filter_map(|query| page::from_query(query).err())
        .collect()
}

/// An `Idempotency-Key` that stands for another request (422).
pub(crate) fn used_before() -> Refusal {
    idempotent::used_before()
}

/// An `Idempotency-Key` whose first request is under way (409).
pub(crate) fn in_flight() -> Refusal {
    idempotent::in_flight()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_is_a_refusal_with_its_status() {
        let statuses =
            |refusals: Vec<Refusal>| -> Vec<u16> { refusals.iter().map(Refusal::status).collect() };
        assert_eq!(statuses(unreadable()), [400]);
        assert_eq!(statuses(bodies()), [422, 422]);
        assert_eq!(statuses(nameless()), [422]);
        assert_eq!(statuses(queries()), [422, 422]);
        assert_eq!(statuses(vec![used_before(), in_flight()]), [422, 409]);
    }
}
