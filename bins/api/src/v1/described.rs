//! Each operation in words and types, for the API's document.

use serde_json::Value;
use torvus_storage::resources::policies::Policy;
use torvus_storage::resources::recipients::Recipient;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, Schema};

use super::documents::Item as Document;
use super::in_vault::resource as in_vault;
use super::{account, body, check_ins, vaults};

/// An operation, as the document tells of it.
pub(crate) struct Described {
    /// What kind of operation it is.
    pub(crate) does: Does,
    /// What it is about.
    pub(crate) resource: Resource,
    /// What it does, in a few words.
    pub(crate) summary: &'static str,
    /// What else there is to know.
    pub(crate) description: &'static str,
}

/// What an operation does. How it is called and what it can answer follows
/// from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Tells one.
    Show,
    /// Tells a page of them.
    List,
    /// Makes one.
    Make,
    /// Takes a body that is as for a new one.
    Replace,
    /// Takes a body of which all is optional.
    Change,
    /// Removes one.
    Remove,
}

/// A kind of thing that is served.
pub(crate) struct Resource {
    /// Its name among the document's schemas.
    pub(crate) name: String,
    /// What several of them are called.
    pub(crate) title: &'static str,
    /// How one is told.
    pub(crate) view: RefOr<Schema>,
    /// How one is made; `None` where operators do that.
    pub(crate) made: Option<Made>,
}

/// How a resource is made.
pub(crate) struct Made {
    /// What is sent.
    pub(crate) body: Object,
    /// One that makes something.
    pub(crate) example: Value,
    /// How large a body may be.
    pub(crate) max_bytes: usize,
    /// Whether there has to be one.
    pub(crate) required: bool,
    /// Whether what was made has an address of its own.
    pub(crate) located: bool,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            body: Object::new(),
            example: Value::Null,
            max_bytes: body::MAX_BYTES,
            required: true,
            located: true,
        }
    }
}

impl Resource {
    /// One that callers only look at.
    pub(super) fn shown_only<V: ToSchema>(title: &'static str) -> Self {
        Self {
            title,
            name: V::name().into_owned(),
            view: V::schema(),
            made: None,
        }
    }

    /// One that callers make.
    pub(super) fn made<V: ToSchema>(title: &'static str, made: Made) -> Self {
        Self {
            made: Some(made),
            ..Self::shown_only::<V>(title)
        }
    }
}

/// Tells of an operation of the route table.
#[must_use]
pub(crate) fn described(operation: &str) -> Option<Described> {
    let row = OPERATIONS.iter().find(|(name, ..)| *name == operation)?;
    let (_, does, resource, summary, description) = *row;
    Some(Described {
        does,
        resource: resource(),
        summary,
        description,
    })
}

/// Operation, what it does, what it is about, and the words for it.
type Row = (
    &'static str,
    Does,
    fn() -> Resource,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const OPERATIONS: [Row; 18] = [
    ("get_account", Does::Show, account::resource, "Show the account",
        "Whose key it is. A good first call."),
    ("list_vaults", Does::List, vaults::resource, "List vaults",
        "The account's vaults in the key's environment, newest first."),
    ("get_vault", Does::Show, vaults::resource, "Show a vault", ""),
    ("create_vault", Does::Make, vaults::resource, "Make a vault", ""),
    ("replace_vault", Does::Replace, vaults::resource, "Replace a vault",
        "What is not sent is as in a new vault. What lies in the vault stays."),
    ("update_vault", Does::Change, vaults::resource, "Change a vault",
        "What is not sent stays as it is; `null` clears what may be empty."),
    ("delete_vault", Does::Remove, vaults::resource, "Delete a vault",
        "All that lies in the vault goes with it."),
    ("list_documents", Does::List, in_vault::<Document>, "List the documents of a vault",
        "Newest first. `size` and `sha256` stand for the content, which is not in it."),
    ("create_document", Does::Make, in_vault::<Document>, "Put a document into a vault",
        "The answer tells `size` and `sha256` instead of the content."),
    ("delete_document", Does::Remove, in_vault::<Document>, "Delete a document", ""),
    ("list_recipients", Does::List, in_vault::<Recipient>, "List the recipients of a vault",
        "Newest first."),
    ("create_recipient", Does::Make, in_vault::<Recipient>, "Name a recipient of a vault", ""),
    ("delete_recipient", Does::Remove, in_vault::<Recipient>, "Delete a recipient", ""),
    ("list_policies", Does::List, in_vault::<Policy>, "List the policies of a vault",
        "Newest first."),
    ("create_policy", Does::Make, in_vault::<Policy>, "Give a vault a policy", ""),
    ("delete_policy", Does::Remove, in_vault::<Policy>, "Delete a policy", ""),
    ("list_check_ins", Does::List, check_ins::resource, "List check-ins",
        "The account's check-ins in the key's environment, newest first."),
    ("create_check_in", Does::Make, check_ins::resource, "Check in",
        "All of it is optional: no body at all counts as `{}`."),
];
