//! What `docs/AUDIT.md` says to the byte, and what a verifier must find.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use serde_json::Value;
use torvus_audit::jsonl::Line;
use torvus_audit::verify::{Fault, Verifier};
use torvus_audit::{AuditRecord, Checkpoint, Head, Signer, jsonl};
use torvus_domain::ChainId;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../docs/audit-vectors.json")).unwrap()
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap()
}

/// Of whole lines; a line that can't be read is a fault, and the last thing looked at.
fn verify(lines: &[Vec<u8>], checkpoint: Option<&Checkpoint>) -> Result<(), Option<Fault>> {
    let mut verifier = Verifier::new();
    if let Some(checkpoint) = checkpoint {
        for stone in &checkpoint.pruned {
            assert!(stone.signed_by(&checkpoint.public_key));
            let (seq, hash) = (stone.seq, stone.hash);
            verifier.begins_behind(stone.chain, Head { seq, hash });
        }
        verifier.hold_against(checkpoint);
    }
    for line in lines {
        let Some(line) = std::str::from_utf8(line).ok().and_then(Line::read) else {
            // What was found before it comes first.
            return Err(verifier.end(None).into_iter().next());
        };
        verifier.look_at(&line.kept());
    }
    match verifier.end(None).into_iter().next() {
        None => Ok(()),
        Some(fault) => Err(Some(fault)),
    }
}

fn lines_of(text: &str) -> Vec<Vec<u8>> {
    let lines = text.as_bytes().split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::to_vec).collect()
}

#[test]
fn the_vectors_hold() {
    let v = vectors();
    let signer = Signer::from_text(&format!("ed25519:{}", text(&v, "secret_seed"))).unwrap();
    assert_eq!(signer.public().to_string(), text(&v, "public_key"));
    for (chain, hash) in v["genesis"].as_object().unwrap() {
        let genesis = Head::genesis(chain.parse().unwrap());
        assert_eq!(genesis.hash.to_string(), hash.as_str().unwrap());
    }
    let mut heads = std::collections::HashMap::new();
    let mut export = Vec::new();
    for record in v["records"].as_array().unwrap() {
        let chain: ChainId = text(record, "chain").parse().unwrap();
        let line = text(record, "line");
        // A record of today, field by field.
        assert_eq!(AuditRecord::from_line(line).unwrap().to_line(), line);
        let head = heads.entry(chain).or_insert_with(|| Head::genesis(chain));
        *head = head.next(line.as_bytes());
        assert_eq!(head.seq, record["seq"].as_u64().unwrap());
        assert_eq!(head.hash.to_string(), text(record, "hash"));
        jsonl::write(&mut export, line, chain, head).unwrap();
    }
    assert_eq!(String::from_utf8(export).unwrap(), text(&v, "export"));
    let lines = lines_of(text(&v, "export"));
    for (name, lines) in [
        ("checkpoint", &lines[..]),
        ("checkpoint_after_prune", &lines[1..]),
    ] {
        let checkpoint = Checkpoint::read(&v[name].to_string()).unwrap();
        assert_eq!(checkpoint.public_key, signer.public());
        assert_eq!(verify(lines, Some(&checkpoint)), Ok(()), "{name}");
    }
}

/// xorshift64: the same each time.
fn roll(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from((*state >> 11) % u64::try_from(below).unwrap()).unwrap()
}

#[test]
fn every_mutation_is_found_and_no_clean_log_is_blamed() {
    let full = std::env::var("TORVUS_TEST_FULL").as_deref() == Ok("1");
    let count = if full { 10_000 } else { 1_000 };
    let signer = Signer::from_text(&format!("ed25519:{}", "07".repeat(32))).unwrap();
    let mut dice = 0x9e37_79b9_7f4a_7c15;
    for round in 0..count {
        let chains = [
            ChainId::nil(),
            ChainId::new(torvus_domain::Timestamp::UNIX_EPOCH),
        ];
        let mut heads = chains.map(Head::genesis);
        let (mut lines, mut places) = (Vec::new(), Vec::new());
        for number in 0..2 + roll(&mut dice, 20) {
            let of = roll(&mut dice, 2);
            let record = format!(
                "{{\"id\":\"aud_{round}_{number}\",\"path\":\"/é{}\"}}",
                roll(&mut dice, 99)
            );
            heads[of] = heads[of].next(record.as_bytes());
            let mut line = Vec::new();
            jsonl::write(&mut line, &record, chains[of], &heads[of]).unwrap();
            lines.push(line);
            places.push((chains[of].to_string(), heads[of].seq));
        }
        let ends = (0..2)
            .filter(|of| heads[*of].seq > 0)
            .map(|of| torvus_audit::ChainEnd {
                chain: chains[of],
                seq: heads[of].seq,
                hash: heads[of].hash,
            });
        let at = torvus_domain::Timestamp::UNIX_EPOCH;
        let checkpoint = Checkpoint::sign(&signer, at, ends.collect(), Vec::new());
        assert_eq!(verify(&lines, Some(&checkpoint)), Ok(()), "a false alarm");
        assert_eq!(verify(&lines, None), Ok(()), "a false alarm");

        let which = roll(&mut dice, lines.len());
        let other = roll(&mut dice, lines.len());
        let mut changed = lines.clone();
        let kind = roll(&mut dice, 5);
        match kind {
            0 => {
                let bit = roll(&mut dice, changed[which].len() * 8);
                changed[which][bit / 8] ^= 1 << (bit % 8);
                changed = changed
                    .concat()
                    .split_inclusive(|b| *b == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
            }
            1 => drop(changed.remove(which)),
            2 => changed.insert(other, lines[which].clone()),
            3 => changed.swap(which, other),
            _ => changed.truncate(which),
        }
        // Swapped across chains, or with itself: each chain is as it was.
        let order = |lines: &[Vec<u8>], chain: &str| -> Vec<Vec<u8>> {
            let of = |line: &&Vec<u8>| String::from_utf8_lossy(line).contains(chain);
            lines.iter().filter(of).cloned().collect()
        };
        let names = chains.map(|chain| chain.to_string());
        let same = names
            .iter()
            .all(|name| order(&changed, name) == order(&lines, name));
        let found = verify(&changed, Some(&checkpoint));
        if kind == 3 && same {
            assert_eq!(found, Ok(()));
            continue;
        }
        let fault = found.expect_err("a mutation that was not found");
        if let (1, Some(fault)) = (kind, fault) {
            // The one behind it, or the end of its chain.
            let (chain, seq) = &places[which];
            assert_eq!(&fault.chain, chain);
            assert!(fault.seq == seq + 1 || fault.seq == seq - 1, "{fault}");
        }
    }
    eprintln!("{count} logs: every mutation found, no false alarm");
}
