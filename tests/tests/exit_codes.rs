//! The exit code of every command in every way to fail (public contract, section 6), and the word that
//! programs get for it.

use std::process::Command;

use torvus_e2e::{
    AdminRun, Database, Key, TestApp, admin_binary, admin_commands, on_both, run_to_end,
};

/// A command line; what stands in braces is put in.
type Line = &'static str;

/// What each of them lacks is looked for in the database, and is not there.
const NOT_FOUND: &[Line] = &[
    "account show {no_account}",
    "account show nonsense",
    "account set-plan {no_account} free",
    "account suspend {no_account}",
    "account suspend {no_account} --dry-run",
    "account resume {no_account}",
    "account reset-password {no_account}",
    "key create --account {no_account} --name n --environment live --permissions read",
    "key import --account {no_account} {import}",
    "key list --account {no_account}",
    "key show {no_key}",
    "key show nonsense",
    "key rotate {no_key}",
    "key grace {no_key} now",
    "key update {no_key} --name n",
    "key revoke {no_key}",
    "key revoke {no_key} --dry-run",
    "key usage {no_key}",
    "key explain {no_key} GET /v1/account",
    "key simulate {no_key} --permissions read",
    "key suggest {no_key}",
    "leak revoke {empty}",
    "pepper retire 9",
    "pepper retire 9 --dry-run",
];

const INVALID: &[Line] = &[
    "account create --email nobody",
    "account create --email a@example.com --plan gold",
    "account set-plan {account} gold",
    "account suspend {account} --reason {long}",
    "account resume {account} --reason {long}",
    "key create --account {account} --name n --environment staging --permissions read",
    "key create --account {account} --name n --environment live --permissions fly",
    "key create --account {account} --name n --environment live --permissions read --expires soon",
    "key create --account {account} --name n --environment live --permissions read --limit 0",
    "key create --account {account} --name n --environment live --permissions read --allow-ip x",
    "key create --account {account} --name n --environment live --permissions read --out {leaked}",
    "key import --account {account} {empty}.missing.csv",
    "key list --expiring soon",
    "key rotate {key} --grace 31d",
    "key grace {key} soon",
    "key update {key} --permissions fly",
    "key update {key} --allow-ip 10.0.0.7/8",
    "key revoke {key} --reason {long}",
    "key explain {key} GET /v1/account --ip x",
    "key explain {key} GET /v1/account --at soon",
    "key simulate {key} --permissions fly",
    "audit list --from yesterday",
    "audit list --status 999",
    "audit tail --outcome fine",
    "audit export --format csv --ip x",
    "audit verify --checkpoint {empty}",
    "audit verify --export {empty}.missing",
    "audit checkpoint --out {empty}",
    "audit prune --before yesterday",
    "audit prune --before 2999-01-01T00:00:00Z --dry-run",
    "leak revoke {folder}",
    "pepper retire x",
    "pepper add --out {empty}",
];

const CONFLICT: &[Line] = &[
    "account create --email {email}",
    "key rotate {dead_key}",
    "key update {dead_key} --name n",
    "key grace {key} now",
];

const REFUSED: &[Line] = &[
    "pepper retire 2",
    "pepper retire 2 --dry-run",
    "pepper retire 1",
    "pepper retire 1 --dry-run",
];

/// Needs no database, or goes on without one.
const WITHOUT_A_DATABASE: &[Line] = &["completions bash", "man", "leak scan {leaked}"];

/// The rest of the commands, as they would work if the database were there.
const NEEDS_A_DATABASE: &[Line] = &[
    "migrate run",
    "migrate status",
    "account create --email new@example.com",
    "account list",
    "account show {account}",
    "account set-plan {account} free",
    "account suspend {account}",
    "account suspend {account} --dry-run",
    "account resume {account}",
    "account reset-password {account}",
    "key create --account {account} --name n --environment live --permissions read",
    "key import --account {account} {import}",
    "key list",
    "key show {key}",
    "key rotate {key}",
    "key grace {key} now",
    "key update {key} --name n",
    "key revoke {key}",
    "key revoke {key} --dry-run",
    "key usage {key}",
    "key explain {key} GET /v1/account",
    "key simulate {key} --permissions read",
    "key suggest {key}",
    "audit list",
    "audit tail",
    "audit export --format jsonl",
    "audit verify",
    "audit checkpoint",
    "audit prune --before 2020-01-01T00:00:00Z",
    "leak revoke {leaked}",
    "pepper status",
    "pepper add",
    "pepper retire 1",
    "pepper retire 1 --dry-run",
];

/// An app, and what the lines need.
struct Bench {
    app: TestApp,
    account: String,
    email: String,
    key: Key,
    dead: Key,
}

impl Bench {
    fn new(database: Database) -> Self {
        let app = TestApp::builder(database).pepper_in_file().start();
        let account = app.account("enterprise");
        let shown = app.admin(&["account", "show", &account]);
        let (key, dead) = (
            app.key(&account, "live", "read"),
            app.key(&account, "live", "read"),
        );
        app.admin(&["key", "revoke", &dead.id]);
        app.admin(&["pepper", "add"]);
        let write = |name: &str, text: String| {
            std::fs::write(app.scratch().join(name), text).unwrap();
        };
        write("empty", String::new());
        write("leaked.txt", format!("some text, and {}\n", key.token));
        let digest = "ab".repeat(32);
        let head = "name,digest,environment,permissions";
        write("import.csv", format!("{head}\nn,{digest},live,read\n"));
        Self {
            email: shown["email"].as_str().unwrap().to_owned(),
            app,
            account,
            key,
            dead,
        }
    }

    fn run(&self, line: &str, more: &[&str]) -> AdminRun {
        let file = |name: &str| self.app.scratch().join(name).display().to_string();
        let words: Vec<String> = line
            .split(' ')
            .map(|word| {
                word.replace("{account}", &self.account)
                    .replace("{email}", &self.email)
                    .replace("{key}", &self.key.id)
                    .replace("{dead_key}", &self.dead.id)
                    .replace("{no_account}", "acc_01h455vb4pex5vsknk084sn02q")
                    .replace("{no_key}", "key_01h455vb4pex5vsknk084sn02q")
                    .replace("{empty}", &file("empty"))
                    .replace("{leaked}", &file("leaked.txt"))
                    .replace("{import}", &file("import.csv"))
                    .replace("{folder}", &file(""))
                    .replace("{long}", &"x".repeat(10_000))
            })
            .collect();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.extend(more);
        self.app.admin_run(&words)
    }

    #[track_caller]
    fn all_end(&self, lines: &[Line], more: &[&str], code: i32, word: &str) {
        let mut wrong = Vec::new();
        for line in lines {
            let run = self.run(line, more);
            let last = run.stderr.lines().last().unwrap_or_default();
            let said: serde_json::Value = serde_json::from_str(last).unwrap_or_default();
            let message = said["message"].as_str().unwrap_or_default();
            if run.code != code || said["error"] != word || message.is_empty() {
                wrong.push(format!("{line}: {run:?}"));
            }
        }
        assert!(wrong.is_empty(), "{code} {word}:\n{}", wrong.join("\n"));
    }
}

fn what_is_not_there_is_3(database: Database) {
    Bench::new(database).all_end(NOT_FOUND, &[], 3, "not_found");
}

fn what_is_invalid_is_4(database: Database) {
    let bench = Bench::new(database);
    bench.all_end(INVALID, &[], 4, "invalid_input");
    assert_eq!(
        bench.app.admin(&["key", "show", &bench.key.id])["state"],
        "active"
    );
}

fn what_conflicts_is_4(database: Database) {
    Bench::new(database).all_end(CONFLICT, &[], 4, "conflict");
}

fn what_is_refused_is_5(database: Database) {
    let bench = Bench::new(database);
    bench.all_end(REFUSED, &[], 5, "refused");
}

fn without_a_database_it_is_6(database: Database) {
    let bench = Bench::new(database);
    let nowhere = bench.app.scratch().join("nowhere/at/all.db");
    let url = match database {
        Database::Sqlite => format!("sqlite:{}", nowhere.display()),
        Database::Postgres => "postgres://nobody@127.0.0.1:1/nothing".to_owned(),
    };
    let away = ["--database-url", url.as_str()];
    bench.all_end(NEEDS_A_DATABASE, &away, 6, "unavailable");
    for line in WITHOUT_A_DATABASE {
        let run = bench.run(line, &away);
        assert_eq!(run.code, 0, "{line}: {run:?}");
    }
    let said = bench.run("doctor", &away);
    let fault = i32::from(database == Database::Postgres);
    assert_eq!(said.code, fault, "a first start makes a file: {said:?}");
}

on_both!(
    what_is_not_there_is_3,
    what_is_invalid_is_4,
    what_conflicts_is_4,
    what_is_refused_is_5,
    without_a_database_it_is_6,
    a_dry_run_changes_nothing,
);

#[test]
fn every_command_is_in_the_tables() {
    for path in admin_commands() {
        let command = path.join(" ");
        let lines = NEEDS_A_DATABASE.iter().chain(WITHOUT_A_DATABASE);
        let mut lines = lines.chain(&["doctor"]);
        assert!(
            lines.any(|line| *line == command || line.starts_with(&format!("{command} "))),
            "{command}"
        );
    }
}

#[test]
fn a_wrong_flag_is_2_for_every_command() {
    for path in admin_commands() {
        let mut command = Command::new(admin_binary());
        let ended = run_to_end(command.args(&path).args(["--no-such-flag", "--json"]));
        assert_eq!(ended.status.code(), Some(2), "{path:?}: {ended:?}");
        let said: serde_json::Value = serde_json::from_str(ended.stderr.trim()).unwrap();
        assert_eq!(said["error"], "usage", "{path:?}");
        assert_eq!(ended.stdout, "");
    }
}

/// A dry run says what would be, and afterwards everything is as it was.
fn a_dry_run_changes_nothing(database: Database) {
    let bench = Bench::new(database);
    let (app, key, account) = (&bench.app, &bench.key.id, &bench.account);
    let records = || app.admin(&["audit", "list", "--limit", "100"]);
    let before = records();
    let pepper = std::fs::read(app.pepper_file()).unwrap();

    let revoke = app.admin(&["key", "revoke", key, "--dry-run"]);
    assert_eq!(
        (&revoke["would_revoke"], &revoke["dry_run"]),
        (&true.into(), &true.into())
    );
    let dead = app.admin(&["key", "revoke", &bench.dead.id, "--dry-run"]);
    assert_eq!(dead["would_revoke"], false);
    assert!(dead["revoked_at"].is_string());

    let suspend = app.admin(&["account", "suspend", account, "--dry-run"]);
    assert_eq!(suspend["would_suspend"], true);
    assert_eq!(suspend["live_keys"], 1);

    let retire = ["pepper", "retire", "1", "--revoke-remaining", "--dry-run"];
    assert_eq!(app.admin(&retire)["would_revoke"], 1);
    assert!(app.admin_text(&retire).contains("would be retired"));

    assert_eq!(records(), before);
    assert_eq!(std::fs::read(app.pepper_file()).unwrap(), pepper);
    app.client(&bench.key.token).get("/v1/account").expect(200);
}
