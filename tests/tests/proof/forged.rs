//! Checkpoints that were taken apart and put together anew, their signed bytes as they were.

use serde_json::{Value, json};
use torvus_e2e::Database;

use crate::{export, file, python, used};

fn forgeries(checkpoint: &Value) -> Vec<Value> {
    let line = |end: &Value| {
        let text = |name: &str| end[name].as_str().unwrap().to_owned();
        format!("{} {} {}", text("chain"), end["seq"], text("hash"))
    };
    let ends = checkpoint["chains"].as_array().unwrap();
    let mut at = checkpoint["at"].as_str().unwrap().to_owned();
    for end in ends {
        at.push('\n');
        at.push_str(&line(end));
    }
    let mut in_the_time = checkpoint.clone();
    in_the_time["at"] = json!(at);
    in_the_time["chains"] = json!([]);
    let (first, last) = (&ends[0], ends.last().unwrap());
    let mut in_a_name = checkpoint.clone();
    in_a_name["chains"] = json!([{
        "chain": format!("{}\n{}", line(first), last["chain"].as_str().unwrap()),
        "seq": last["seq"],
        "hash": last["hash"],
    }]);
    let mut as_text = checkpoint.clone();
    as_text["chains"][0]["seq"] = json!(first["seq"].to_string());
    vec![in_the_time, in_a_name, as_text]
}

#[test]
fn no_verifier_takes_another_form_of_what_was_signed() {
    let (app, _) = used(Database::Sqlite);
    let path = file(&app, "checkpoint.json");
    app.admin(&["audit", "checkpoint", "--out", path.to_str().unwrap()]);
    let checkpoint: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(checkpoint["chains"].as_array().unwrap().len() >= 2);
    let log = export(&app, "log.jsonl");
    let public = checkpoint["public_key"].as_str().unwrap();
    assert!(python(&log, &[path.to_str().unwrap(), public]).0);
    for (number, forged) in forgeries(&checkpoint).iter().enumerate() {
        let path = file(&app, &format!("forged-{number}.json"));
        std::fs::write(&path, forged.to_string()).unwrap();
        let path = path.to_str().unwrap();
        let (fine, said) = python(&log, &[path, public]);
        assert!(!fine && said.contains("checkpoint"), "{forged}: {said}");
        let args = [
            "audit",
            "verify",
            "--export",
            log.to_str().unwrap(),
            "--checkpoint",
            path,
        ];
        assert_eq!(app.admin_run(&args).code, 4, "{forged}");
    }
}
