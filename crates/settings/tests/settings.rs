//! What is read from where, and what is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use torvus_key_core::{Environment, Pepper, PepperVersion};
use torvus_settings::{AuditDurability, Settings, SettingsArgs};

fn load(args: &SettingsArgs, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let map: HashMap<&str, &str> = variables.iter().copied().collect();
    Settings::load(args, &|name| map.get(name).map(|text| (*text).to_owned()))
        .map_err(|error| error.to_string())
}

fn with_file(dir: &Path, text: &str) -> SettingsArgs {
    let path = dir.join("torvus.toml");
    std::fs::write(&path, text).unwrap();
    SettingsArgs {
        config: Some(path),
        ..SettingsArgs::default()
    }
}

#[test]
fn defaults_are_those_of_the_contract() {
    let settings = load(&SettingsArgs::default(), &[]).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.admin_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.data_dir, Path::new("./data"));
    assert_eq!(settings.database_url(), "sqlite:./data/torvus.db");
    assert_eq!(settings.audit_durability, AuditDurability::Process);
    assert_eq!(settings.journal_max, 4 << 30);
    assert!(settings.workers.is_none() && settings.dashboard);
    assert!(settings.github_secret_scanning.is_none());
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let dir = tempfile::tempdir().unwrap();
    let mut args = with_file(
        dir.path(),
        "listen = \"127.0.0.1:1\"\nworkers = 3\ndrain_delay = \"5s\"\n",
    );
    assert_eq!(load(&args, &[]).unwrap().listen.port(), 1);
    assert_eq!(
        load(&args, &[("TORVUS_LISTEN", "127.0.0.1:2")])
            .unwrap()
            .listen
            .port(),
        2
    );
    args.listen = Some("127.0.0.1:3".to_owned());
    let settings = load(&args, &[("TORVUS_LISTEN", "127.0.0.1:2")]).unwrap();
    assert_eq!(settings.listen.port(), 3);
    assert_eq!(
        (settings.workers, settings.drain_delay.as_secs()),
        (Some(3), 5)
    );
    assert!(load(&args, &[("TORVUS_WORKERS", "")]).unwrap().workers == Some(3));
}

#[test]
fn the_file_changes_plans() {
    let dir = tempfile::tempdir().unwrap();
    let args = with_file(dir.path(), "[plans.free]\nlive_requests_per_hour = 7\n");
    let settings = load(&args, &[]).unwrap();
    let plan = settings.plans.get(&"free".parse().unwrap()).unwrap();
    assert_eq!(plan.limit(Environment::Live), 7);
    let path = args.config.as_ref().unwrap();
    std::fs::write(path, "[plans.free]\nlive_requests_per_hour = 0\n").unwrap();
    assert!(
        load(&args, &[])
            .unwrap_err()
            .contains("live_requests_per_hour = 0")
    );
}

#[test]
fn proxies_are_trusted_by_name_and_nobody_without() {
    let trusted = |args: &SettingsArgs, env: &[(&str, &str)], address: &str| {
        let settings = load(args, env).unwrap();
        settings.trusted_proxies.contains(address.parse().unwrap())
    };
    let mut args = SettingsArgs::default();
    assert!(!trusted(&args, &[], "127.0.0.1"));
    let env = [("TORVUS_TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::1")];
    assert!(trusted(&args, &env, "10.1.2.3") && trusted(&args, &env, "2001:db8::1"));
    let dir = tempfile::tempdir().unwrap();
    let file = with_file(dir.path(), "trusted_proxies = [\"192.0.2.0/24\"]\n");
    assert!(trusted(&file, &[], "192.0.2.9") && !trusted(&file, &env, "192.0.2.9"));
    args.trusted_proxies = vec!["127.0.0.1".to_owned(), "::1".to_owned()];
    assert!(trusted(&args, &env, "::1") && !trusted(&args, &env, "10.1.2.3"));
    args.trusted_proxies = vec!["10.0.0.1/8".to_owned()];
    let error = load(&args, &[]).unwrap_err();
    assert!(
        error.starts_with("--trusted-proxy") && error.contains("10.0.0.0/8"),
        "{error}"
    );
}

#[test]
fn routes_come_from_their_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("routes.toml");
    let mut args = SettingsArgs::default();
    assert_eq!(load(&args, &[]).unwrap().routes.routes().len(), 18);
    args.routes = Some(path.display().to_string());
    assert!(
        load(&args, &[])
            .unwrap_err()
            .contains("routes.toml\": can't be read")
    );
    let route = "[[route]]\nmethod = \"GET\"\npath = \"/orders\"\npermission = \"read\"\n";
    std::fs::write(&path, route).unwrap();
    assert_eq!(load(&args, &[]).unwrap().routes.routes().len(), 1);
    std::fs::write(&path, route.replace("read", "reed")).unwrap();
    let error = load(&args, &[]).unwrap_err();
    assert!(
        error.contains("--routes") && error.contains("\"reed\" is no permission"),
        "{error}"
    );
}

#[test]
fn every_fault_is_one_line_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    for (text, wanted) in [
        (
            "lisen = \"127.0.0.1:80\"",
            vec!["torvus.toml", "lisen", "127.0.0.1:80"],
        ),
        ("listen = 80", vec!["torvus.toml", "listen = 80"]),
        ("listen = \"here\"", vec!["torvus.toml", "listen", "here"]),
        ("[plans.free]\nlive = 1", vec!["plans.free.live", "1"]),
        (
            "[plans.new]\nip_allowlist = true",
            vec!["plans.new", "live_requests_per_hour"],
        ),
        ("workers = \"many\"", vec!["torvus.toml", "workers", "many"]),
        ("= 1", vec!["torvus.toml", "line 1"]),
        (
            "redis_url = \"redis://localhost\"",
            vec!["redis_url", "yet"],
        ),
    ] {
        let error = load(&with_file(dir.path(), text), &[]).unwrap_err();
        assert!(!error.contains('\n'), "{error}");
        for word in wanted {
            assert!(error.contains(word), "{word} in {error}");
        }
    }
    for variable in [
        ("TORVUS_LISTEN", "nowhere"),
        ("TORVUS_WORKERS", "0"),
        ("TORVUS_AUDIT_DURABILITY", "disk"),
        ("TORVUS_DRAIN_DELAY", "long"),
        ("TORVUS_JOURNAL_MAX", "4GB"),
        ("TORVUS_JOURNAL_MAX", "1MiB"),
        ("TORVUS_JOURNAL_MAX", "99999999999GiB"),
        ("TORVUS_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TORVUS_TRUSTED_PROXIES", "everyone"),
        ("TORVUS_NO_DASHBOARD", "maybe"),
    ] {
        let error = load(&SettingsArgs::default(), &[variable]).unwrap_err();
        assert!(
            error.contains(variable.0) && !error.contains('\n'),
            "{error}"
        );
    }
}

#[test]
fn secrets_come_from_files_too_but_not_from_both() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("url");
    std::fs::write(&path, "postgres://u:p@h/d\n").unwrap();
    let path = path.to_str().unwrap();
    let settings = load(
        &SettingsArgs::default(),
        &[("TORVUS_DATABASE_URL_FILE", path)],
    )
    .unwrap();
    assert_eq!(settings.database_url(), "postgres://u:p@h/d");
    let both = [
        ("TORVUS_DATABASE_URL_FILE", path),
        ("TORVUS_DATABASE_URL", "sqlite:x"),
    ];
    assert!(
        load(&SettingsArgs::default(), &both)
            .unwrap_err()
            .contains("both")
    );
    let error = settings.load_pepper(true).unwrap_err().to_string();
    assert!(
        error.contains("PostgreSQL") && error.contains("TORVUS_PEPPER"),
        "{error}"
    );
}

#[test]
fn a_pepper_is_made_once_whoever_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let args = SettingsArgs {
        data_dir: Some(data.display().to_string()),
        ..SettingsArgs::default()
    };
    let settings = load(&args, &[]).unwrap();
    settings.prepare_data_dir().unwrap();
    assert!(settings.load_pepper(false).is_err());
    let prints: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| settings.load_pepper(true).unwrap().current().fingerprint()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(prints.windows(2).all(|pair| pair[0] == pair[1]));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("pepper")), 0o600);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
}

#[test]
fn a_pepper_file_stays_readable_for_who_could_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pepper");
    std::fs::write(&file, format!("1:{}\n", "QUFB".repeat(12))).unwrap();
    let shown = file.to_str().unwrap();
    let settings = load(&with_file(dir.path(), ""), &[("TORVUS_PEPPER_FILE", shown)]).unwrap();
    for (before, after) in [
        (0o640, 0o640),
        (0o600, 0o600),
        (0o400, 0o400),
        (0o664, 0o640),
        (0o777, 0o640),
    ] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(before)).unwrap();
        // Only root may give a file away; anybody keeps its own group.
        let _ = std::os::unix::fs::chown(&file, Some(65_534), Some(65_534));
        let facts = file.metadata().unwrap();
        let ring = settings.load_pepper(false).unwrap();
        let new = Pepper::generate(PepperVersion::new(2).unwrap()).unwrap();
        settings.append_pepper(&ring, &new).unwrap();
        let both = settings.load_pepper(false).unwrap();
        let added = file.metadata().unwrap();
        settings.remove_pepper(&both, new.version()).unwrap();
        for now in [added, file.metadata().unwrap()] {
            assert_eq!(now.mode() & 0o7777, after, "{before:o}");
            assert_eq!((now.uid(), now.gid()), (facts.uid(), facts.gid()));
        }
    }
}

#[test]
fn a_fault_shows_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    for text in [
        "databse_url = \"postgres://u:hunter2@h/d\"",
        "pepper = \"1:hunter2\"",
        "database_url = [\"postgres://u:hunter2@h/d\"]",
        "workers = \"postgres://u:hunter2@h/d\"",
        "[database]\npassword = \"hunter2\"",
        "database = { password = \"hunter2\" }",
        "listen = { password = \"hunter2\" }",
    ] {
        let error = load(&with_file(dir.path(), text), &[]).unwrap_err();
        assert!(
            !error.contains("hunter2") && error.contains("torvus.toml"),
            "{error}"
        );
    }
}

#[test]
fn a_bad_pepper_is_named_but_not_shown() {
    let short = load(&SettingsArgs::default(), &[("TORVUS_PEPPER", "1:c2hvcnQ=")]).unwrap();
    let error = short.load_pepper(true).unwrap_err().to_string();
    assert!(
        error.contains("TORVUS_PEPPER") && !error.contains("c2hvcnQ"),
        "{error}"
    );
    assert!(!format!("{short:?}").contains("c2hvcnQ"));
}

#[test]
fn the_keys_of_github_are_a_file_that_is_named_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let filed = with_file(dir.path(), "github_secret_scanning = \"a.json\"\n");
    let named = |args: &SettingsArgs, variables| {
        let settings = load(args, variables).unwrap();
        settings.github_secret_scanning.unwrap()
    };
    assert_eq!(named(&filed, &[]), Path::new("a.json"));
    let variable = [("TORVUS_GITHUB_SECRET_SCANNING", "b.json")];
    assert_eq!(named(&filed, &variable), Path::new("b.json"));
    let flag = SettingsArgs {
        github_secret_scanning: Some("c.json".to_owned()),
        ..filed
    };
    assert_eq!(named(&flag, &variable), Path::new("c.json"));
}
