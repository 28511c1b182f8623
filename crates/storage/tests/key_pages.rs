//! An account's keys in pages, on both databases.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use samples::{account, at, key, stored, version};
use torvus_domain::{Account, ApiKey, IpAllowlist, KeyId, KeyState, Permission};
use torvus_key_core::Environment;
use torvus_storage::key_pages::{
    Attention, Edge, KeyCounts, KeyFilter, KeyPage, KeySort, Place, count, list,
};
use torvus_storage::{Store, accounts, keys};

/// An account with these keys, each made of a plain one.
fn with_keys(
    store: &Store,
    number: i64,
    mut make: impl FnMut(i64, &mut ApiKey),
) -> (Account, Vec<ApiKey>) {
    let you = account(&format!("you{number}@example.com"));
    let made: Vec<_> = (0..number)
        .map(|n| {
            let (mut one, digest) = key(&you, &format!("key {n}"));
            one.id = KeyId::new(at(n));
            make(n, &mut one);
            (one, digest)
        })
        .collect();
    store
        .write(|c| {
            accounts::insert(c, &you, "hash")?;
            keys::insert_many(c, &made, version(1))
        })
        .unwrap();
    (you, made.into_iter().map(|(key, _)| key).collect())
}

fn names(found: &[ApiKey]) -> Vec<&str> {
    found.iter().map(|key| key.name.as_str()).collect()
}

kit::on_both! {
    fn pages_are_whole_and_without_repeats_in_each_order_and_both_ways(database) {
        let store = database.store();
        // Many keys have the same value, and some have none.
        let (you, made) = with_keys(&store, 250, |n, key| {
            let word = ["Key", "kEY", "ÜBER", "über"].into_iter().cycle().nth(usize::try_from(n).unwrap()).unwrap();
            key.name = format!("{word} {}", n % 7).parse().unwrap();
            key.created_at = at(n % 11);
            key.last_used_at = (n % 3 > 0).then(|| at(n % 5));
            key.expires_at = (n % 4 > 0).then(|| at(1_000 + n % 6));
        });
        let (_, stranger, _) = stored(&store);
        for sort in [KeySort::Created, KeySort::Name, KeySort::LastUsed, KeySort::Expires] {
            for descending in [false, true] {
                let page = |from| {
                    let page = KeyPage { sort, descending, from, limit: 20 };
                    store.read(|c| list(c, you.id, &KeyFilter::default(), &page, at(0))).unwrap()
                };
                let (mut all, mut starts) = (Vec::new(), Vec::new());
                let mut from = None;
                loop {
                    let found = page(from);
                    let Some(last) = found.last() else { break };
                    starts.push(found.clone());
                    // It is read back from its text.
                    let place: Place = Place::of(last, sort).to_string().parse().unwrap();
                    from = Some(Edge::After(place));
                    all.extend(found);
                }
                assert_eq!(all.len(), made.len(), "{sort:?}");
                let ids: BTreeSet<_> = all.iter().map(|key| key.id).collect();
                assert_eq!(ids.len(), made.len(), "{sort:?}");
                assert!(!ids.contains(&stranger.id));
                let mut sorted = all.clone();
                sorted.sort_by_key(|key| {
                    let name = key.name.as_str().to_ascii_lowercase();
                    let end = key.expires_at.map_or(i64::MAX, |at| at.timestamp_micros());
                    match sort {
                        KeySort::Created => (Some(key.created_at), 0, String::new(), key.id.to_string()),
                        KeySort::Name => (None, 0, name, key.id.to_string()),
                        KeySort::LastUsed => (key.last_used_at, 0, String::new(), key.id.to_string()),
                        KeySort::Expires => (None, end, String::new(), key.id.to_string()),
                    }
                });
                if descending {
                    sorted.reverse();
                }
                assert_eq!(all, sorted, "{sort:?} {descending}");
                // And back again, page by page.
                for pair in starts.windows(2) {
                    let before = Edge::Before(Place::of(&pair[1][0], sort));
                    assert_eq!(page(Some(before)), pair[0], "{sort:?} {descending}");
                }
                assert!(page(Some(Edge::Before(Place::of(&all[0], sort)))).is_empty());
            }
        }
    }

    fn a_text_is_found_in_any_language_and_in_what_is_shown_of_a_key(database) {
        let store = database.store();
        let (you, made) = with_keys(&store, 2_500, |n, key| {
            if n % 1_000 == 7 {
                key.name = format!("ÜBERWACHUNG Ключ % _ {n}").parse().unwrap();
            }
        });
        let search = |text: &str, limit: usize, from: Option<Edge>| {
            let filter = KeyFilter { search: Some(text.to_owned()), ..KeyFilter::default() };
            let page = KeyPage { limit, from, ..KeyPage::default() };
            store.read(|c| list(c, you.id, &filter, &page, at(0))).unwrap()
        };
        for text in ["überwachung", "КЛЮЧ", "%", "_ 7", "ÜBERWACHUNG Ключ % _ "] {
            let found = search(text, 9, None);
            let wanted = if text == "_ 7" { 1 } else { 3 };
            assert_eq!(found.len(), wanted, "{text}: {:?}", names(&found));
        }
        let first = search("überwachung", 2, None);
        let second = search("überwachung", 2, Some(Edge::After(Place::of(&first[1], KeySort::Created))));
        assert_eq!((first.len(), second.len()), (2, 1));
        let one = &made[1_234];
        assert_eq!(search(&one.id.to_string(), 9, None), std::slice::from_ref(one));
        let by_hint = search(&one.hint.to_string().to_uppercase(), 9, None);
        assert!(by_hint.contains(one));
        assert!(search("nothing like it", 9, None).is_empty());
    }

    fn filters_and_counts_tell_the_same(database) {
        let store = database.store();
        let day = TimeDelta::days(1);
        let now = at(0) + day * 100;
        let (you, _) = with_keys(&store, 40, |n, key| {
            key.environment = if n % 2 == 0 { Environment::Live } else { Environment::Test };
            key.hint = torvus_key_core::KeyHint::from_parts(key.environment, "abcd", "wxyz").unwrap();
            key.permissions = if n % 5 == 0 { "read,delete" } else { "read" }.parse().unwrap();
            key.created_at = now - day * if n % 4 == 0 { 95 } else { 5 };
            key.last_used_at = (n % 8 == 0).then_some(now - day);
            match n {
                0..10 => key.expires_at = Some(now + day * 10),
                10..15 => key.expires_at = Some(now),
                15..20 => key.revoked_at = Some(now - day),
                20..30 => key.expires_at = Some(now + day * 60),
                _ => key.allowed_ips = IpAllowlist::parse("192.0.2.1").unwrap(),
            }
        });
        let found = |filter: KeyFilter| {
            let page = KeyPage { limit: 100, ..KeyPage::default() };
            store.read(|c| list(c, you.id, &filter, &page, now)).unwrap()
        };
        let none = KeyFilter::default;
        let in_state = |state| found(KeyFilter { state: Some(state), ..none() });
        for state in [KeyState::Active, KeyState::Expired, KeyState::Revoked] {
            assert!(in_state(state).iter().all(|key| key.state(now) == state));
        }
        assert_eq!(in_state(KeyState::Active).len(), 30);
        assert_eq!(in_state(KeyState::Expired).len(), 5);
        assert_eq!(in_state(KeyState::Revoked).len(), 5);
        assert_eq!(found(KeyFilter { environment: Some(Environment::Live), ..none() }).len(), 20);
        assert_eq!(found(KeyFilter { permission: Some(Permission::Delete), ..none() }).len(), 8);
        assert_eq!(found(KeyFilter { permission: Some(Permission::Write), ..none() }).len(), 0);
        let look = |attention| {
            let keys = found(KeyFilter { attention: Some(attention), ..none() });
            assert!(keys.iter().all(|key| key.state(now) == KeyState::Active));
            u64::try_from(keys.len()).unwrap()
        };
        let counts = store.read(|c| count(c, you.id, now)).unwrap();
        assert_eq!(counts, KeyCounts {
            all: 40,
            active: 30,
            never_expires: look(Attention::NeverExpires),
            ends_soon: look(Attention::EndsSoon),
            idle: look(Attention::Idle),
            any_address: look(Attention::AnyAddress),
        });
        assert_eq!((counts.never_expires, counts.ends_soon, counts.any_address), (10, 10, 20));
        // Of 0, 4, 8, 20, 24, 28, 32, 36 those that were not used yesterday.
        assert_eq!(counts.idle, 4);
    }
}

#[test]
fn what_is_no_place_is_refused() {
    for text in [
        "",
        ".",
        "key_1.n.1",
        "x.t.y",
        "acc_01h455vb4pex5vsknk084sn02q.n.1",
    ] {
        assert!(text.parse::<Place>().is_err(), "{text}");
    }
}
