//! Many keys, page by page.

use serde_json::json;
use torvus_e2e::{Database, TestApp, on_both};

use crate::LIST;

fn many_keys_are_paged_whole(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let lines: Vec<String> = (0..1_050)
        .map(|n| {
            json!({
            "name": format!("Bulk {n:04}"), "environment": if n % 2 == 0 { "live" } else { "test" },
            "permissions": ["read"], "digest": format!("{n:064x}"),
        }).to_string()
        })
        .collect();
    let file = app.scratch().join("keys.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    app.admin(&[
        "key",
        "import",
        "--account",
        &holder.id,
        file.to_str().unwrap(),
    ]);
    let browser = app.signed_in(&holder);
    let names = |body: &str| -> Vec<String> {
        let cells = body.split("<th scope=\"row\"").skip(1);
        cells
            .map(|cell| {
                let (_, rest) = cell.split_once("Bulk ").unwrap();
                rest[..4].to_owned()
            })
            .collect()
    };
    let link = |body: &str, rel: &str| {
        let (_, rest) = body.split_once(&format!("rel=\"{rel}\" href=\""))?;
        Some(
            rest.split('"')
                .next()
                .unwrap()
                .replace("&amp;", "&")
                .replace("&#38;", "&"),
        )
    };
    for order in [
        "",
        "?sort=name&order=asc",
        "?sort=name&order=desc",
        "?sort=last-used&order=desc",
        "?sort=expires&order=asc",
    ] {
        let (mut all, mut path, mut pages) = (Vec::new(), format!("{LIST}{order}"), Vec::new());
        loop {
            let body = browser.get(&path).expect(200).body;
            all.extend(names(&body));
            pages.push(names(&body));
            match link(&body, "next") {
                Some(next) => path = next,
                None => break,
            }
        }
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!((all.len(), sorted.len()), (1_050, 1_050), "{order}");
        if order.contains("name") {
            let wanted: Vec<String> = if order.contains("asc") {
                sorted
            } else {
                sorted.into_iter().rev().collect()
            };
            assert_eq!(all, wanted);
        }
        // And back to the beginning.
        let mut body = browser.get(&path).expect(200).body;
        for before in pages.iter().rev().skip(1) {
            body = browser
                .get(&link(&body, "prev").expect("a page before"))
                .expect(200)
                .body;
            assert_eq!(&names(&body), before, "{order}");
        }
        assert!(link(&body, "prev").is_none());
    }
    let found = browser
        .get(&format!("{LIST}?q=bulk+0999&environment=test"))
        .expect(200);
    assert_eq!(names(&found.body), ["0999"]);
    assert!(
        browser
            .get(&format!("{LIST}?q=bulk+0999&environment=live"))
            .expect(200)
            .body
            .contains("No key is like that")
    );
}

on_both!(many_keys_are_paged_whole,);
