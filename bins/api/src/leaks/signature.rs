//! Whether a report is GitHub's: ECDSA with P-256 and SHA-256 over the body as
//! it came, by one of the keys that GitHub publishes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey as _;
use serde::Deserialize;

/// What the file with the keys may have at most.
const FILE_MAX: u64 = 1024 * 1024;

/// A signature, and the key that it is said to be of.
pub(super) struct Claim {
    key: VerifyingKey,
    signature: Signature,
}

/// Why a signature is not accepted, or the file of keys not.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignatureError {
    /// It is not that key's, or there is no such key.
    #[error("the signature is wrong")]
    Wrong,
    #[error("can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("is not what https://api.github.com/meta/public_keys/secret_scanning gives: {0}")]
    Form(String),
}

/// The file, as GitHub's address gives it.
#[derive(Deserialize)]
struct Published {
    public_keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    key_identifier: String,
    key: String,
}

/// Checks the file: one key at least, and each can be used.
pub(super) fn check(file: &Path) -> Result<(), SignatureError> {
    let keys = read(file)?;
    if keys.is_empty() {
        return Err(SignatureError::Form("there is no key in it".to_owned()));
    }
    keys.iter().try_for_each(|key| key.read().map(drop))
}

impl Claim {
    /// What can be said before the body is there: that the file has such a key
    /// now, and that the signature (DER in base64) is one by its form.
    pub(super) fn read(
        file: &Path,
        identifier: &str,
        signature: &str,
    ) -> Result<Self, SignatureError> {
        let keys = read(file)?;
        let named = |key: &&Key| key.key_identifier == identifier;
        let key = keys.iter().find(named).ok_or(SignatureError::Wrong)?;
        let key = key.read()?;
        let der = STANDARD
            .decode(signature)
            .map_err(|_| SignatureError::Wrong)?;
        let signature = Signature::from_der(&der).map_err(|_| SignatureError::Wrong)?;
        Ok(Self { key, signature })
    }

    /// Checks that the body is what was signed.
    pub(super) fn verify(&self, body: &[u8]) -> Result<(), SignatureError> {
        let verified = self.key.verify(body, &self.signature);
        verified.map_err(|_| SignatureError::Wrong)
    }
}

fn read(file: &Path) -> Result<Vec<Key>, SignatureError> {
    let mut text = String::new();
    File::open(file)?.take(FILE_MAX).read_to_string(&mut text)?;
    let published: Published =
        serde_json::from_str(&text).map_err(|error| SignatureError::Form(error.to_string()))?;
    Ok(published.public_keys)
}

impl Key {
    fn read(&self) -> Result<VerifyingKey, SignatureError> {
        VerifyingKey::from_public_key_pem(self.key.trim()).map_err(|_| {
            let name = &self.key_identifier;
            SignatureError::Form(format!("the key {name:?} is not a P-256 key in PEM"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// The sample of GitHub's documentation of its partner programme.
    const IDENTIFIER: &str = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c";
    const PUBLIC: &str = r#"{"public_keys":[{"key_identifier":"bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c",
        "key":"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n-----END PUBLIC KEY-----\n","is_current":true}]}"#;
    const BODY: &str = r#"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]"#;
    const SIGNATURE: &str = "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==";

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn verify(
        keys: &Path,
        identifier: &str,
        signature: &str,
        body: &str,
    ) -> Result<(), SignatureError> {
        Claim::read(keys, identifier, signature)?.verify(body.as_bytes())
    }

    #[test]
    fn the_sample_of_githubs_documentation_is_verified() {
        let keys = file(PUBLIC);
        check(keys.path()).unwrap();
        verify(keys.path(), IDENTIFIER, SIGNATURE, BODY).unwrap();
    }

    #[test]
    fn anything_else_is_wrong() {
        let keys = file(PUBLIC);
        let other = SIGNATURE.replacen("MEQCIQDaMK", "MEQCIQDaMA", 1);
        for (identifier, signature, body) in [
            (IDENTIFIER, SIGNATURE, &*BODY.replace("commit", "commis")),
            (IDENTIFIER, SIGNATURE, &*format!("{BODY} ")),
            (IDENTIFIER, &*other, BODY),
            (IDENTIFIER, "", BODY),
            (IDENTIFIER, "AAAA", BODY),
            ("another", SIGNATURE, BODY),
            ("", SIGNATURE, BODY),
        ] {
            let error = verify(keys.path(), identifier, signature, body).unwrap_err();
            assert!(matches!(error, SignatureError::Wrong), "{error}");
        }
    }

    #[test]
    fn a_file_without_keys_that_can_be_used_is_refused() {
        let broken = PUBLIC.replace("MFkw", "MFkx");
        for text in ["", "{}", "[]", r#"{"public_keys":[]}"#, &broken] {
            let keys = file(text);
            assert!(
                matches!(check(keys.path()), Err(SignatureError::Form(_))),
                "{text}"
            );
        }
        let gone = Path::new("/nowhere/keys.json");
        assert!(matches!(check(gone), Err(SignatureError::Unreadable(_))));
    }
}
