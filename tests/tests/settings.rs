//! Settings that can't be right: one line, a failing exit code, and nothing made or bound.

use std::path::Path;
use std::process::Command;

use torvus_e2e::{Ended, api_binary, run_to_end};

/// Runs `torvus-api serve` with the arguments in a folder of its own.
fn serve(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(api_binary());
    command
        .env_clear()
        .arg("serve")
        .args(args)
        .env("TORVUS_LISTEN", "127.0.0.1:0")
        .env("TORVUS_ADMIN_LISTEN", "127.0.0.1:0")
        .envs(env.iter().copied())
        .current_dir(folder);
    run_to_end(&mut command)
}

/// Fails unless the server refused in one line that names all of `words`.
#[track_caller]
fn assert_refused(config: Option<&str>, args: &[&str], env: &[(&str, &str)], words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut args = args.to_vec();
    if let Some(text) = config {
        std::fs::write(folder.path().join("torvus.toml"), text).unwrap();
        args.extend(["--config", "torvus.toml"]);
    }
    let ended = serve(folder.path(), &args, env);
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.status.code().is_some(), "{ended:?}");
    assert_eq!(ended.stdout, "", "nothing listens");
    assert_eq!(
        ended.stderr.trim_end().lines().count(),
        1,
        "one line: {}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "{word} is not in: {}",
            ended.stderr
        );
    }
    assert!(!folder.path().join("data").exists(), "nothing is written");
}

#[test]
fn a_bad_flag_is_refused() {
    assert_refused(None, &["--no-such-flag"], &[], &["--no-such-flag"]);
    assert_refused(None, &["--listen", "nowhere"], &[], &["nowhere"]);
    assert_refused(None, &["--listen", "127.0.0.1:99999"], &[], &["99999"]);
    assert_refused(None, &["--workers", "many"], &[], &["many"]);
    assert_refused(None, &["--workers", "0"], &[], &["0"]);
    assert_refused(None, &["--drain-delay", "soon"], &[], &["soon"]);
    assert_refused(None, &["--audit-durability", "maybe"], &[], &["maybe"]);
    assert_refused(None, &["--database-url", "mysql://x/y"], &[], &[]);
    assert_refused(None, &["--bootstrap", "nobody"], &[], &["nobody"]);
}

#[test]
fn a_bad_variable_is_refused() {
    assert_refused(
        None,
        &[],
        &[("TORVUS_WORKERS", "many")],
        &["TORVUS_WORKERS", "many"],
    );
    let bad_address = &[("TORVUS_LISTEN", "nowhere")];
    assert_refused(None, &[], bad_address, &["TORVUS_LISTEN", "nowhere"]);
    assert_refused(
        None,
        &[],
        &[
            ("TORVUS_PEPPER", "1:AAAA"),
            ("TORVUS_PEPPER_FILE", "pepper"),
        ],
        &["TORVUS_PEPPER"],
    );
    assert_refused(
        None,
        &[],
        &[("TORVUS_PEPPER_FILE", "missing")],
        &["missing"],
    );
    assert_refused(
        None,
        &[],
        &[("TORVUS_PEPPER", "nonsense")],
        &["TORVUS_PEPPER"],
    );
}

#[test]
fn a_bad_file_is_refused() {
    assert_refused(
        Some("listn = \"127.0.0.1:0\"\n"),
        &[],
        &[],
        &["torvus.toml", "listn"],
    );
    assert_refused(
        Some("workers = \"many\"\n"),
        &[],
        &[],
        &["torvus.toml", "workers"],
    );
    assert_refused(Some("= ["), &[], &[], &["torvus.toml"]);
    assert_refused(
        Some("[plans.free]\nlive_requests_per_hour = -1\n"),
        &[],
        &[],
        &["torvus.toml", "live_requests_per_hour"],
    );
    assert_refused(
        Some("[plans.free]\ncolour = \"red\"\n"),
        &[],
        &[],
        &["torvus.toml", "colour"],
    );
    assert_refused(None, &["--config", "missing.toml"], &[], &["missing.toml"]);
}

#[test]
fn proxies_and_routes_are_read_before_anything_is_bound() {
    let proxy = ["--trusted-proxy", "10.0.0.7/8"];
    assert_refused(None, &proxy, &[], &["--trusted-proxy", "10.0.0.0/8"]);
    assert_refused(
        None,
        &["--routes", "gone.toml"],
        &[],
        &["--routes", "gone.toml"],
    );
}

#[test]
fn the_keys_of_github_are_read_before_anything_is_bound() {
    let name = "--github-secret-scanning";
    assert_refused(None, &[name, "gone.json"], &[], &[name, "gone.json"]);
    // A file that is there, but is another one.
    let other = [("TORVUS_GITHUB_SECRET_SCANNING", "/etc/passwd")];
    assert_refused(None, &[], &other, &[name, "/etc/passwd"]);
}

#[test]
fn what_is_not_built_yet_is_refused() {
    assert_refused(None, &["--redis-url", "redis://127.0.0.1"], &[], &["redis"]);
    assert_refused(None, &["--grpc-listen", "127.0.0.1:0"], &[], &["grpc"]);
}

#[test]
fn postgres_needs_a_given_pepper() {
    let url = ["--database-url", "postgres://nobody@127.0.0.1:1/nothing"];
    assert_refused(None, &url, &[], &["TORVUS_PEPPER"]);
}
