//! How long a revoke takes until it is true everywhere, under load and without.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use torvus_domain::{Clock, KeyId, SystemClock};
use torvus_keyring::{Actor, keys};
use torvus_storage::{Store, StoreUrl};

use crate::generator::{self, Load};
use crate::population::{self, Key};
use crate::servers::{Kind, Place, Server, get};
use crate::{process, report};

/// Keys that keep the server busy.
const BUSY: usize = 1_000;

/// Revokes so many keys of one server on SQLite, each of which it remembers, while that many connections keep it
/// busy, and prints how long that took.
pub(crate) fn run(count: usize, connections: usize) {
    let folder = tempfile::Builder::new()
        .prefix("torvus-bench-")
        .tempdir()
        .unwrap();
    println!("making {} keys", BUSY + 2 * count);
    let keys = population::create(&folder.path().join("process"), BUSY + 2 * count);
    let place = Place {
        folder: folder.path(),
        core: (process::cores() > 1).then_some(0),
        body: "",
        other: None,
    };
    let server = place.start(Kind::Process);
    let store = open(folder.path());
    let (busy, victims) = keys.split_at(BUSY);
    let (first, second) = victims.split_at(count);
    println!("| connections | requests/s meanwhile | revokes | p50 ms | p99 ms | max ms |");
    println!("| --- | --- | --- | --- | --- | --- |");
    print(0, 0.0, &revoke_all(&server, &store, first));
    let requests = population::requests(busy);
    let over = AtomicBool::new(false);
    let answers = AtomicUsize::new(0);
    let begun = Instant::now();
    let took = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let load = Load {
                    connections,
                    requests: &requests,
                    ramp: Duration::ZERO,
                    window: Duration::from_millis(500),
                    rate: None,
                    core: None,
                };
                let outcome = generator::run(server.address, &load, &|| 0.0);
                assert_eq!(outcome.bad, 0, "not everything was let in");
                answers.fetch_add(outcome.total, Ordering::SeqCst);
            }
        });
        let took = revoke_all(&server, &store, second);
        over.store(true, Ordering::SeqCst);
        took
    });
    let seconds = begun.elapsed().as_secs_f64();
    print(
        connections,
        answers.load(Ordering::SeqCst) as f64 / seconds,
        &took,
    );
    println!("Load average at the end: {}", process::load_average());
}

fn open(folder: &Path) -> Store {
    let file = folder.join("process/torvus.db");
    let url = StoreUrl::parse(&format!("sqlite:{}", file.display())).unwrap();
    Store::open(&url).unwrap()
}

/// Milliseconds of each, sorted.
fn revoke_all(server: &Server, store: &Store, keys: &[Key]) -> Vec<f64> {
    let (clock, actor) = (SystemClock::new(), Actor::operator("bench"));
    let status = |key: &Key| {
        let header = format!("Authorization: Bearer {}\r\n", key.token);
        get(server.address, "/v1/account", &header)[9..12].to_owned()
    };
    let mut took: Vec<f64> = keys
        .iter()
        .map(|key| {
            assert_eq!(status(key), "200");
            let id: KeyId = key.id.parse().unwrap();
            let begun = Instant::now();
            let revoked = keys::revoke(store, id, None, &actor, clock.now().wall).unwrap();
            let took = begun.elapsed().as_secs_f64() * 1e3;
            assert_eq!(revoked.settled.acknowledged, 1);
            assert_eq!(status(key), "401");
            took
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took
}

fn print(connections: usize, per_second: f64, took: &[f64]) {
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    println!(
        "| {connections} | {per_second:.0} | {} | {:.2} | {:.2} | {:.2} |",
        took.len(),
        report::median(took.iter().copied()),
        at(99),
        at(100)
    );
}
