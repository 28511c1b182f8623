//! Style, scripts and pictures, which are part of the program. Each is served
//! under a name that tells its contents, so a browser may keep it for good.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use sha2::{Digest, Sha256};

const PREFIX: &str = "/assets/";

struct Asset {
    name: &'static str,
    path: String,
    content_type: &'static str,
    body: Bytes,
}

/// Name, type and contents of each.
const FILES: &[(&str, &str, &[u8])] = &[
    (
        "torvus.css",
        "text/css; charset=utf-8",
        include_bytes!("../assets/torvus.css"),
    ),
    (
        "audit-logs.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/audit-logs.js"),
    ),
    (
        "torvus.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/torvus.js"),
    ),
    (
        "favicon.svg",
        "image/svg+xml",
        include_bytes!("../assets/favicon.svg"),
    ),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |&(name, content_type, body): &(&'static str, &'static str, &'static [u8])| {
        let hash: String = Sha256::digest(body)
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        Asset {
            name,
            path: format!("{PREFIX}{stem}-{hash}.{ending}"),
            content_type,
            body: Bytes::from_static(body),
        }
    };
    FILES.iter().map(asset).collect()
});

/// Where a file is served; empty where there is none of that name, which a test
/// keeps from happening.
pub(crate) fn path(name: &str) -> &'static str {
    let mut assets = ASSETS.iter();
    assets
        .find(|asset| asset.name == name)
        .map_or("", |asset| &asset.path)
}

/// The file that is served at a path.
pub(crate) fn answer(path: &str) -> Option<HttpResponse> {
    let asset = ASSETS.iter().find(|asset| asset.path == path)?;
    Some(
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, asset.content_type))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(asset.body.clone()),
    )
}

#[cfg(test)]
mod names {
    use super::*;

    #[test]
    fn each_file_is_served_under_a_name_that_tells_its_contents() {
        for (name, ..) in FILES {
            let path = path(name);
            assert!(path.starts_with(PREFIX) && path != format!("{PREFIX}{name}"));
            assert!(answer(path).is_some() && answer(&format!("{path}x")).is_none());
        }
        assert_eq!(path("nothing.css"), "");
        assert!(answer("/assets/torvus.css").is_none());
    }
}
