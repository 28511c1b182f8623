//! Whatever is done to a log shows, and where nothing was done nothing does.
#![cfg(test)]

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use torvus_audit::verify::{Fault, Kept, Verifier};
use torvus_audit::{AuditRecord, ChainEnd, Checkpoint, Hash, Head, Signer};
use torvus_domain::{Category, ChainId, Outcome, Timestamp};

const MUTATIONS: usize = 10_000;

/// A row of a log.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: String,
    at: i64,
    chain: String,
    seq: u64,
    hash: Hash,
    line: String,
}

/// A log of three chains, by time, and their ends.
fn log(dice: &mut SmallRng) -> (Vec<Row>, Vec<(ChainId, Head)>) {
    let start = 1_795_478_400_000_000;
    let at = |micros| Timestamp::from_timestamp_micros(micros).unwrap();
    let mut ends: Vec<(ChainId, Head)> = (0..3)
        .map(|number| ChainId::new(at(start + number)))
        .map(|chain| (chain, Head::genesis(chain)))
        .collect();
    let rows = (0..dice.random_range(8..40))
        .map(|number| {
            let which = dice.random_range(0..ends.len());
            let (chain, head) = &mut ends[which];
            let at = at(start + number * 7);
            let mut record = AuditRecord::new(at, Category::ApiActivity, Outcome::Ok);
            record.path = Some(format!("/v1/{}", dice.random_range(0..3)));
            let line = record.to_line();
            *head = head.next(line.as_bytes());
            Row {
                id: record.id.to_string(),
                at: at.timestamp_micros(),
                chain: chain.to_string(),
                seq: head.seq,
                hash: head.hash,
                line,
            }
        })
        .collect();
    ends.retain(|(_, head)| head.seq > 0);
    (rows, ends)
}

fn faults(rows: &[Row], ends: &[(ChainId, Head)], checkpoint: Option<&Checkpoint>) -> Vec<Fault> {
    let mut verifier = Verifier::new();
    if let Some(checkpoint) = checkpoint {
        verifier.hold_against(checkpoint);
    }
    for row in rows {
        verifier.look_at(&Kept {
            id: Some(&row.id),
            at: Some(row.at),
            chain: &row.chain,
            seq: row.seq,
            hash: row.hash,
            line: &row.line,
        });
    }
    // With a checkpoint at hand nothing else is believed of the ends.
    verifier.end(checkpoint.is_none().then_some(ends))
}

fn flip(text: &str, dice: &mut SmallRng) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let place = dice.random_range(0..bytes.len());
    // Another letter, so that it stays text.
    bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
    String::from_utf8(bytes).unwrap()
}

/// Does one thing to the log. Says which record is the first that is not as it was, by its place among the
/// rows before the change, where there is one; the end of the log otherwise.
fn mutate(rows: &mut Vec<Row>, dice: &mut SmallRng) -> (&'static str, Option<usize>) {
    let place = dice.random_range(0..rows.len());
    let other = dice.random_range(0..rows.len());
    let next_of_chain = |rows: &[Row], place: usize| {
        let chain = &rows[place].chain;
        (place + 1..rows.len()).find(|next| rows[*next].chain == *chain)
    };
    match dice.random_range(0..10) {
        0 => {
            rows[place].line = flip(&rows[place].line, dice);
            ("a letter of a line", Some(place))
        }
        1 => {
            let mut hash = *rows[place].hash.as_bytes();
            hash[dice.random_range(0..32)] ^= 1 << dice.random_range(0..8);
            rows[place].hash = Hash::from_bytes(hash);
            ("a bit of a hash", Some(place))
        }
        2 => {
            rows[place].seq = rows[place].seq.wrapping_add(dice.random_range(1..9));
            ("a place", Some(place))
        }
        3 => {
            rows[place].id = flip(&rows[place].id, dice);
            ("an id beside its line", Some(place))
        }
        4 => {
            rows[place].at += 1;
            ("a time beside its line", Some(place))
        }
        5 => {
            let first = next_of_chain(rows, place);
            rows.remove(place);
            // Behind the gap: the rows have moved up by one.
            ("a record removed", first)
        }
        6 if rows[place].line != rows[other].line => {
            let line = rows[place].line.clone();
            rows[place].line = std::mem::replace(&mut rows[other].line, line);
            ("two lines swapped", Some(place.min(other)))
        }
        7 if rows[place].chain != rows[other].chain => {
            rows[place].chain = rows[other].chain.clone();
            ("a record in another chain", None)
        }
        8 => {
            let copy = rows[place].clone();
            rows.insert(place + 1, copy);
            ("a record twice", Some(place))
        }
        _ => {
            let mut forged = rows[place].clone();
            forged.line = flip(&forged.line, dice);
            rows.insert(place, forged);
            ("a forged record put in", Some(place))
        }
    }
}

#[test]
fn every_mutation_is_found_and_no_clean_log_is_accused() {
    let seed = 20_261_124;
    println!("seed {seed}");
    let mut dice = SmallRng::seed_from_u64(seed);
    let signer = Signer::generate().unwrap();
    let mut named = 0;
    for number in 0..MUTATIONS {
        let (rows, ends) = log(&mut dice);
        let ends_told = ends.iter().map(|(chain, head)| ChainEnd {
            chain: *chain,
            seq: head.seq,
            hash: head.hash,
        });
        let checkpoint = Checkpoint::sign(
            &signer,
            Timestamp::UNIX_EPOCH,
            ends_told.collect(),
            Vec::new(),
        );
        let checkpoint = (number % 2 == 0).then_some(&checkpoint);
        assert_eq!(
            faults(&rows, &ends, checkpoint),
            [],
            "a clean log, {number}"
        );
        let mut changed = rows.clone();
        let (what, first) = mutate(&mut changed, &mut dice);
        assert_ne!(changed, rows);
        let found = faults(&changed, &ends, checkpoint);
        let fault = found
            .first()
            .unwrap_or_else(|| panic!("not found: {what}, {number}"));
        if let Some(first) = first {
            let bad = &rows[first];
            let here = fault.id.as_deref() == Some(&bad.id)
                || (fault.chain == bad.chain && fault.seq >= bad.seq);
            // What stands beside a line may be changed itself.
            let renamed = what.starts_with("an id") || what.starts_with("a letter");
            assert!(here || renamed, "{what}, {number}: {fault} is not {bad:?}");
            named += 1;
        }
    }
    println!(
        "{MUTATIONS} mutations found, in {named} the first bad record is named; {MUTATIONS} clean logs"
    );
}

#[test]
fn an_end_that_was_cut_off_shows_in_a_checkpoint() {
    let mut dice = SmallRng::seed_from_u64(7);
    let signer = Signer::generate().unwrap();
    for _ in 0..1_000 {
        let (rows, ends) = log(&mut dice);
        let ends_told = ends.iter().map(|(chain, head)| ChainEnd {
            chain: *chain,
            seq: head.seq,
            hash: head.hash,
        });
        let at = Timestamp::UNIX_EPOCH;
        let checkpoint = Checkpoint::sign(&signer, at, ends_told.collect(), Vec::new());
        let kept = dice.random_range(0..rows.len());
        let found = faults(&rows[..kept], &ends, Some(&checkpoint));
        assert!(!found.is_empty());
        assert!(!faults(&rows[..kept], &ends, None).is_empty());
    }
}
