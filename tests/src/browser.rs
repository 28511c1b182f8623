//! A browser without scripts: it keeps cookies and sends forms that it was shown.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::{Answer, Client, TestApp};

/// Somebody's browser.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    cookies: RefCell<BTreeMap<String, String>>,
    /// Headers that go along with each request.
    headers: Vec<(String, String)>,
}

/// An account whose holder may sign in.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its identifier.
    pub id: String,
    /// Its address.
    pub email: String,
    /// The dashboard's password.
    pub password: String,
}

impl TestApp {
    /// A new account, and what its holder signs in with.
    #[track_caller]
    pub fn holder(&self) -> Holder {
        self.holder_on("professional")
    }

    /// The same on that plan.
    #[track_caller]
    pub fn holder_on(&self, plan: &str) -> Holder {
        let email = format!("holder-{}@example.com", self.next_number());
        let made = self.admin(&["account", "create", "--email", &email, "--plan", plan]);
        Holder {
            id: made["id"].as_str().unwrap().to_owned(),
            email,
            password: made["dashboard_password"].as_str().unwrap().to_owned(),
        }
    }

    /// A browser that has never been here.
    pub fn browser(&self) -> Browser {
        self.browser_at(&self.url())
    }

    /// One that asks another server.
    pub fn browser_at(&self, url: &str) -> Browser {
        Browser {
            client: Client::new(url, None),
            cookies: RefCell::default(),
            headers: Vec::new(),
        }
    }

    /// A browser in which somebody is signed in.
    #[track_caller]
    pub fn signed_in(&self, holder: &Holder) -> Browser {
        let browser = self.browser();
        browser.sign_in(&holder.email, &holder.password).expect(303);
        browser
    }
}

impl Browser {
    /// The same, with one more header in each request.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    /// Puts a cookie there.
    pub fn set_cookie(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.borrow_mut();
        cookies.insert(name.to_owned(), value.to_owned());
    }

    /// All cookies.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.borrow().clone()
    }

    /// Asks for a page.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, &[])
    }

    /// Sends a form with these fields, and no others.
    #[track_caller]
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, Some(fields), &[])
    }

    /// Sends anything, with more headers.
    #[track_caller]
    pub fn send(
        &self,
        method: &str,
        path: &str,
        fields: Option<&[(&str, &str)]>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.client.request(method, path);
        let cookies = self.cookies.borrow().clone();
        if !cookies.is_empty() {
            let pairs: Vec<String> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header("Cookie", pairs.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(fields) = fields {
            let pair =
                |(name, value): &(&str, &str)| format!("{}={}", encoded(name), encoded(value));
            let body: Vec<String> = fields.iter().map(pair).collect();
            request = request
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(body.join("&"));
        }
        let answer = self.client.send(request);
        self.keep_cookies(&answer);
        answer
    }

    /// Opens a page, fills in its form that is sent to `action`, and sends it.
    #[track_caller]
    pub fn fill(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(page).expect(200);
        let token = token(&page, action);
        let fields = [&[("token", token.as_str())], fields].concat();
        self.post(action, &fields)
    }

    /// Signs in on the page for it.
    #[track_caller]
    pub fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.fill(
            "/login",
            "/login",
            &[("email", email), ("password", password)],
        )
    }

    /// Whether somebody is signed in.
    #[track_caller]
    pub fn is_in(&self) -> bool {
        match self.get("/settings/account").status {
            200 => true,
            303 => false,
            other => panic!("{other}"),
        }
    }

    fn keep_cookies(&self, answer: &Answer) {
        let mut cookies = self.cookies.borrow_mut();
        for (_, cookie) in answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The token in the form of a page that is sent to `action`.
#[track_caller]
pub fn token(page: &Answer, action: &str) -> String {
    let form = format!("action=\"{action}\"");
    let (_, form) = page
        .body
        .split_once(&form)
        .unwrap_or_else(|| panic!("no form for {action}: {page:?}"));
    let (_, token) = form.split_once("name=\"token\" value=\"").expect("a token");
    token.split_once('"').unwrap().0.to_owned()
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
