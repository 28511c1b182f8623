//! The reference page, made from the document.

use std::collections::BTreeMap;

use askama::Template;
use serde_json::Value;

use super::json::{at, entries, items, text};
use super::markdown::inline;
use super::schema_words::rules;

/// The order of methods on the page.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[derive(Template)]
#[template(path = "reference.html")]
struct Page<'d> {
    about: String,
    version: &'d str,
    groups: BTreeMap<&'d str, Vec<Operation<'d>>>,
}

struct Operation<'d> {
    id: &'d str,
    method: String,
    path: &'d str,
    permission: String,
    summary: &'d str,
    description: String,
    parameters: Vec<Field<'d>>,
    sent: Option<Sent<'d>>,
    curl: String,
    answers: Vec<Answer<'d>>,
}

/// A parameter, a field of a body, or a header.
struct Field<'d> {
    name: &'d str,
    place: &'d str,
    required: bool,
    rules: String,
    what: String,
}

struct Sent<'d> {
    what: String,
    required: bool,
    fields: Vec<Field<'d>>,
}

struct Answer<'d> {
    status: &'d str,
    what: String,
    headers: Vec<&'d str>,
    fields: Vec<Field<'d>>,
    examples: Vec<String>,
}

/// Renders the page.
pub(super) fn render(document: &Value) -> askama::Result<String> {
    let mut groups: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, item) in entries(at(document, "/paths")) {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let group = text(at(operation, "/tags/0"));
                let told = told(document, path, method, operation);
                groups.entry(group).or_default().push(told);
            }
        }
    }
    Page {
        about: inline(text(at(document, "/info/description"))),
        version: text(at(document, "/info/version")),
        groups,
    }
    .render()
}

fn told<'d>(
    document: &'d Value,
    path: &'d str,
    method: &str,
    operation: &'d Value,
) -> Operation<'d> {
    let method = method.to_uppercase();
    let sent = at(operation, "/requestBody");
    let parameters = items(at(operation, "/parameters"));
    Operation {
        id: text(at(operation, "/operationId")),
        curl: curl(&method, path, at(operation, "/parameters"), sent),
        method,
        path,
        permission: match text(at(operation, "/x-permission")) {
            "any" => "any valid key".to_owned(),
            permission => format!("needs {permission}"),
        },
        summary: text(at(operation, "/summary")),
        description: inline(text(at(operation, "/description"))),
        parameters: parameters.map(parameter).collect(),
        sent: sent.is_object().then(|| Sent {
            what: inline(text(at(sent, "/description"))),
            required: at(sent, "/required") == true,
            fields: fields(document, json_content(sent)),
        }),
        answers: entries(at(operation, "/responses"))
            .map(|(status, response)| answer(document, status, response))
            .collect(),
    }
}

fn parameter(parameter: &Value) -> Field<'_> {
    Field {
        name: text(at(parameter, "/name")),
        place: text(at(parameter, "/in")),
        required: at(parameter, "/required") == true,
        rules: rules(at(parameter, "/schema")),
        what: inline(text(at(parameter, "/description"))),
    }
}

fn answer<'d>(document: &'d Value, status: &'d str, response: &'d Value) -> Answer<'d> {
    let response = resolved(document, response);
    let content = json_content(response);
    let single = Some(at(content, "/example")).filter(|example| !example.is_null());
    let examples = entries(at(content, "/examples")).map(|(_, example)| at(example, "/value"));
    let success = status.starts_with('2');
    Answer {
        status,
        what: inline(text(at(response, "/description"))),
        headers: entries(at(response, "/headers"))
            .map(|(name, _)| name)
            .collect(),
        // What errors hold is told once, above the operations.
        fields: if success {
            fields(document, content)
        } else {
            Vec::new()
        },
        examples: single.into_iter().chain(examples).map(pretty).collect(),
    }
}

/// The fields of an object; those of its entries where it is a list.
fn fields<'d>(document: &'d Value, content: &'d Value) -> Vec<Field<'d>> {
    let schema = resolved(document, at(content, "/schema"));
    let fields = |schema: &'d Value, place: &'d str| {
        let required = at(schema, "/required");
        let named = entries(at(schema, "/properties"));
        let field = move |(name, field): (&'d str, &'d Value)| Field {
            name,
            place,
            required: items(required).any(|required| required == name),
            rules: rules(field),
            what: inline(text(at(field, "/description"))),
        };
        named.map(field).collect::<Vec<_>>()
    };
    let entry = resolved(document, at(schema, "/properties/data/items"));
    let mut all = fields(schema, "");
    all.extend(fields(entry, "data[]"));
    all
}

/// A line to paste into a shell. Nothing of ours in it needs quoting but a
/// body, which is JSON without a `'`.
fn curl(method: &str, path: &str, parameters: &Value, sent: &Value) -> String {
    let mut path = path.to_owned();
    for parameter in items(parameters).filter(|parameter| at(parameter, "/in") == "path") {
        let name = format!("{{{}}}", text(at(parameter, "/name")));
        path = path.replace(&name, text(at(parameter, "/schema/examples/0")));
    }
    let mut line = String::from("curl");
    if method != "GET" {
        line.push_str(&format!(" -X {method}"));
    }
    line.push_str(" -H \"Authorization: Bearer $TORVUS_API_KEY\"");
    if sent.is_object() {
        let example = at(json_content(sent), "/example");
        line.push_str(&format!(
            " -H \"Content-Type: application/json\" \\\n    -d '{example}'"
        ));
    }
    line.push_str(&format!(" \\\n    http://127.0.0.1:8080{path}"));
    line
}

/// What is at the other end of a `$ref`, or the value itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let place = at(value, "/$ref")
        .as_str()
        .and_then(|at| at.strip_prefix('#'));
    place
        .and_then(|place| document.pointer(place))
        .unwrap_or(value)
}

fn json_content(of: &Value) -> &Value {
    at(of, "/content/application~1json")
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use torvus_authz::RouteTable;

    use super::super::document;
    use super::*;

    #[test]
    fn every_operation_is_on_the_page() {
        let routes = RouteTable::torvus();
        let page = render(&document::build(&routes).unwrap()).unwrap();
        for route in routes.routes() {
            let anchor = format!("id=\"{}\"", route.operation);
            assert_eq!(page.matches(&anchor).count(), 1, "{}", route.operation);
        }
        assert!(page.contains("-d &#39;{"), "a body is shown as it is sent");
        assert!(!page.contains("<script") && !page.contains("style="));
    }

    #[test]
    fn what_the_document_says_is_text_and_no_markup() {
        let bad = "<b>\"'&";
        let document = json!({
            "info": {"description": bad, "version": bad},
            "paths": {bad: {"get": {
                "tags": [bad], "operationId": bad, "summary": bad, "description": bad, "x-permission": bad,
                "parameters": [{"name": bad, "in": bad, "description": bad, "schema": {"type": bad}}],
                "responses": {bad: {"description": bad, "content": {"application/json": {"example": bad}}}},
            }}},
        });
        let page = render(&document).unwrap();
        assert!(page.contains("&#60;b&#62;") && page.contains("&lt;b&gt;"));
        assert!(!page.contains("<b>") && !page.contains("\"'&\""), "{page}");
    }
}
