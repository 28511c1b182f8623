//! The rules of the architecture that a compiler does not check: who may depend on whom, and what no
//! source file may hold.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Who may depend on whom, lowest first: a crate, the crates of ours that it may use, and the families of
/// others' crates (see [`family`]) that it may use. What is not written here is forbidden. Dev-dependencies
/// are exempt.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &str)] = &[
    // crate       may use                                                           and
    ("key-core",  "",                                                               ""),
    ("domain",    "key-core",                                                       ""),
    ("authz",     "domain",                                                         ""),
    ("ratelimit", "domain",                                                         "tokio"),
    ("audit",     "key-core domain",                                                "tokio"),
    ("storage",   "key-core domain audit",                                          "tokio diesel"),
    ("gate",      "key-core domain authz ratelimit audit",                          "tokio"),
    ("keyring",   "key-core domain audit storage",                                  "tokio"),
    ("settings",  "key-core domain authz",                                          ""),
    ("web",       "key-core domain authz ratelimit audit storage gate",             "tokio actix"),
    ("dashboard", "key-core domain authz ratelimit audit storage gate keyring web", "tokio actix"),
    ("api",       "key-core domain authz ratelimit audit storage gate keyring settings web dashboard",
                                                                                    "tokio actix anyhow"),
    ("admin",     "key-core domain authz ratelimit audit storage gate keyring settings",
                                                                                    "tokio anyhow"),
    ("e2e",       "key-core domain authz ratelimit audit storage gate keyring settings web dashboard",
                                                                                    "tokio diesel actix anyhow"),
    ("bench",     "domain storage keyring",                                         "actix"),
];

/// The crates that others link: their README is their documentation, and its examples are tests.
const LINKED: [&str; 7] = [
    "key-core",
    "domain",
    "authz",
    "ratelimit",
    "audit",
    "gate",
    "web",
];

const LONGEST_FILE: usize = 500;
const MEDIAN_FILE: usize = 150;

/// What no source file may hold. Put together here, so that this file does not hold it either.
const MARKS: [&str; 4] = [
    concat!("#[", "ignore"),
    concat!("todo", "!"),
    concat!("unimplemented", "!"),
    concat!("FIX", "ME"),
];

/// A workspace package and what it is built from.
struct Package {
    name: String,
    dependencies: Vec<String>,
}

impl Package {
    fn new(name: &str, dependencies: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// Reads a package of `cargo metadata`, leaving its dev-dependencies out.
    fn from_metadata(package: &Value) -> Self {
        let dependencies = package["dependencies"].as_array().unwrap();
        Self {
            name: package["name"].as_str().unwrap().to_owned(),
            dependencies: dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect(),
        }
    }
}

/// The column of the table that a crate of others belongs to, if the table has one for it.
fn family(name: &str) -> Option<&'static str> {
    match name {
        "libsqlite3-sys" | "pq-sys" | "rusqlite" | "postgres" | "sqlx" => Some("diesel"),
        _ => ["diesel", "actix", "tokio", "anyhow"]
            .into_iter()
            .find(|family| name.split(['-', '_']).next() == Some(family)),
    }
}

/// One line for each package that the table does not know, and each dependency that it does not allow.
fn forbidden(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for Package { name, dependencies } in packages {
        let row = name
            .strip_prefix("torvus-")
            .and_then(|name| TABLE.iter().find(|row| row.0 == name));
        let Some((_, ours, others)) = row else {
            found.push(format!("{name} is not in the table"));
            continue;
        };
        for dependency in dependencies {
            let allowed = match (dependency.strip_prefix("torvus-"), family(dependency)) {
                (Some(crate_name), _) => has_word(ours, crate_name),
                (None, Some(family)) => has_word(others, family),
                (None, None) => true,
            };
            if !allowed {
                found.push(format!("{name} may not use {dependency}"));
            }
        }
    }
    found
}

fn has_word(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn workspace() -> Vec<Package> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(Package::from_metadata).collect()
}

/// A source file of ours: its path from the root, and its text.
struct Source {
    path: PathBuf,
    text: String,
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in ["crates", "bins", "tests"] {
        collect(&root().join(folder), &mut sources);
    }
    sources
}

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().unwrap() != "target" {
                collect(&path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_owned();
            sources.push(Source { path, text });
        }
    }
}

fn marks_in(text: &str) -> Vec<&'static str> {
    MARKS
        .into_iter()
        .filter(|mark| text.contains(mark))
        .collect()
}

/// Fails with one line for each finding, so that all of them are seen at once.
#[track_caller]
fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn every_dependency_is_in_the_table() {
    let packages = workspace();
    assert!(packages.iter().any(|package| package.name == "torvus-api"));
    assert_none(
        "the table in this file says who may use whom",
        &forbidden(&packages),
    );
}

#[test]
fn a_crate_uses_only_crates_above_it_in_the_table() {
    for (index, (name, ours, _)) in TABLE.iter().enumerate() {
        for used in ours.split(' ').filter(|used| !used.is_empty()) {
            let above = TABLE[..index].iter().any(|row| row.0 == used);
            assert!(above, "{name} uses {used}, which is not above it");
        }
    }
}

#[test]
fn a_forged_dependency_is_refused() {
    let refused = |name, dependency| forbidden(&[Package::new(name, &[dependency])]).len() == 1;

    assert!(refused("torvus-domain", "torvus-storage"));
    assert!(refused("torvus-web", "torvus-keyring"));
    assert!(refused("torvus-admin", "torvus-web"));
    assert!(refused("torvus-keyring", "torvus-settings"));
    assert!(refused("torvus-key-core", "torvus-key-core-extra"));
    assert!(refused("torvus-api", "diesel"));
    assert!(refused("torvus-keyring", "diesel_migrations"));
    assert!(refused("torvus-gate", "libsqlite3-sys"));
    assert!(refused("torvus-admin", "actix-web"));
    assert!(refused("torvus-gate", "actix-http"));
    assert!(refused("torvus-domain", "tokio"));
    assert!(refused("torvus-storage", "anyhow"));

    assert!(!refused("torvus-storage", "diesel"));
    assert!(!refused("torvus-web", "actix-web"));
    assert!(!refused("torvus-api", "torvus-settings"));
}

#[test]
fn a_package_outside_the_table_is_refused() {
    let stray = forbidden(&[Package::new("torvus-extra", &[]), Package::new("gate", &[])]);
    assert_eq!(
        stray,
        [
            "torvus-extra is not in the table",
            "gate is not in the table"
        ]
    );
}

#[test]
fn only_dev_dependencies_are_exempt() {
    let package = serde_json::json!({
        "name": "torvus-domain",
        "dependencies": [
            { "name": "torvus-storage", "kind": "dev" },
            { "name": "diesel", "kind": "build" },
            { "name": "tokio", "kind": null },
        ],
    });
    assert_eq!(
        forbidden(&[Package::from_metadata(&package)]),
        [
            "torvus-domain may not use diesel",
            "torvus-domain may not use tokio"
        ]
    );
}

#[test]
fn files_are_short() {
    let mut lengths: Vec<(usize, PathBuf)> = sources()
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .collect();
    lengths.sort();

    let long: Vec<String> = lengths
        .iter()
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_none("no file is longer than 500 lines", &long);

    let median = lengths[lengths.len() / 2].0;
    assert!(
        median <= MEDIAN_FILE,
        "half of the files are longer than {median} lines"
    );
}

#[test]
fn nothing_is_left_undone_or_skipped() {
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|Source { path, text }| {
            text.lines().enumerate().flat_map(move |(index, line)| {
                marks_in(line)
                    .into_iter()
                    .map(move |mark| format!("{}:{}: {mark}", path.display(), index + 1))
            })
        })
        .collect();
    assert_none("finish it, or take it out", &found);
}

#[test]
fn each_mark_is_found() {
    for mark in MARKS {
        assert_eq!(marks_in(&format!("    {mark}(\"later\")")), [mark]);
    }
    assert!(marks_in("fn ignore_case(todo: &[Task]) {}").is_empty());
}

#[test]
fn a_linked_crate_is_documented_by_its_readme() {
    let missing: Vec<String> = LINKED
        .into_iter()
        .filter(|name| {
            let folder = root().join("crates").join(name);
            let lib = std::fs::read_to_string(folder.join("src/lib.rs")).unwrap();
            let included = lib
                .lines()
                .any(|line| line.trim() == "#![doc = include_str!(\"../README.md\")]");
            !included || !folder.join("README.md").is_file()
        })
        .map(str::to_owned)
        .collect();
    assert_none("lib.rs includes README.md as its documentation", &missing);
}
