//! The bound of the public contract, section 8, seen by 64 connections at once: not one request over, and
//! not one under.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use torvus_e2e::{Database, TestApp, large};

const CONNECTIONS: usize = 64;
const REQUESTS: usize = 200_000;
const HOUR: u128 = Duration::from_secs(3_600).as_nanos();

/// One request: when it was sent, when its answer was there, and whether it was let through. The server
/// decided at some instant in between.
struct Asked {
    sent: Duration,
    answered: Duration,
    passed: bool,
}

/// How many come back of a limit in that time, rounded down and rounded up.
fn back(limit: u32, time: Duration) -> (usize, usize) {
    let product = time.as_nanos() * u128::from(limit);
    let number = |n: u128| usize::try_from(n).unwrap();
    (number(product / HOUR), number(product.div_ceil(HOUR)))
}

/// How many requests more than the bound were let through, in the worst of all intervals.
fn over(limit: u32, asked: &[Asked]) -> usize {
    let mut passed: Vec<&Asked> = asked.iter().filter(|one| one.passed).collect();
    passed.sort_by_key(|one| one.sent);
    // Some of the instants at which an interval may begin: each, where there are few.
    let starts = passed.iter().step_by(1 + passed.len() / 200);
    let excess = starts.flat_map(|start| {
        let mut inside: Vec<Duration> = passed
            .iter()
            .filter(|one| one.sent >= start.sent)
            .map(|one| one.answered)
            .collect();
        inside.sort_unstable();
        let most = move |end: Duration| limit as usize + back(limit, end - start.sent).1;
        inside
            .into_iter()
            .enumerate()
            .map(move |(index, end)| (index + 1).saturating_sub(most(end)))
    });
    excess.max().unwrap_or(0)
}

/// How many requests were refused although the limit was not used up.
fn under(limit: u32, asked: &[Asked]) -> usize {
    let first = asked.iter().map(|one| one.answered).min().unwrap();
    let mut sent: Vec<Duration> = asked
        .iter()
        .filter(|one| one.passed)
        .map(|one| one.sent)
        .collect();
    sent.sort_unstable();
    asked
        .iter()
        .filter(|one| !one.passed)
        .filter(|refused| {
            // At the most so many had passed by then, and at least so many were due.
            let passed = sent.partition_point(|sent| *sent < refused.answered);
            let due = limit as usize + back(limit, refused.sent.saturating_sub(first)).0;
            passed < due
        })
        .count()
}

#[test]
fn sixty_four_connections_get_exactly_their_limits() {
    let plan = "[plans.wide]\nlive_requests_per_hour = 1000000\ntest_requests_per_hour = 1000000\n\
                [plans.shared]\nlive_requests_per_hour = 1500\ntest_requests_per_hour = 700\nlimit_scope = \"account\"\n";
    let app = TestApp::builder(Database::Sqlite).config(plan).start();
    let (wide, shared) = (app.account("wide"), app.account("shared"));
    // Each budget with the keys that use it up together.
    let mut budgets: Vec<(u32, Vec<String>)> = [1, 2, 7, 50, 99, 360, 720, 1_000, 1_800, 3_600]
        .into_iter()
        .map(|limit: u32| {
            let key = app.key_with(&wide, "live", "read", &["--limit", &limit.to_string()]);
            (limit, vec![key.token])
        })
        .collect();
    for (environment, limit) in [("live", 1_500), ("test", 700)] {
        let keys = [(); 3].map(|()| app.key(&shared, environment, "read").token);
        budgets.push((limit, keys.to_vec()));
    }
    let requests = large(REQUESTS);
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let work = || {
        let mut connection = app.keep_alive();
        let mut asked: Vec<Vec<Asked>> = budgets.iter().map(|_| Vec::new()).collect();
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            if number >= requests {
                return asked;
            }
            let which = number % budgets.len();
            let keys = &budgets[which].1;
            let key = &keys[number / budgets.len() % keys.len()];
            let request = format!(
                "GET /v1/account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
            );
            let sent = start.elapsed();
            let answer = connection.send(request.as_bytes()).expect("an answer");
            let answered = start.elapsed();
            assert!(matches!(answer.status, 200 | 429), "{answer:?}");
            asked[which].push(Asked {
                sent,
                answered,
                passed: answer.status == 200,
            });
        }
    };
    let mut all: Vec<Vec<Asked>> = budgets.iter().map(|_| Vec::new()).collect();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
        for client in clients {
            for (all, asked) in all.iter_mut().zip(client.join().unwrap()) {
                all.extend(asked);
            }
        }
    });
    let (mut most_over, mut all_under) = (0, 0);
    for ((limit, _), asked) in budgets.iter().zip(&all) {
        let passed = asked.iter().filter(|one| one.passed).count();
        let (over, under) = (over(*limit, asked), under(*limit, asked));
        println!(
            "{limit:>5}/h: {passed} of {} passed, {over} over, {under} under",
            asked.len()
        );
        most_over = most_over.max(over);
        all_under += under;
    }
    println!(
        "{requests} requests over {CONNECTIONS} connections in {:.1?}: {most_over} over, {all_under} under",
        start.elapsed()
    );
    assert_eq!((most_over, all_under), (0, 0));
}
