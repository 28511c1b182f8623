//! One operation of the document: what is sent and what is answered.

use serde_json::{Map, Value, json};
use torvus_authz::Route;
use torvus_domain::Permission;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{Array, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Required};

use super::{errors, headers};
use crate::v1::{Described, Does, Made, idempotency_parameter, list_parameters};

const JSON: &str = "application/json";

/// Builds the operation of a route whose path has these parameters.
pub(super) fn build(route: &Route, parameters: Vec<Parameter>, told: &Described) -> Operation {
    let permission = route.permission.map_or("any", Permission::as_str);
    let extensions: Extensions = [
        ("x-permission", json!(permission)),
        ("x-route", json!(route.pattern)),
    ]
    .into_iter()
    .collect();
    let of_resource = !parameters.is_empty();
    let operation = OperationBuilder::new()
        .operation_id(Some(&route.operation))
        .tag(told.resource.title)
        .summary(Some(told.summary))
        .description(Some(description(permission, told)))
        .parameters(Some(parameters))
        .parameters(Some(more_parameters(told.does)))
        .request_body(sent(told))
        .extensions(Some(extensions));
    let (status, response) = success(told);
    with_errors(operation.response(status, response), told, of_resource).build()
}

/// The schemas that operations on a resource refer to, by name.
pub(super) fn schemas(told: &Described) -> Vec<(String, RefOr<Schema>)> {
    let name = &told.resource.name;
    let mut schemas = vec![(name.clone(), told.resource.view.clone())];
    if told.does == Does::List {
        schemas.push((format!("{name}List"), list(name).into()));
    }
    if let Some((name, schema)) = sent_schema(told) {
        schemas.push((name, schema.into()));
    }
    schemas
}

fn description(permission: &str, told: &Described) -> String {
    let needs = match permission {
        "any" => "Any valid key may do this.".to_owned(),
        permission => format!("Needs the permission `{permission}`."),
    };
    format!("{} {needs}", told.description)
        .trim_start()
        .to_owned()
}

fn more_parameters(does: Does) -> Vec<Parameter> {
    match does {
        Does::List => list_parameters().into(),
        Does::Make => vec![idempotency_parameter()],
        Does::Show | Does::Replace | Does::Change | Does::Remove => Vec::new(),
    }
}

/// The body of an operation that takes one, by its name.
fn sent_schema(told: &Described) -> Option<(String, Object)> {
    let name = &told.resource.name;
    let body = &takes(told)?.body;
    Some(match told.does {
        Does::Change => {
            let mut body = body.clone();
            body.required.clear();
            (format!("{name}Change"), body)
        }
        _ => (format!("New{name}"), body.clone()),
    })
}

fn takes(told: &Described) -> Option<&Made> {
    match told.does {
        Does::Make | Does::Replace | Does::Change => told.resource.made.as_ref(),
        Does::Show | Does::List | Does::Remove => None,
    }
}

fn sent(told: &Described) -> Option<RequestBody> {
    let made = takes(told)?;
    let (schema, _) = sent_schema(told)?;
    let content = content(&schema, made.example.clone());
    let required = if made.required {
        Required::True
    } else {
        Required::False
    };
    let what = format!("At most {} bytes.", made.max_bytes);
    Some(
        RequestBodyBuilder::new()
            .description(Some(what))
            .content(JSON, content)
            .required(Some(required))
            .build(),
    )
}

fn content(schema: &str, example: Value) -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .example(Some(example))
        .build()
}

fn success(told: &Described) -> (&'static str, ResponseBuilder) {
    let name = &told.resource.name;
    let one = || content(name, example(told));
    let (status, what, content) = match told.does {
        Does::Show => ("200", "As it is.", Some(one())),
        Does::Replace | Does::Change => ("200", "As it is now.", Some(one())),
        Does::Make => ("201", "It was made.", Some(one())),
        Does::List => {
            let page = json!({"data": [example(told)], "next_cursor": null});
            let page = content(&format!("{name}List"), page);
            ("200", "A page of them.", Some(page))
        }
        Does::Remove => ("204", "It is gone.", None),
    };
    let mut names = headers::of(200);
    if told.does == Does::Make {
        names.push("Idempotency-Replayed");
        if takes(told).is_some_and(|made| made.located) {
            names.push("Location");
        }
    }
    let response = names
        .into_iter()
        .fold(ResponseBuilder::new(), |response, name| {
            response.header_ref(name, headers::reference(name))
        })
        .description(what);
    let response = match content {
        Some(content) => response.content(JSON, content),
        None => response,
    };
    (status, response)
}

fn with_errors(
    operation: OperationBuilder,
    told: &Described,
    of_resource: bool,
) -> OperationBuilder {
    let mut shared = errors::always();
    if of_resource {
        shared.extend(errors::of_resource());
    }
    let mut own = Vec::new();
    if told.does == Does::List {
        own.extend(errors::of_list());
    }
    if let Some(made) = takes(told) {
        let named = told.does != Does::Change && !made.body.required.is_empty();
        own.extend(errors::of_body(
            made.max_bytes,
            named,
            told.does == Does::Make,
        ));
    }
    let operation = shared.iter().fold(operation, |operation, refused| {
        operation.response(refused.status.to_string(), refused.reference())
    });
    own.iter().fold(operation, |operation, refused| {
        operation.response(refused.status.to_string(), refused.response())
    })
}

/// One as it is told: each field's example, and what the body's example sets.
fn example(told: &Described) -> Value {
    let mut one = Map::new();
    if let RefOr::T(Schema::Object(object)) = &told.resource.view {
        for (name, field) in &object.properties {
            if let RefOr::T(Schema::Object(field)) = field {
                let shown = field.examples.first().cloned().unwrap_or_default();
                one.insert(name.clone(), shown);
            }
        }
    }
    let sent = told.resource.made.as_ref().map(|made| &made.example);
    for (name, value) in sent.and_then(Value::as_object).into_iter().flatten() {
        if let Some(told) = one.get_mut(name) {
            *told = value.clone();
        }
    }
    Value::Object(one)
}

fn list(name: &str) -> Object {
    let cursor = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("Where the next page begins; `null` on the last."));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("data", Array::new(Ref::from_schema_name(name)))
        .required("data")
        .property("next_cursor", cursor)
        .required("next_cursor")
        .build()
}
