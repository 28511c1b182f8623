//! A client as a user of the API would write it.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};
use torvus_key_core::{ApiKeyToken, Environment};

use crate::Answer;

/// Talks to the server with one key, or with none.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::blocking::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(base: &str, token: Option<&str>) -> Self {
        Self::calling_from(None, base, token)
    }

    /// One that calls from this address.
    pub(crate) fn from_address(ip: IpAddr, base: &str, token: Option<&str>) -> Self {
        Self::calling_from(Some(ip), base, token)
    }

    fn calling_from(ip: Option<IpAddr>, base: &str, token: Option<&str>) -> Self {
        let http = reqwest::blocking::Client::builder()
            .local_address(ip)
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            base: base.to_owned(),
            token: token.map(str::to_owned),
        }
    }

    /// The same connections with another key.
    pub fn with_key(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// A request with the key in it, to be completed and given to [`send`](Self::send).
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// Sends a request; not being answered fails the test.
    #[track_caller]
    pub fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).expect("the server answers")
    }

    /// Sends a request; the error tells why there was no answer.
    pub fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send()?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            body: response.text()?,
        })
    }

    /// Any method with a JSON body, or none.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method, path);
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// `GET`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    /// `POST` of JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body))
    }

    /// `PUT` of JSON.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(body))
    }

    /// `PATCH` with JSON.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(body))
    }

    /// `DELETE`.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }

    /// Makes a vault: its id.
    #[track_caller]
    pub fn vault(&self, name: &str) -> String {
        self.post("/v1/vaults", &json!({ "name": name }))
            .expect(201)
            .text("id")
    }

    /// Makes a thing in a vault (`documents`, `recipients`, `policies`): its id.
    #[track_caller]
    pub fn inside(&self, vault: &str, kind: &str, name: &str) -> String {
        self.post(
            &format!("/v1/vaults/{vault}/{kind}"),
            &json!({ "name": name }),
        )
        .expect(201)
        .text("id")
    }
}

/// A well-formed key that nobody issued.
pub fn random_like(environment: &str) -> String {
    let environment = match environment {
        "live" => Environment::Live,
        _ => Environment::Test,
    };
    let token = ApiKeyToken::generate(environment).expect("the system gives random bytes");
    token.expose().to_owned()
}
