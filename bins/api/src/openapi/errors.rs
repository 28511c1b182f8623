//! Every way in which an operation refuses, with the bodies that are sent.

use torvus_domain::Refusal;
use torvus_web::problem;
use utoipa::openapi::Ref;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Type};

use super::headers;
use crate::v1::refused;

/// One kind of refusal, for one status.
pub(super) struct Refused {
    /// Its status.
    pub(super) status: u16,
    because: &'static str,
    /// What is said; at least one.
    shown: Vec<Refusal>,
}

impl Refused {
    fn new(because: &'static str, shown: Vec<Refusal>) -> Option<Self> {
        let status = shown.first()?.status();
        Some(Self {
            status,
            because,
            shown,
        })
    }

    /// Its name among the document's responses.
    pub(super) fn name(&self) -> String {
        format!("Error{}", self.status)
    }

    /// Where it is described, if many operations share it.
    pub(super) fn reference(&self) -> Ref {
        Ref::from_response_name(self.name())
    }

    /// As a response of the document.
    pub(super) fn response(&self) -> Response {
        let shown = self.shown.iter().enumerate().map(|(place, refusal)| {
            let example = ExampleBuilder::new().value(Some(problem(refusal)));
            (format!("{}-{}", self.status, place + 1), example)
        });
        let content = ContentBuilder::new()
            .schema(Some(self.schema()))
            .examples_from_iter(shown)
            .build();
        headers::of(self.status)
            .into_iter()
            .fold(ResponseBuilder::new(), |response, name| {
                response.header_ref(name, headers::reference(name))
            })
            .description(self.because)
            .content("application/json", content)
            .build()
    }

    /// The shape of all errors, with the words that this one has.
    fn schema(&self) -> Object {
        let codes: Vec<&str> = self.shown.first().map(Refusal::code).into_iter().collect();
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("error", text().enum_values(Some(codes)))
            .required("error")
            .property("message", text())
            .required("message")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        if self.status == 422 {
            let what = "The field to blame, where there is one.";
            return object
                .property("field", text().description(Some(what)))
                .build();
        }
        object.build()
    }
}

/// What any operation can answer.
pub(super) fn always() -> Vec<Refused> {
    [
        Refused::new(
            "There is no key, or it is malformed, unknown, expired or revoked, or its account is suspended: \
             always the same body.",
            vec![Refusal::UnknownKey],
        ),
        Refused::new(
            "The key lacks the permission, may not be used from this address, or the resource is another \
             account's: always the same body.",
            vec![Refusal::NotOwner],
        ),
        Refused::new("The URI is too long.", vec![Refusal::UriTooLong]),
        Refused::new("The limit is used up.", vec![Refusal::RateLimited]),
        Refused::new("The headers are too large.", vec![Refusal::HeadersTooLarge]),
        Refused::new("Our fault.", vec![Refusal::Internal]),
        Refused::new(
            "A part that the decision or its record needs is down.",
            vec![Refusal::Unavailable],
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What an operation on one resource can answer besides.
pub(super) fn of_resource() -> Option<Refused> {
    Refused::new(
        "There is no such resource, or it is in the other environment.",
        vec![Refusal::NotFound],
    )
}

/// What a list can answer besides.
pub(super) fn of_list() -> Option<Refused> {
    Refused::new(
        "The query asks for what can't be given.",
        refused::queries(),
    )
}

/// What is the same wherever it is answered.
pub(super) fn shared() -> Vec<Refused> {
    let mut shared = always();
    shared.extend(of_resource());
    shared
}

/// What an operation with a body can answer besides.
pub(super) fn of_body(max_bytes: usize, named: bool, once: bool) -> Vec<Refused> {
    let max_bytes = max_bytes as u64;
    let mut not_allowed = if named {
        refused::nameless()
    } else {
        Vec::new()
    };
    not_allowed.extend(refused::bodies());
    if once {
        not_allowed.push(refused::used_before());
    }
    let in_flight = once.then(refused::in_flight).into_iter().collect();
    [
        Refused::new(
            "The body, or a header, can't be read.",
            refused::unreadable(),
        ),
        Refused::new(
            "A request with this `Idempotency-Key` is under way.",
            in_flight,
        ),
        Refused::new(
            "The body is too large.",
            vec![Refusal::PayloadTooLarge { max_bytes }],
        ),
        Refused::new(
            "The body is not `application/json`, or is encoded.",
            vec![Refusal::UnsupportedMediaType],
        ),
        Refused::new(
            "The body was read, but a field is missing, unknown or out of range.",
            not_allowed,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
