//! Documents in a vault.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use torvus_domain::{DocumentId, Refusal, Timestamp, VaultId, kinds::DocumentKind};
use torvus_storage::resources::Page;
use torvus_storage::resources::documents::{self, Document};
use torvus_storage::{Conn, StorageError};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::answer::time;
use super::body::MAX_DOCUMENT_BYTES;
use super::fields::{Fields, invalid};
use super::in_vault::{InVault, New};
use super::schema;

const MAX_CONTENT_BYTES: usize = 1024 * 1024;
const MAX_TYPE_CHARS: usize = 255;
const DEFAULT_TYPE: &str = "application/octet-stream";

/// A document, with its content where it is new.
pub(super) struct Item {
    document: Document,
    content: Vec<u8>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Document)]
pub(super) struct View {
    #[schema(schema_with = schema::id::<DocumentKind>)]
    id: DocumentId,
    #[schema(schema_with = schema::name)]
    name: String,
    #[schema(schema_with = media_type)]
    content_type: String,
    #[schema(schema_with = size)]
    size: u64,
    #[schema(schema_with = sha256)]
    sha256: String,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    created_at: Timestamp,
    #[schema(schema_with = schema::instant)]
    #[serde(serialize_with = "time")]
    updated_at: Timestamp,
}

/// The rule of [`content_type`], as a pattern.
fn media_type() -> Object {
    const TOKEN: &str = "[A-Za-z0-9!#$&^_.+-]+";
    schema::string()
        .description(Some(format!(
            "A media type; `{DEFAULT_TYPE}` where it is not given."
        )))
        .max_length(Some(MAX_TYPE_CHARS))
        .pattern(Some(format!("^{TOKEN}/{TOKEN} *(?:;[ -~]*)?$")))
        .examples(["text/plain"])
        .build()
}

fn media_type_or_null() -> Object {
    let mut either = media_type();
    either.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    either
}

fn size() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("The bytes of the content."))
        .minimum(Some(0))
        .maximum(Some(MAX_CONTENT_BYTES))
        .examples([3])
        .build()
}

fn sha256() -> Object {
    schema::string()
        .description(Some("The SHA-256 of the content, in hexadecimal."))
        .pattern(Some("^[0-9a-f]{64}$"))
        .examples(["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"])
        .build()
}

/// The rule of [`content`]: base64 in which the bits that stand for nothing are 0.
fn base64() -> Object {
    const DIGIT: &str = "[A-Za-z0-9+/]";
    let last = format!("{DIGIT}[AQgw]==|{DIGIT}{{2}}[AEIMQUYcgkosw048]=");
    schema::or_null()
        .description(Some(format!(
            "Base64 (RFC 4648, with padding) of at most {MAX_CONTENT_BYTES} bytes."
        )))
        .content_encoding("base64")
        .max_length(Some(MAX_CONTENT_BYTES.div_ceil(3) * 4))
        .pattern(Some(format!("^(?:{DIGIT}{{4}})*(?:{last})?$")))
        .examples(["YWJj"])
        .build()
}

impl InVault for Item {
    type Kind = DocumentKind;
    type View = View;
    const SEGMENT: &'static str = "documents";
    const MAX_BODY_BYTES: usize = MAX_DOCUMENT_BYTES;

    fn body() -> Object {
        let fields = [
            ("name", schema::name()),
            ("content_type", media_type_or_null()),
            ("content", base64()),
        ];
        schema::body(fields).required("name").build()
    }

    fn example() -> Value {
        json!({"name": "Letter", "content_type": "text/plain", "content": "YWJj"})
    }

    fn read(fields: &mut Fields, new: New<DocumentKind>) -> Result<Self, Refusal> {
        let name = fields.name()?;
        let content_type = content_type(fields)?;
        let content = content(fields)?;
        let document = Document {
            id: new.id,
            vault_id: new.vault_id,
            name,
            content_type,
            size: content.len() as u64,
            sha256: Sha256::digest(&content).into(),
            created_at: new.at,
            updated_at: new.at,
        };
        Ok(Self { document, content })
    }

    fn insert(&self, c: &mut Conn) -> Result<(), StorageError> {
        documents::insert(c, &self.document, &self.content)
    }

    fn list(c: &mut Conn, vault: VaultId, page: &Page) -> Result<Vec<Self>, StorageError> {
        let documents = documents::list(c, vault, page)?;
        let without_content = |document| Self {
            document,
            content: Vec::new(),
        };
        Ok(documents.into_iter().map(without_content).collect())
    }

    fn delete(c: &mut Conn, vault: VaultId, id: DocumentId) -> Result<bool, StorageError> {
        documents::delete(c, vault, id)
    }

    fn place(&self) -> (Timestamp, String) {
        (self.document.created_at, self.document.id.to_string())
    }

    fn view(self) -> Result<View, Refusal> {
        let document = self.document;
        Ok(View {
            id: document.id,
            name: document.name,
            content_type: document.content_type,
            size: document.size,
            sha256: hex(&document.sha256),
            created_at: document.created_at,
            updated_at: document.updated_at,
        })
    }
}

/// A media type: `type/subtype` and perhaps parameters, in visible ASCII.
fn content_type(fields: &mut Fields) -> Result<String, Refusal> {
    let Some(text) = fields.text("content_type", MAX_TYPE_CHARS)?.set() else {
        return Ok(DEFAULT_TYPE.to_owned());
    };
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let token = |part: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b);
        !part.is_empty() && part.bytes().all(allowed)
    };
    let fits = essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    if fits && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(invalid(
            "content_type",
            "must be a media type such as text/plain",
        ))
    }
}

fn content(fields: &mut Fields) -> Result<Vec<u8>, Refusal> {
    let text = fields.raw_text("content")?.unwrap_or_default();
    let content = STANDARD
        .decode(text)
        .map_err(|_| invalid("content", "must be base64 (RFC 4648, with padding)"))?;
    if content.len() > MAX_CONTENT_BYTES {
        let rule = format!("must have at most {MAX_CONTENT_BYTES} bytes when decoded");
        return Err(invalid("content", &rule));
    }
    Ok(content)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Item, Option<String>> {
        let new = New {
            id: DocumentId::new(Timestamp::UNIX_EPOCH),
            vault_id: VaultId::new(Timestamp::UNIX_EPOCH),
            at: Timestamp::UNIX_EPOCH,
        };
        let mut fields = Fields::of(value).ok().unwrap();
        Item::read(&mut fields, new).map_err(|refusal| match refusal {
            Refusal::Invalid { field, .. } => field,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn content_is_base64_within_its_limit() {
        let item = read(json!({"name": "a", "content": "YWJj"})).ok().unwrap();
        assert_eq!(item.document.size, 3);
        assert_eq!(item.document.content_type, DEFAULT_TYPE);
        assert_eq!(
            hex(&item.document.sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let full = |bytes: usize| json!({"name": "a", "content": STANDARD.encode(vec![0; bytes])});
        assert!(read(full(MAX_CONTENT_BYTES)).is_ok());
        for value in [
            full(MAX_CONTENT_BYTES + 1),
            json!({"name": "a", "content": "YWJ"}),
            json!({"name": "a", "content": "YW J"}),
            json!({"name": "a", "content": 1}),
        ] {
            assert_eq!(read(value).err().flatten().as_deref(), Some("content"));
        }
    }

    #[test]
    fn types_are_media_types() {
        for good in ["text/plain; charset=utf-8", "application/vnd.a+json"] {
            assert!(read(json!({"name": "a", "content_type": good})).is_ok());
        }
        for bad in [
            "",
            "text",
            "/",
            "text/",
            "a b/c",
            "text/plain\r\nX: y",
            "text/\u{e9}",
        ] {
            let refused = read(json!({"name": "a", "content_type": bad}));
            assert_eq!(refused.err().flatten().as_deref(), Some("content_type"));
        }
    }
}
