//! The routes that are served and what they need, written by hand, so that the server's own table is tested
//! and not believed.

use serde_json::{Value, json};

use crate::Client;

/// Method, path (`V D R P`: ids of a vault, document, recipient, policy), permission, and the status when it
/// is allowed. What deletes comes last.
#[rustfmt::skip]
pub const ROUTES: [(&str, &str, &str, u16); 18] = [
    ("GET",    "/v1/account",                "any",    200),
    ("GET",    "/v1/vaults",                 "read",   200),
    ("GET",    "/v1/vaults/V",               "read",   200),
    ("GET",    "/v1/vaults/V/documents",     "read",   200),
    ("GET",    "/v1/vaults/V/recipients",    "read",   200),
    ("GET",    "/v1/vaults/V/policies",      "read",   200),
    ("GET",    "/v1/check-ins",              "read",   200),
    ("POST",   "/v1/vaults",                 "write",  201),
    ("PUT",    "/v1/vaults/V",               "write",  200),
    ("PATCH",  "/v1/vaults/V",               "write",  200),
    ("POST",   "/v1/vaults/V/documents",     "write",  201),
    ("POST",   "/v1/vaults/V/recipients",    "write",  201),
    ("POST",   "/v1/vaults/V/policies",      "write",  201),
    ("POST",   "/v1/check-ins",              "write",  201),
    ("DELETE", "/v1/vaults/V/documents/D",   "delete", 204),
    ("DELETE", "/v1/vaults/V/recipients/R",  "delete", 204),
    ("DELETE", "/v1/vaults/V/policies/P",    "delete", 204),
    ("DELETE", "/v1/vaults/V",               "delete", 204),
];

/// Every permission.
pub const ALL: &str = "read,write,delete";
/// Every set of permissions that a key may have.
pub const SETS: [&str; 7] = [
    "read",
    "write",
    "delete",
    "read,write",
    "read,delete",
    "write,delete",
    ALL,
];

/// A vault that holds one of each.
#[derive(Debug)]
pub struct Things {
    /// The id of the vault.
    pub vault: String,
    /// The id of the document.
    pub document: String,
    /// The id of the recipient.
    pub recipient: String,
    /// The id of the policy.
    pub policy: String,
}

impl Things {
    /// Makes them with that client.
    pub fn make(client: &Client) -> Self {
        let vault = client.vault("a vault");
        Self {
            document: client.inside(&vault, "documents", "a document"),
            recipient: client.inside(&vault, "recipients", "a recipient"),
            policy: client.inside(&vault, "policies", "a policy"),
            vault,
        }
    }

    /// A path of [`ROUTES`] with these ids in it.
    pub fn path(&self, pattern: &str) -> String {
        let ids = [
            ("V", &self.vault),
            ("D", &self.document),
            ("R", &self.recipient),
            ("P", &self.policy),
        ];
        let segments = pattern.split('/').map(|segment| {
            let id = ids.iter().find(|(letter, _)| *letter == segment);
            id.map_or(segment, |(_, id)| id.as_str())
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// A body that the route takes, if it takes any.
pub fn body(method: &str, path: &str) -> Option<Value> {
    match method {
        "POST" if path.ends_with("check-ins") => Some(json!({ "note": "here" })),
        "POST" | "PUT" | "PATCH" => Some(json!({ "name": "a name" })),
        _ => None,
    }
}
