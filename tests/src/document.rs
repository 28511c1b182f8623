//! The API as the server itself describes it, for tests that have to cover all of it.

use serde_json::Value;

use crate::{Answer, Client, TestApp};

/// What the server serves at `/openapi.json`.
#[derive(Clone, Debug)]
pub struct Document {
    json: Value,
    /// Its operations, by path.
    pub operations: Vec<Operation>,
}

/// One operation of it.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its method, in capitals.
    pub method: String,
    /// Its path, with parameters in braces.
    pub template: String,
    /// Its path as the audit log has it.
    pub route: String,
    /// `any`, or the permission that it needs.
    pub permission: String,
    /// The example of a body, where it takes one.
    pub body: Option<Value>,
    responses: Value,
}

impl Document {
    /// Reads the document of a running server. An operation that lacks what tests need of it fails the test.
    #[track_caller]
    pub fn of(app: &TestApp) -> Self {
        let json = app.anonymous().get("/openapi.json").expect(200).json();
        let mut operations = Vec::new();
        for (template, item) in json["paths"].as_object().expect("paths") {
            for (method, told) in item.as_object().expect("operations") {
                operations.push(Operation::read(method, template, told));
            }
        }
        assert!(!operations.is_empty(), "a document without operations");
        Self { json, operations }
    }

    /// A path of this operation on which it can be called. What has to be there for it is made by `owner`, with
    /// the operations of the document.
    #[track_caller]
    pub fn path(&self, operation: &Operation, owner: &Client) -> String {
        let mut template = String::new();
        let mut path = String::new();
        for segment in operation.template.split('/').skip(1) {
            let value = match segment.starts_with('{') {
                true => self.made(&template, &path, owner),
                false => segment.to_owned(),
            };
            template = format!("{template}/{segment}");
            path = format!("{path}/{value}");
        }
        path
    }

    /// Makes one of what the list at a path holds: its id.
    #[track_caller]
    fn made(&self, template: &str, path: &str, owner: &Client) -> String {
        let mut operations = self.operations.iter();
        let maker = operations
            .find(|other| other.method == "POST" && other.template == template)
            .unwrap_or_else(|| panic!("nothing can be made at {template}"));
        maker.call(owner, path).expect(201).text("id")
    }

    /// The headers that the document promises for an answer of that status.
    #[track_caller]
    pub fn headers(&self, operation: &Operation, status: u16) -> Vec<String> {
        let response = &operation.responses[status.to_string()];
        let response = match response["$ref"].as_str() {
            Some(place) => self.json.pointer(place.trim_start_matches('#')).unwrap(),
            None => response,
        };
        let headers = response["headers"].as_object();
        let headers = headers.unwrap_or_else(|| panic!("{operation:?} does not tell of {status}"));
        headers.keys().cloned().collect()
    }
}

impl Operation {
    #[track_caller]
    fn read(method: &str, template: &str, told: &Value) -> Self {
        let text = |field: &str| match &told[field] {
            Value::String(text) => text.clone(),
            _ => panic!("{method} {template} has no {field}"),
        };
        let body = match &told["requestBody"] {
            Value::Null => None,
            body => Some(body["content"]["application/json"]["example"].clone()),
        };
        assert_ne!(body, Some(Value::Null), "{method} {template}: no example");
        Self {
            method: method.to_uppercase(),
            template: template.to_owned(),
            route: text("x-route"),
            permission: text("x-permission"),
            body,
            responses: told["responses"].clone(),
        }
    }

    /// Whether it is about something that has an id in the path.
    pub fn is_of_resource(&self) -> bool {
        self.template.contains('{')
    }

    /// The status of an answer that is no refusal.
    #[track_caller]
    pub fn success(&self) -> u16 {
        let statuses = self.responses.as_object().unwrap().keys();
        let good: Vec<&String> = statuses.filter(|status| status.starts_with('2')).collect();
        assert_eq!(good.len(), 1, "{self:?}");
        good[0].parse().unwrap()
    }

    /// Calls it at a path of its own, with the example as its body.
    #[track_caller]
    pub fn call(&self, client: &Client, path: &str) -> Answer {
        client.call(&self.method, path, self.body.as_ref())
    }
}
