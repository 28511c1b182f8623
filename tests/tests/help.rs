//! What the command line says of itself: every example in it works as it is written, and shells and man
//! pages are told all of it.

use std::path::Path;
use std::process::Command;

use torvus_e2e::{
    Database, Ended, TestApp, admin_binary, admin_commands, admin_help, examples_in, on_both,
    run_to_end,
};

/// Wider than this is wrapped, and then it can't be copied.
const WIDTH: usize = 100;

/// A line for a shell, in a folder, that finds `torvus-admin` and the app's data.
fn shell(app: &TestApp, folder: &Path, line: &str) -> Ended {
    let admin = app.admin_command();
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder).env_clear();
    for (name, value) in admin.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let programs = admin_binary().parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap();
    command
        .env("PATH", format!("{programs}:{path}"))
        .env("HOME", folder);
    run_to_end(&mut command)
}

#[track_caller]
fn must(app: &TestApp, folder: &Path, line: &str) {
    let ended = shell(app, folder, line);
    assert!(ended.status.success(), "{line}\n{ended:?}");
}

/// What an example takes for granted is there: files, and a key that was rotated or replaced before.
fn prepare(app: &TestApp, command: &str, folder: &Path, key: &torvus_e2e::Key) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    match command {
        "key import" => {
            write("secret.txt", "theirs");
            for (system, name) in [
                ("torvus-csv", "keys.csv"),
                ("better-auth-jsonl", "better-auth.jsonl"),
                ("keyed-jsonl", "keys.jsonl"),
            ] {
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("imports/make.py");
                let script = script.display();
                must(
                    app,
                    folder,
                    &format!("{script} {system} 3 {name} --secret theirs"),
                );
            }
        }
        "key grace" => drop(app.admin(&["key", "rotate", &key.id])),
        "pepper retire" => drop(app.admin(&["pepper", "add"])),
        "leak revoke" => write("report.txt", &format!("found: {}\n", key.token)),
        "leak scan" => must(
            app,
            folder,
            "mkdir src && echo nothing > src/a && tar czf backup.tgz src && git init -q . && git add src \
             && git -c user.name=a -c user.email=a@example.com commit -qm a",
        ),
        "completions" => must(app, folder, "mkdir -p ~/.config/fish/completions"),
        "audit verify" => must(
            app,
            folder,
            "torvus-admin audit checkpoint > checkpoint.json",
        ),
        _ => {}
    }
}

fn every_example_works_as_it_is_written(database: Database) {
    let app = TestApp::builder(database).pepper_in_file().start();
    let commands = admin_commands();
    assert!(commands.len() > 30, "{commands:?}");
    for path in commands {
        let command = path.join(" ");
        let help = admin_help(&path, "--help");
        let examples = examples_in(&help);
        assert!(!examples.is_empty(), "{command} has no example:\n{help}");
        let called = format!("torvus-admin {command}");
        assert!(
            examples.iter().any(|line| line.contains(&called)),
            "{command}: {examples:?}"
        );
        let account = app.account("enterprise");
        let key = app.key(&account, "live", "read,write");
        let folder = tempfile::tempdir().unwrap();
        prepare(&app, &command, folder.path(), &key);
        for line in examples {
            let line = line.replace("acc_…", &account).replace("key_…", &key.id);
            assert!(!line.contains('…'), "{line}");
            must(&app, folder.path(), &line);
        }
    }
}

on_both!(every_example_works_as_it_is_written);

#[test]
fn help_puts_a_commands_own_flags_first_and_can_be_copied() {
    for path in admin_commands() {
        let short = admin_help(&path, "-h");
        let long = admin_help(&path, "--help");
        for help in [&short, &long] {
            let place = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text}:\n{help}"));
            assert!(place("\nOptions:\n") < place("\nSettings:\n"), "{help}");
            assert!(place("\nSettings:\n") < place("\nExample"), "{help}");
            // How it is used is a list, and is not wrapped.
            let mut lines = help.lines().filter(|line| !line.starts_with("Usage: "));
            let wide = lines.find(|line| line.chars().count() > WIDTH);
            assert_eq!(wide, None, "{path:?}");
        }
        let unexplained = short.lines().find(|line| {
            let mut words = line.split_whitespace();
            words.next().is_some_and(|word| word.starts_with('<')) && words.next().is_none()
        });
        assert_eq!(unexplained, None, "{path:?}");
        assert!(short.contains("--data-dir <DIR>"), "{short}");
        assert!(!short.contains("--journal-max"), "{short}");
        assert!(long.contains("--journal-max <SIZE>"), "{long}");
    }
}

#[test]
fn settings_may_stand_before_and_after_the_command() {
    let app = TestApp::start(Database::Sqlite);
    app.account("professional");
    let data = app.data_dir();
    let elsewhere = tempfile::tempdir().unwrap();
    let setting = format!("--data-dir {}", data.display());
    for line in [
        format!("torvus-admin {setting} account list --json"),
        format!("torvus-admin account {setting} list --json"),
        format!("torvus-admin --json account list {setting}"),
    ] {
        let line = format!("TORVUS_DATA_DIR= {line}");
        let ended = shell(&app, elsewhere.path(), &line);
        assert!(ended.stdout.contains("acc_"), "{line}: {ended:?}");
    }
}

#[test]
fn a_mistyped_command_gets_a_tip() {
    for (typed, meant) in [
        (&["acount", "list"][..], "'account'"),
        (&["key", "rotat"], "'rotate'"),
        (&["key", "list", "--acount", "x"], "'--account'"),
    ] {
        let ended = run_to_end(Command::new(admin_binary()).args(typed));
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stderr.contains("tip: "), "{ended:?}");
        assert!(ended.stderr.contains(meant), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
}

/// Runs without data, settings or a home: what it prints.
fn bare(args: &[&str]) -> String {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(admin_binary());
    // Settings that would stop any other command.
    command
        .env_clear()
        .env("TORVUS_WORKERS", "many")
        .args(args)
        .current_dir(nowhere.path());
    let ended = run_to_end(&mut command);
    assert!(ended.status.success(), "{args:?}: {ended:?}");
    assert_eq!(ended.stderr, "");
    let left: Vec<_> = std::fs::read_dir(nowhere.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    ended.stdout
}

#[test]
fn every_shell_is_told_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = bare(&["completions", shell]);
        for path in admin_commands() {
            let name = path.last().unwrap();
            assert!(script.contains(name.as_str()), "{shell}: {name}");
        }
        assert!(script.contains("revoke-remaining"), "{shell}");
    }
    let unknown = run_to_end(Command::new(admin_binary()).args(["completions", "tcsh"]));
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    assert!(
        unknown
            .stderr
            .contains("bash, elvish, fish, powershell, zsh")
    );
}

/// A shell with the script loaded, that is asked what comes next.
#[test]
fn bash_completes_commands_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    std::fs::write(&script, bare(&["completions", "bash"])).unwrap();
    for (words, expected) in [
        ("torvus-admin key rot", "rotate"),
        ("torvus-admin pepper retire --rev", "--revoke-remaining"),
        ("torvus-admin comp", "completions"),
    ] {
        let last = words.split(' ').count() - 1;
        let ask = "source \"$1\"; COMP_WORDS=($2); COMP_CWORD=$3; COMP_LINE=\"$2\"; \
                   COMP_POINT=${#COMP_LINE}; \
                   function=$(complete -p torvus-admin | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
                   $function torvus-admin \"${COMP_WORDS[$3]}\" \"${COMP_WORDS[$3-1]}\"; \
                   echo \"${COMPREPLY[@]}\"";
        let mut command = Command::new("bash");
        command.args(["-c", ask, "bash"]).arg(&script).arg(words);
        let ended = run_to_end(command.arg(last.to_string()));
        assert_eq!(ended.stdout.trim(), expected, "{words}: {ended:?}");
    }
}

#[test]
fn the_manual_has_every_command() {
    let page = bare(&["man"]);
    assert!(page.contains("\n.TH torvus-admin 1 "), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("man1");
    assert_eq!(bare(&["man", "--dir", folder.to_str().unwrap()]), "");
    for path in admin_commands() {
        let heading = format!("\n.SH \"TORVUS-ADMIN {}\"\n", path.join(" ").to_uppercase());
        assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        let file = folder.join(format!("torvus-admin-{}.1", path.join("-")));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{}", file.display());
    }
    assert!(folder.join("torvus-admin.1").is_file());
    // Settings stand once, and none of them without its sentence.
    assert_eq!(
        page.matches("\\fB\\-\\-journal\\-max\\fR \\fI<SIZE>")
            .count(),
        1
    );
    assert!(
        page.contains("Records that may wait to be indexed"),
        "{page}"
    );
    let into_a_file = folder.join("torvus-admin.1");
    let refused = run_to_end(
        Command::new(admin_binary())
            .args(["man", "--dir"])
            .arg(into_a_file),
    );
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}
