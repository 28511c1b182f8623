//! Paths: from the route table's `/v1/vaults/:id` to the document's
//! `/v1/vaults/{vault_id}`.

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};

use crate::v1::id_with_prefix;

/// A list's part of a path, the name of the parameter after it, and the prefix
/// of the identifiers there.
const LISTS: [(&str, &str, &str); 4] = [
    ("vaults", "vault_id", "vault"),
    ("documents", "document_id", "doc"),
    ("recipients", "recipient_id", "rcp"),
    ("policies", "policy_id", "pol"),
];

/// A path as the document has it.
pub(super) struct Path {
    /// With each parameter in braces, each by a name of its own.
    pub(super) template: String,
    /// The parameters in their order.
    pub(super) parameters: Vec<Parameter>,
}

/// Reads a pattern of the route table; `None` where a parameter follows
/// something that is no known list.
pub(super) fn read(pattern: &str) -> Option<Path> {
    let mut segments = Vec::new();
    let mut parameters = Vec::new();
    let mut before = "";
    for segment in pattern.split('/') {
        if segment.starts_with(':') {
            let (_, name, prefix) = LISTS.iter().find(|(list, ..)| *list == before)?;
            segments.push(format!("{{{name}}}"));
            parameters.push(parameter(name, prefix));
        } else {
            segments.push(segment.to_owned());
        }
        before = segment;
    }
    Some(Path {
        template: segments.join("/"),
        parameters,
    })
}

fn parameter(name: &str, prefix: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(id_with_prefix(prefix)))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_names_of_their_own() {
        let path = read("/v1/vaults/:id/documents/:id").unwrap();
        assert_eq!(
            path.template,
            "/v1/vaults/{vault_id}/documents/{document_id}"
        );
        let names: Vec<&str> = path.parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["vault_id", "document_id"]);
        assert_eq!(read("/v1/account").unwrap().template, "/v1/account");
    }

    #[test]
    fn what_is_in_no_known_list_has_no_name() {
        assert!(read("/v1/keys/:id").is_none());
        assert!(read("/:id").is_none());
    }
}
