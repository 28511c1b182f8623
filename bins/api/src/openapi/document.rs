//! The whole document, from the route table.

use std::collections::BTreeMap;

use serde_json::Value;
use torvus_authz::{Route, RouteTable};
use utoipa::openapi::path::{HttpMethod, PathsBuilder};
use utoipa::openapi::schema::{Components, ComponentsBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{InfoBuilder, License, OpenApi, OpenApiBuilder};

use super::{errors, headers, operation, path};
use crate::v1::described;

const SCHEME: &str = "api_key";
const ABOUT: &str = "An API behind keys. Send the key with each request as `Authorization: Bearer <api_key>`. \
    Every error is `{\"error\",\"message\"}`; what an operation needs is in `x-permission`, its path in the \
    audit log in `x-route`. `HEAD` works wherever `GET` does, and needs the same.";

/// Why there is no document.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    /// An operation has no words.
    #[error("the route {0} is not described")]
    Description(String),
    /// A path has a parameter without a name.
    #[error("the route {0} has a parameter that has no name in the document")]
    Parameter(String),
    /// A method is not one of OpenAPI's.
    #[error("the route {0} has a method that OpenAPI does not have")]
    Method(String),
    /// What was built can't be written.
    #[error("the document can't be written as JSON")]
    Json,
}

/// Builds the document, as JSON with its keys in order.
pub(super) fn build(routes: &RouteTable) -> Result<Value, Missing> {
    let mut paths = PathsBuilder::new().build();
    let mut components = base();
    for route in routes.routes() {
        let named =
            |missing: fn(String) -> Missing| missing(format!("{} {}", route.method, route.pattern));
        let told = described(&route.operation).ok_or_else(|| named(Missing::Description))?;
        let path = path::read(&route.pattern).ok_or_else(|| named(Missing::Parameter))?;
        let method = method(route).ok_or_else(|| named(Missing::Method))?;
        components.schemas.extend(operation::schemas(&told));
        let operation = operation::build(route, path.parameters, &told);
        paths.add_path_operation(path.template, vec![method], operation);
    }
    let document: OpenApi = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Torvus")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT))
                .license(Some(License::new(env!("CARGO_PKG_LICENSE")))),
        )
        .paths(paths)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], _>(
            SCHEME,
            [],
        )]))
        .build();
    serde_json::to_value(document).map_err(|_| Missing::Json)
}

/// The components that are there whatever the routes.
fn base() -> Components {
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("torvus_sk_live_… or torvus_sk_test_…")
        .description(Some(
            "A live key reaches live data only, a test key test data only.",
        ))
        .build();
    let mut components = ComponentsBuilder::new()
        .security_scheme(SCHEME, SecurityScheme::Http(key))
        .build();
    for (name, header) in headers::all() {
        components.headers.insert(name.to_owned(), header.into());
    }
    let shared: BTreeMap<_, _> = errors::shared()
        .iter()
        .map(|refused| (refused.name(), refused.response().into()))
        .collect();
    components.responses = shared;
    components
}

fn method(route: &Route) -> Option<HttpMethod> {
    Some(match route.method.as_str() {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn torvus() -> Value {
        build(&RouteTable::torvus()).unwrap()
    }

    fn operation<'d>(document: &'d Value, route: &Route) -> &'d Value {
        let path = path::read(&route.pattern).unwrap().template;
        &document["paths"][path][route.method.to_lowercase()]
    }

    fn refused(operation: &str, path: &str) -> Missing {
        let table = format!(
            "[[route]]\noperation = \"{operation}\"\nmethod = \"GET\"\npath = \"{path}\"\npermission = \"read\"\n"
        );
        build(&RouteTable::parse(&table).unwrap()).unwrap_err()
    }

    /// Every value under the key `$ref`.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    match value.as_str() {
                        Some(place) if key == "$ref" => found.push(place.to_owned()),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_has_the_routes_of_the_table_and_no_others() {
        let (document, routes) = (torvus(), RouteTable::torvus());
        assert_eq!(document["openapi"], "3.1.0");
        for route in routes.routes() {
            let operation = operation(&document, route);
            let permission = route.permission.map_or("any", |needed| needed.as_str());
            assert_eq!(operation["operationId"], route.operation.as_str());
            assert_eq!(operation["x-permission"], permission);
            assert_eq!(operation["x-route"], route.pattern.as_str());
        }
        let items = document["paths"].as_object().unwrap().values();
        let operations: usize = items.map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(operations, routes.routes().len());
    }

    #[test]
    fn a_route_without_words_is_an_error() {
        let of = |text: &str| text.to_owned();
        assert_eq!(
            refused("get_secret", "/v1/secret"),
            Missing::Description(of("GET /v1/secret"))
        );
        assert_eq!(
            refused("get_vault", "/v1/safes/:id"),
            Missing::Parameter(of("GET /v1/safes/:id"))
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = torvus();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100);
        for place in found {
            let pointer = place.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{place}");
        }
    }

    #[test]
    fn every_status_is_listed() {
        let document = torvus();
        for route in RouteTable::torvus().routes() {
            let operation = operation(&document, route);
            let mut expected = vec!["401", "403", "414", "429", "431", "500", "503"];
            match route.method.as_str() {
                "POST" => expected.extend(["201", "400", "409", "413", "415", "422"]),
                "PUT" | "PATCH" => expected.extend(["200", "400", "413", "415", "422"]),
                "DELETE" => expected.push("204"),
                _ => expected.push("200"),
            }
            if route.operation.starts_with("list_") {
                expected.push("422");
            }
            if route.pattern.contains(':') {
                expected.push("404");
            }
            expected.sort_unstable();
            let listed: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
            assert_eq!(listed, expected, "{}", route.operation);
        }
    }

    #[test]
    fn what_is_told_has_an_example_with_all_its_fields() {
        let document = torvus();
        for route in RouteTable::torvus().routes() {
            let responses = &operation(&document, route)["responses"];
            let success = ["200", "201"]
                .into_iter()
                .find_map(|status| responses.get(status));
            let Some(success) = success else { continue };
            let content = &success["content"]["application/json"];
            let example = &content["example"];
            let one = example["data"].get(0).unwrap_or(example);
            let schema = content["schema"]["$ref"].as_str().unwrap();
            let schema = &document.pointer(schema.trim_start_matches('#')).unwrap();
            let item = schema["properties"]["data"]["items"]["$ref"].as_str();
            let schema = item.map_or(*schema, |item| {
                document.pointer(item.trim_start_matches('#')).unwrap()
            });
            for field in schema["required"].as_array().unwrap() {
                assert!(!one[field.as_str().unwrap()].is_null(), "{field} of {one}");
            }
        }
    }

    #[test]
    fn errors_are_shown_to_the_byte() {
        let document = torvus();
        let shown = |status: &str| {
            let response = &document["components"]["responses"][format!("Error{status}")];
            response["content"]["application/json"]["examples"][format!("{status}-1")]["value"]
                .to_string()
        };
        assert_eq!(
            shown("401"),
            r#"{"error":"authentication_failed","message":"Invalid API key"}"#
        );
        assert_eq!(
            shown("403"),
            r#"{"error":"permission_denied","message":"API key lacks required permissions"}"#
        );
        let large = |path: &str| {
            document["paths"][path]["post"]["responses"]["413"]["content"]["application/json"]["examples"]
                ["413-1"]["value"]["message"]
                .clone()
        };
        assert_eq!(
            large("/v1/vaults"),
            json!("The body is too large: at most 65536 bytes")
        );
        assert_eq!(
            large("/v1/vaults/{vault_id}/documents"),
            json!("The body is too large: at most 2097152 bytes")
        );
    }
}
