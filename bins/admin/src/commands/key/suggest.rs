//! `torvus-admin key suggest`.

use std::collections::BTreeSet;

use serde_json::json;
use torvus_domain::{IpAllowlist, rfc3339};
use torvus_gate::suggest::{Needed, Proof};

use super::replay::Traffic;
use super::update_line::UpdateLine;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(context: &Context, text: &str, days: u16) -> Result<(), Failure> {
    let traffic = Traffic::of(context, text, days)?;
    let rules = traffic.rules();
    let (mut needed, mut proof) = (Needed::default(), Proof::default());
    let missing = traffic.each(|record| needed.add(&rules, record))?;
    let mut notes = traffic.notes(missing);
    notes.extend(needed.notes());
    let narrowed = needed.narrowed(&context.settings.plans, &traffic.key, &mut notes);
    traffic.each(|record| proof.add(&rules, &narrowed, record))?;
    let (was, is) = (&traffic.key.key, &narrowed.key);
    let proposed = needed.let_in() > 0 && missing == 0 && proof.refused() == 0;
    let line = UpdateLine {
        permissions: (was.permissions != is.permissions).then_some(is.permissions),
        allowed_ips: (!same(&was.allowed_ips, &is.allowed_ips)).then(|| is.allowed_ips.clone()),
        expires: None,
    };
    let line = line
        .of(was.id)
        .filter(|_| proposed)
        .map(|line| context.command(&line));
    if missing > 0 {
        notes.push(
            "what they needed can't be known: nothing is proposed; --days can leave them out"
                .to_owned(),
        );
    } else if proof.refused() > 0 {
        notes.push("some of its traffic can't be replayed: nothing is proposed".to_owned());
    } else if needed.let_in() > 0 && line.is_none() {
        notes.push("the key is as narrow as its traffic already".to_owned());
    }
    if context.json {
        return output::json(&json!({
            "key_id": was.id,
            "from": rfc3339(traffic.from),
            "to": rfc3339(traffic.to),
            "requests": needed.requests(),
            "let_in": needed.let_in(),
            "days_with_traffic": needed.days(),
            "permissions": proposed.then_some(is.permissions),
            "allowed_ips": proposed.then_some(&is.allowed_ips),
            "replayed": proof.replayed(),
            "would_break": proof.refused(),
            "notes": notes,
            "command": line,
        }));
    }
    let basis = format!(
        "{} requests that were let in, on {} days since {}",
        needed.let_in(),
        needed.days(),
        rfc3339(traffic.from)
    );
    let mut fields = vec![("based on", basis)];
    if proposed {
        let any = || "any".to_owned();
        let list = |list: &IpAllowlist| {
            if list.is_empty() {
                any()
            } else {
                list.to_string()
            }
        };
        fields.push((
            "permissions",
            format!("{}  (now: {})", is.permissions, was.permissions),
        ));
        fields.push((
            "addresses",
            format!(
                "{}  (now: {})",
                list(&is.allowed_ips),
                list(&was.allowed_ips)
            ),
        ));
    }
    let proof = format!(
        "{} replayed, {} of them would be refused",
        proof.replayed(),
        proof.refused()
    );
    fields.push(("proof", proof));
    output::fields(&fields)?;
    notes
        .iter()
        .for_each(|note| output::note(&format!("note: {note}")));
    line.map_or(Ok(()), |line| output::lines(&[String::new(), line]))
}

fn same(a: &IpAllowlist, b: &IpAllowlist) -> bool {
    let sorted = |list: &IpAllowlist| list.entries().into_iter().collect::<BTreeSet<_>>();
    sorted(a) == sorted(b)
}
