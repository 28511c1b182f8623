//! With `--audit-durability power` an answer's record outlives a power cut: whatever the disk then holds.

use std::fs;
use std::time::{Duration, Instant};

use torvus_e2e::{
    Call, Database, Dice, Disk, Event, Load, Noted, STRACE, TestApp, events, large, wait_until,
};

/// Power cuts; each leaves a disk without anything that was not synced, and one with a part of it.
const CUTS: usize = 100;

/// The answer that is on its way, if it is one under `/v1`.
fn answer(event: &Event) -> Option<Noted> {
    let Event::Begin(_, Call::Send { bytes }) = event else {
        return None;
    };
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let status = text.strip_prefix("http/1.1 ")?.get(..3)?.parse().ok()?;
    let (_, id) = text.split_once("x-request-id: ")?;
    Some(Noted {
        request_id: id.lines().next()?.to_owned(),
        status,
        at: Instant::now(),
        took: Duration::ZERO,
    })
}

#[test]
fn an_answer_has_its_record_after_a_power_cut() {
    let mut app = TestApp::builder(Database::Sqlite)
        .args(&["--audit-durability", "power"])
        .start();
    let account = app.account("enterprise");
    let keys = ["live", "test"].map(|environment| app.key(&account, environment, "read,write"));
    app.stop();
    let mut disk = Disk::of(&app.data_dir());

    let trace = app.scratch().join("trace");
    app.wrap(&[&STRACE[..], &[trace.to_str().unwrap()]].concat());
    app.start_again();
    let load = Load::of(&keys);
    load.during(app.address(), 8, || {
        wait_until(Duration::from_secs(60), "there are enough answers", || {
            load.noted().len() >= 600
        });
        app.kill();
    });
    app.wrap(&[]);
    let mut text = String::new();
    wait_until(Duration::from_secs(20), "strace has written all", || {
        text = fs::read_to_string(&trace).unwrap();
        text.trim_end().ends_with("+++ killed by SIGKILL +++")
    });
    let events = events(&text);
    let answers = events.iter().filter_map(answer).count();
    assert!(
        answers >= load.noted().len(),
        "{answers} answers were traced"
    );

    // Half of the cuts come just when an answer leaves.
    let leave = |event: &Event| answer(event).is_some();
    let leaves: Vec<usize> = (0..events.len()).filter(|at| leave(&events[*at])).collect();
    let mut dice = Dice::new(3);
    let mut cuts: Vec<usize> = (0..large(CUTS))
        .map(|cut| match cut % 2 {
            0 => *dice.pick(&leaves),
            _ => dice.roll(events.len()),
        })
        .collect();
    cuts.sort_unstable();

    let (mut sent, mut images, mut checked) = (Vec::new(), 0, 0);
    for (at, event) in events.iter().enumerate() {
        disk.pass(event);
        sent.extend(answer(event));
        for _ in cuts.iter().filter(|cut| **cut == at) {
            for chance in [false, true] {
                fs::remove_dir_all(app.data_dir()).unwrap();
                disk.write_to(&app.data_dir(), chance.then_some(&mut dice));
                app.start_again();
                app.assert_recorded(&sent, &keys);
                app.kill();
                images += 1;
                checked += sent.len();
            }
        }
    }
    println!(
        "{} power cuts in {answers} answers, {images} disks: of {checked} answers that had left, 0 without \
         a record",
        cuts.len()
    );
    app.start_again();
}
