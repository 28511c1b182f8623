//! What the gate needs to know of a request, without a word of HTTP libraries.

use std::fmt;
use std::net::IpAddr;

use crate::{Instants, RequestId};

/// A URI with more bytes than this, its query included, is refused before
/// anything is asked of its key (public contract, section 3).
pub const URI_BYTES_MAX: usize = 2_048;

/// What was sent to prove who is asking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// Nothing was sent.
    Missing,
    /// Something was sent that can't be one bearer token.
    Malformed,
    /// One bearer token; not yet known to be a key.
    Bearer(&'a str),
}

impl fmt::Debug for Credential<'_> {
    /// Never shows the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "Missing",
            Self::Malformed => "Malformed",
            Self::Bearer(_) => "Bearer(..)",
        })
    }
}

/// The facts on which a request is decided.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The path, raw: not decoded, not normalised, without the query.
    pub path: &'a str,
    /// The client's address in its canonical form; none where the proxies in
    /// front don't tell one that can be read.
    pub client_ip: Option<IpAddr>,
    /// What was sent in `Authorization`.
    pub credential: Credential<'a>,
    /// The request's own identifier.
    pub request_id: RequestId,
    /// When it came in.
    pub now: Instants,
}
