//! Rotation under load: clients that change over within the grace are never refused, and the old secret is never
//! let in from the end of its grace on.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use torvus_e2e::{Database, Key, TestApp, large, on_both};

use crate::{instant, rotate};

const CLIENTS: usize = 12;
const ROTATIONS: usize = 50;
const PAUSE: Duration = Duration::from_millis(12);

/// An answer that has to be looked at: when its request was sent and read, and its status.
type Seen = (DateTime<Utc>, DateTime<Utc>, u16);

/// A program that reads its key where the operator puts it, and notices a new one a little later, each in its own
/// time, but within the grace. How many requests it made, and those that were not let in.
fn client(
    app: &TestApp,
    index: usize,
    place: &RwLock<String>,
    stop: &AtomicBool,
) -> (usize, Vec<u16>) {
    let mut mine = place.read().unwrap().clone();
    let mut client = app.client(&mine);
    let mut noticed: Option<DateTime<Utc>> = None;
    let (mut asked, mut refused) = (0, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let there = place.read().unwrap().clone();
        if there != mine {
            let late = *noticed.get_or_insert_with(Utc::now);
            // 0 to 1.1 s of the 4 s.
            if Utc::now() - late >= chrono::TimeDelta::milliseconds(100 * index as i64) {
                client = client.with_key(&there);
                (mine, noticed) = (there, None);
            }
        }
        let status = client.get("/v1/account").status;
        asked += 1;
        if status != 200 {
            refused.push(status);
        }
        thread::sleep(PAUSE);
    }
    (asked, refused)
}

/// A program that has missed all of it: asks with the old secret until well after its end.
fn laggard(app: &TestApp, old: &Key, ends: DateTime<Utc>) -> Vec<Seen> {
    let head = format!("Host: x\r\nAuthorization: Bearer {}\r\n\r\n", old.token);
    let request = format!("GET /v1/account HTTP/1.1\r\n{head}");
    let mut connection = app.keep_alive();
    let mut seen = Vec::new();
    loop {
        let sent = Utc::now();
        let answer = connection.send(request.as_bytes()).expect("an answer");
        seen.push((sent, Utc::now(), answer.status));
        if sent > ends + chrono::TimeDelta::milliseconds(300) {
            return seen;
        }
        // Around the end, as often as it can.
        if ends - sent > chrono::TimeDelta::milliseconds(30) {
            thread::sleep(PAUSE);
        }
    }
}

fn clients_that_change_over_in_time_are_never_refused(database: Database) {
    let plan = "[plans.enterprise]\ntest_requests_per_hour = 100000000\n";
    let app = TestApp::builder(database).config(plan).start();
    let first = app.key(&app.account("enterprise"), "test", "read");
    let place = RwLock::new(first.token.clone());
    let stop = AtomicBool::new(false);
    let (asked, late) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|index| {
                let (app, place, stop) = (&app, &place, &stop);
                scope.spawn(move || client(app, index, place, stop))
            })
            .collect();
        let rotations = scope.spawn(|| {
            let (mut key, mut late, mut early) = (first.clone(), 0, 0);
            for _ in 0..large(ROTATIONS) {
                let (new, made) = rotate(&app, &key, &["--grace", "4s"]);
                place.write().unwrap().clone_from(&new.token);
                let ends = instant(&made["old_secret_ends_at"]);
                for (sent, read, status) in laggard(&app, &key, ends) {
                    assert!(
                        sent < ends || status == 401,
                        "let in at {sent}, after {ends}"
                    );
                    assert!(
                        read >= ends || status == 200,
                        "refused at {read}, before {ends}"
                    );
                    early += usize::from(status == 200);
                    late += usize::from(status == 401);
                }
                key = new;
            }
            assert!(early > 0);
            late
        });
        let late = rotations.join();
        stop.store(true, Ordering::Relaxed);
        let mut asked = 0;
        for client in clients {
            let (count, refused) = client.join().unwrap();
            assert_eq!(refused, Vec::<u16>::new(), "refused within the grace");
            asked += count;
        }
        (asked, late.expect("the operator's part goes well"))
    });
    println!(
        "{} rotations under {CLIENTS} clients: {asked} requests, 0 refused; {late} with an old secret after its \
         grace, 0 let in",
        large(ROTATIONS)
    );
    let usage = app.admin(&["key", "usage", &first.id]);
    assert!(usage["total_requests"].as_u64().unwrap() as usize >= asked + late);
}

on_both!(clients_that_change_over_in_time_are_never_refused);
