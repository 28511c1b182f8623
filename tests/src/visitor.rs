//! Somebody at the dashboard, with a browser that keeps cookies and runs no script.

use std::sync::Mutex;
use std::time::Duration;

use crate::{Answer, TestApp};

/// An account, and what opens the dashboard for it.
#[derive(Clone, Debug)]
pub struct Holder {
    /// `acc_…`
    pub account: String,
    /// The address.
    pub email: String,
    /// The dashboard's password.
    pub password: String,
}

impl TestApp {
    /// A new account on that plan, and how its holder signs in.
    #[track_caller]
    pub fn holder(&self, plan: &str) -> Holder {
        let email = format!("holder-{}@example.com", self.next_number());
        let made = self.admin(&["account", "create", "--email", &email, "--plan", plan]);
        let text = |field: &str| made[field].as_str().expect("a string").to_owned();
        Holder {
            account: text("id"),
            email: text("email"),
            password: text("dashboard_password"),
        }
    }

    /// Somebody who is not signed in.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.url())
    }

    /// Somebody who is.
    #[track_caller]
    pub fn signed_in(&self, holder: &Holder) -> Visitor {
        let visitor = self.visitor();
        visitor.sign_in(holder).expect(303);
        visitor
    }
}

/// Somebody at the dashboard.
#[derive(Debug)]
pub struct Visitor {
    http: reqwest::blocking::Client,
    base: String,
    cookies: Mutex<Vec<(String, String)>>,
}

impl Visitor {
    fn new(base: &str) -> Self {
        let http = reqwest::blocking::Client::builder()
            .timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            base: base.to_owned(),
            cookies: Mutex::default(),
        }
    }

    /// Fills in the form at `/login`, and sends it.
    #[track_caller]
    pub fn sign_in(&self, holder: &Holder) -> Answer {
        let page = self.get("/login").expect(200);
        self.post(
            "/login",
            &[
                ("token", &token(&page.body)),
                ("email", &holder.email),
                ("password", &holder.password),
            ],
        )
    }

    /// A page, or where it leads.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(format!("{}{path}", self.base)))
    }

    /// A form is sent.
    #[track_caller]
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
            let value: String = value
                .bytes()
                .map(|byte| match byte.is_ascii_alphanumeric() {
                    true => char::from(byte).to_string(),
                    false => format!("%{byte:02X}"),
                })
                .collect();
            body.push_str(&format!("{name}={value}&"));
        }
        let request = self.http.post(format!("{}{path}", self.base));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        self.send(request.header("Origin", &self.base).body(body))
    }

    #[track_caller]
    fn send(&self, request: reqwest::blocking::RequestBuilder) -> Answer {
        let mut cookies = self.cookies.lock().unwrap();
        let kept: Vec<_> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = request.header("Cookie", kept.join("; "));
        let response = request.send().expect("the server answers");
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie
                .split(';')
                .next()
                .unwrap()
                .split_once('=')
                .expect("a cookie");
            cookies.retain(|kept| kept.0 != name);
            if !value.is_empty() {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Answer {
            status: response.status().as_u16(),
            headers,
            body: response.text().expect("the answer is whole"),
        }
    }
}

/// The token of the page's last form.
#[track_caller]
fn token(html: &str) -> String {
    let (_, rest) = html
        .rsplit_once("name=\"token\" value=\"")
        .expect("a form with a token");
    rest.split('"').next().unwrap().to_owned()
}
