//! What the server answered.

use serde_json::Value;

/// An answer: status, headers in the order they came, and body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The value of a header that is there once at most.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        let mut values = self.headers.iter().filter(|header| header.0 == name);
        let value = values.next().map(|header| header.1.as_str());
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("the body is not JSON ({error}): {self:?}"))
    }

    /// The string in a field of the body.
    #[track_caller]
    pub fn text(&self, field: &str) -> String {
        match &self.json()[field] {
            Value::String(text) => text.clone(),
            _ => panic!("no string in {field}: {self:?}"),
        }
    }

    /// Fails, showing the answer, unless the status is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails unless this is the 401 of the contract.
    #[track_caller]
    pub fn expect_401(self) -> Self {
        let answer = self.expect(401);
        assert_eq!(answer.body, crate::BODY_401);
        answer
    }

    /// Fails unless this is the 403 of the contract.
    #[track_caller]
    pub fn expect_403(self) -> Self {
        let answer = self.expect(403);
        assert_eq!(answer.body, crate::BODY_403);
        answer
    }

    /// Fails unless this is an error with that status and code, in the shape all errors have.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.text("error"), code, "{answer:?}");
        assert!(!answer.text("message").is_empty(), "{answer:?}");
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/json"), "{answer:?}");
        answer
    }
}
