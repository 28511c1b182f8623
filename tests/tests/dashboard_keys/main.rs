//! Settings → API Keys, by a browser without scripts: each page and each action.

mod changes;
mod lists;
mod new;
mod seen;

use std::time::Duration;

use torvus_e2e::{Answer, Browser, Holder, TestApp};

const LIST: &str = "/settings/api-keys";
/// What was recorded is known to pages within this time.
const SOON: Duration = Duration::from_secs(10);
const NEW: &str = "/settings/api-keys/new";

/// Fields of the form for a key, with what is usual.
fn form<'a>(name: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("name", name), ("expiration", "90d")];
    fields.extend(more);
    fields
}

const READ_TEST: &[(&str, &str)] = &[("permissions", "read"), ("environment", "test")];
const READ_LIVE: &[(&str, &str)] = &[("permissions", "read"), ("environment", "live")];

/// The key that a page shows.
#[track_caller]
fn shown(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("<code id=\"api-key\"").expect("a key");
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

/// Generates a key: its id and its text.
#[track_caller]
fn generate(browser: &Browser, name: &str, more: &[(&str, &str)]) -> (String, String) {
    let page = browser.fill(NEW, NEW, &form(name, more)).expect(200);
    let key = shown(&page);
    let link = page.body.split(&format!("{LIST}/key_")).nth(1).unwrap();
    let id = link.split('"').next().unwrap();
    (format!("key_{id}"), key)
}

fn page_of(id: &str) -> String {
    format!("{LIST}/{id}")
}

/// A holder on that plan.
fn on_plan(app: &TestApp, plan: &str) -> Holder {
    let holder = app.holder();
    app.admin(&["account", "set-plan", &holder.id, plan]);
    holder
}
