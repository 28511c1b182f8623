//! The way into the dashboard and out of it: sessions, forms, cookies, and what is recorded of them.
#![cfg(test)]

mod doors;
mod faults;
mod forms;
mod pages;
mod password;
mod sessions;
mod tries;
mod two_step;

use serde_json::Value;
use torvus_e2e::{Answer, Browser, TestApp};

const HERE: &str = "/settings/account";
const NEW: &str = "a sentence that nobody else says";

/// What is recorded of sign-ins: action, outcome and actor, the oldest first.
fn records(app: &TestApp) -> Vec<(String, String, String)> {
    let list = app.admin(&["audit", "list", "--category", "sign_in", "--limit", "1000"]);
    let text = |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
    let records = list["data"].as_array().unwrap().iter().rev();
    records
        .map(|record| {
            (
                text(record, "action"),
                text(record, "outcome"),
                text(record, "actor"),
            )
        })
        .collect()
}

fn change_password(browser: &Browser, current: &str, new: &str) -> Answer {
    let fields = [
        ("current_password", current),
        ("new_password", new),
        ("repeat_password", new),
    ];
    browser.fill(HERE, "/settings/account/password", &fields)
}
