//! The audit log and the usage that is kept with it, on both databases.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use chrono::NaiveDate;
use samples::{at, stored};
use torvus_audit::{AuditFilter, AuditRecord, Cursor, StatusFilter};
use torvus_domain::{ApiKey, Budget, Category, Outcome, RequestId, Spent, Timestamp};
use torvus_storage::{StorageError, Store, audit, budgets, keys, usage, usage_secrets};

fn request(key: &ApiKey, when: Timestamp, status: u16, ip: &str) -> AuditRecord {
    let mut record = AuditRecord::new(when, Category::ApiActivity, Outcome::Ok);
    record.request_id = Some(RequestId::new(when));
    record.client_request_id = Some("abc-1".to_owned());
    record.account_id = Some(key.account_id);
    record.key_id = Some(key.id);
    record.key_name = Some(key.name.as_str().to_owned());
    record.environment = Some(key.environment);
    record.method = Some("GET".to_owned());
    record.path = Some("/v1/vaults".to_owned());
    record.route = Some("/v1/vaults".to_owned());
    record.status = Some(status);
    record.ip = Some(ip.parse().unwrap());
    record.user_agent = Some("curl/8".to_owned());
    record.duration_us = Some(1_500);
    record.billable = status < 500;
    record
}

fn list(store: &Store, filter: &AuditFilter) -> Vec<AuditRecord> {
    let entries = store.read(|c| audit::list(c, filter)).unwrap();
    entries.into_iter().map(|entry| entry.record).collect()
}

fn append(store: &Store, records: &[AuditRecord]) {
    store.write(|c| audit::append(c, records)).unwrap();
}

fn spent(key: &ApiKey, changes: u32, whole_at: Timestamp) -> Spent {
    Spent {
        budget: Budget::of_key(key),
        whole_at,
        limit: 100,
        peak: 1_000,
        changes,
    }
}

kit::on_both! {
    fn what_is_used_of_a_limit_is_the_latest_that_was_recorded(database) {
        let store = database.store();
        let (_, key, digest) = stored(&store);
        let note = |spents: &[Spent]| {
            let records: Vec<AuditRecord> = spents
                .iter()
                .map(|spent| {
                    let mut record = request(&key, at(1), 200, "203.0.113.5");
                    record.spent = [Some(*spent), None];
                    record
                })
                .collect();
            append(&store, &records);
        };
        let digests = [digest];
        let kept = || {
            let found = store.read(|c| keys::snapshot_by_digests(c, &digests)).unwrap();
            let mut spent = found.unwrap().spent;
            spent.sort_by_key(|spent| spent.whole_at);
            spent
        };
        assert_eq!(kept(), []);
        note(&[spent(&key, 0, at(5)), spent(&key, 0, at(9)), spent(&key, 0, at(7))]);
        assert_eq!(kept(), [spent(&key, 0, at(9))]);
        note(&[spent(&key, 0, at(8))]);
        assert_eq!(kept(), [spent(&key, 0, at(9))]);
        // After a change of the limit an earlier instant may be the later account.
        note(&[spent(&key, 1, at(6)), spent(&key, 0, at(10))]);
        assert_eq!(kept(), [spent(&key, 1, at(6))]);
        let mut shared = spent(&key, 0, at(20));
        shared.budget = Budget::of_account(&key);
        note(&[shared]);
        assert_eq!(kept(), [spent(&key, 1, at(6)), shared]);
        assert_eq!(store.write(|c| budgets::prune(c, at(7))).unwrap(), 1);
        assert_eq!(kept(), [shared]);
    }

    fn records_come_back_as_they_were(database) {
        let store = database.store();
        let (_, key, _) = stored(&store);
        let mut change = AuditRecord::new(at(2), Category::KeyManagement, Outcome::Ok);
        change.actor = Some("operator:root".to_owned());
        change.action = Some("key.revoke".to_owned());
        change.detail = Some(serde_json::json!({"reason": "“leak”", "n": [1, null]}));
        let records = [request(&key, at(1), 200, "2001:db8::1"), change];
        append(&store, &records);
        let mut found = list(&store, &AuditFilter::default());
        found.reverse();
        assert_eq!(found, records);
        // A record that is there already is an error, and changes no sum.
        let again = store.write(|c| audit::append(c, &records));
        assert!(matches!(again, Err(StorageError::Duplicate)), "{again:?}");
        let used = store.read(|c| usage::of_key(c, key.id, day(24), day(24))).unwrap();
        assert_eq!(used.total_requests, 1);
    }

    fn what_a_client_sends_never_stops_a_record(database) {
        let store = database.store();
        let mut record = AuditRecord::new(at(1), Category::ApiActivity, Outcome::MissingKey);
        record.path = Some("/v1/\0".to_owned());
        record.user_agent = Some("\u{1}💥'\"\\".repeat(500));
        append(&store, std::slice::from_ref(&record));
        let found = list(&store, &AuditFilter::default());
        assert_eq!(found[0].user_agent, record.user_agent);
        assert_eq!(found[0].path.as_deref(), Some("/v1/\u{fffd}"));
    }

    fn pages_hold_each_record_once(database) {
        let store = database.store();
        let (_, key, _) = stored(&store);
        let records: Vec<_> = (0..600).map(|n| request(&key, at(n), 200, "192.0.2.1")).collect();
        append(&store, &records);
        let mut filter = AuditFilter { limit: Some(7), ..AuditFilter::default() };
        let mut found = Vec::new();
        loop {
            let page = list(&store, &filter);
            let Some(last) = page.last() else { break };
            filter.behind = Some(Cursor { at: last.at, id: last.id });
            found.extend(page);
        }
        found.reverse();
        assert_eq!(found, records);
        filter.oldest_first = true;
        filter.behind = Some(Cursor { at: records[99].at, id: records[99].id });
        assert_eq!(list(&store, &filter), records[100..107]);
    }

    fn filters_let_through_what_they_name(database) {
        let store = database.store();
        let (account, key, _) = stored(&store);
        let mut stranger = AuditRecord::new(at(4), Category::ApiActivity, Outcome::UnknownKey);
        stranger.status = Some(401);
        let records = [
            request(&key, at(1), 200, "192.0.2.1"),
            request(&key, at(2), 404, "192.0.2.1"),
            AuditRecord::new(at(3), Category::SignIn, Outcome::Ok),
            stranger,
        ];
        append(&store, &records);
        let check = |filter: AuditFilter, expected: &[usize]| {
            let found = list(&store, &filter);
            let expected: Vec<_> = expected.iter().map(|n| records[*n].id).collect();
            assert_eq!(found.iter().map(|r| r.id).collect::<Vec<_>>(), expected, "{filter:?}");
        };
        let any = AuditFilter::default;
        check(any(), &[3, 2, 1, 0]);
        check(AuditFilter { account: Some(account.id), ..any() }, &[1, 0]);
        check(AuditFilter { key: Some(key.id), ..any() }, &[1, 0]);
        check(AuditFilter { from: Some(at(2)), to: Some(at(4)), ..any() }, &[2, 1]);
        check(AuditFilter { status: Some(StatusFilter::Exact(404)), ..any() }, &[1]);
        check(AuditFilter { status: Some(StatusFilter::Class(4)), ..any() }, &[3, 1]);
        check(AuditFilter { outcome: Some(Outcome::UnknownKey), ..any() }, &[3]);
        check(AuditFilter { category: Some(Category::SignIn), ..any() }, &[2]);
        check(AuditFilter { limit: Some(1), ..any() }, &[3]);
        check(AuditFilter { method: Some("GET".to_owned()), ..any() }, &[1, 0]);
        check(AuditFilter { route: Some("/v1/vaults".to_owned()), ..any() }, &[1, 0]);
        check(AuditFilter { ip: Some("::ffff:192.0.2.1".parse().unwrap()), ..any() }, &[1, 0]);
        check(AuditFilter { request: records[0].request_id, ..any() }, &[0]);
        check(AuditFilter { oldest_first: true, limit: Some(2), ..any() }, &[0, 1]);
    }

    fn secrets_are_counted_once_a_key_was_rotated(database) {
        let store = database.store();
        let (_, key, _) = stored(&store);
        let asked = |micros, secret, replaced, ip: Option<&str>, outcome| {
            let mut record = request(&key, at(micros), 200, "192.0.2.1");
            record.ip = ip.map(|ip| ip.parse().unwrap());
            (record.secret, record.secret_replaced, record.outcome) = (Some(secret), replaced, outcome);
            record
        };
        let (one, two) = (Some("192.0.2.1"), Some("192.0.2.2"));
        append(&store, &[asked(1, 1, false, one, Outcome::Ok)]);
        assert_eq!(store.read(|c| usage_secrets::of_key(c, key.id)).unwrap(), []);
        append(&store, &[asked(3, 1, true, one, Outcome::Ok), asked(4, 2, false, one, Outcome::Ok)]);
        append(&store, &[asked(7, 1, true, one, Outcome::ExpiredKey), asked(8, 1, true, two, Outcome::NotFound)]);
        append(&store, &[asked(9, 1, true, None, Outcome::IpNotAllowed)]);
        let found = store.read(|c| usage_secrets::of_key(c, key.id)).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|u| (u.secret, u.ip.map(|ip| ip.to_string()), u.count, u.refused, u.first_seen, u.last_seen))
            .collect();
        let ip = |ip: Option<&str>| ip.map(str::to_owned);
        assert_eq!(told, [
            (1, None, 1, 0, at(9), at(9)),
            (1, ip(two), 1, 0, at(8), at(8)),
            (1, ip(one), 2, 1, at(3), at(7)),
            (2, ip(one), 1, 0, at(4), at(4)),
        ]);
    }

    fn a_thousand_addresses_of_a_secret_are_kept_and_the_others_summed(database) {
        let store = database.store();
        let (_, key, _) = stored(&store);
        let from = |secret, replaced, micros: i64, address: u32| {
            let ip = std::net::Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(address));
            let mut record = request(&key, at(micros), 200, &ip.to_string());
            (record.secret, record.secret_replaced) = (Some(secret), replaced);
            record.outcome = if replaced { Outcome::ExpiredKey } else { Outcome::Ok };
            record
        };
        let all = |addresses: std::ops::Range<u32>, first: i64| {
            let records: Vec<_> = addresses.map(|n| from(1, true, first + i64::from(n), n)).collect();
            for some in records.chunks(400) {
                append(&store, some);
            }
        };
        all(0..1_500, 0);
        all(0..2_000, 10_000);
        append(&store, &[from(2, false, 12_000, 3_000)]);
        let found = || store.read(|c| usage_secrets::of_key(c, key.id)).unwrap();
        let of = |secret: u32| found().into_iter().filter(move |one| one.secret == secret);
        let (others, own): (Vec<_>, Vec<_>) = of(1).partition(|one| one.others);
        assert_eq!(own.len(), 1_000);
        assert!(own.iter().all(|one| one.count == 2 && one.refused == 2 && one.ip.is_some()));
        let [others] = &others[..] else { panic!("{others:?}") };
        assert_eq!((others.ip, others.count, others.refused), (None, 500 + 1_000, 500 + 1_000));
        assert_eq!((others.first_seen, others.last_seen), (at(1_000), at(11_999)));
        assert_eq!(of(2).map(|one| (one.others, one.count)).collect::<Vec<_>>(), [(false, 1)]);

        // What was last seen before an instant goes, and makes room.
        let removed = store.write(|c| usage_secrets::remove_before(c, at(10_400))).unwrap();
        assert_eq!(removed, 400);
        assert_eq!(of(1).map(|one| one.count).sum::<u64>(), 600 * 2 + 1_500);
        all(3_000..3_001, 20_000);
        assert_eq!(of(1).filter(|one| !one.others).count(), 601);
    }

    fn a_thousand_addresses_of_a_day_are_kept_and_the_others_summed(database) {
        let store = database.store();
        let (_, key, _) = stored(&store);
        let next_day = 86_400_000_000;
        let all = |addresses: std::ops::Range<u32>, first: i64| {
            let records = addresses.map(|n| {
                let ip = std::net::Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(n));
                request(&key, at(first + i64::from(n)), 200, &ip.to_string())
            });
            for some in records.collect::<Vec<_>>().chunks(400) {
                append(&store, some);
            }
        };
        all(0..1_500, 0);
        all(0..2_000, 10_000);
        all(1_900..2_000, next_day);
        let used = |from, to| store.read(|c| usage::of_key(c, key.id, day(from), day(to))).unwrap();
        let first = used(24, 24);
        assert_eq!((first.total_requests, first.addresses.len()), (3_500, 1_000));
        assert!(first.addresses.iter().all(|address| address.count == 2));
        assert_eq!(first.other_addresses, 500 + 1_000);
        // Each day has room of its own.
        let both = used(24, 25);
        assert_eq!((both.addresses.len(), both.other_addresses), (1_100, 1_500));
        assert_eq!(used(25, 25).other_addresses, 0);
    }

    fn usage_is_the_sum_of_the_records(database) {
        let store = database.store();
        let (_, key, _) = stored(&store);
        let next_day = 86_400_000_000;
        let mut lost = request(&key, at(next_day), 200, "192.0.2.2");
        (lost.status, lost.outcome, lost.route) = (None, Outcome::Unknown, None);
        let mut management = request(&key, at(9 * next_day), 200, "192.0.2.9");
        management.category = Category::KeyManagement;
        let batches = [
            vec![request(&key, at(3), 200, "192.0.2.1"), request(&key, at(5), 429, "192.0.2.1")],
            vec![request(&key, at(7), 503, "192.0.2.1"), request(&key, at(next_day - 1), 302, "192.0.2.2")],
            vec![lost, request(&key, at(next_day + 1), 403, "192.0.2.1"), management],
        ];
        for batch in &batches {
            append(&store, batch);
        }
        let used = store.read(|c| usage::of_key(c, key.id, day(23), day(25))).unwrap();
        assert_eq!((used.total_requests, used.billable_requests), (6, 5));
        assert!((used.error_rate() - 0.5).abs() < 1e-9);
        let days: Vec<_> = used
            .days
            .iter()
            .map(|d| (d.date, d.ok, d.client_errors, d.rate_limited, d.server_errors))
            .collect();
        assert_eq!(days, [(day(23), 0, 0, 0, 0), (day(24), 2, 0, 1, 1), (day(25), 0, 1, 0, 0)]);
        let endpoints: Vec<_> = used.endpoints.iter().map(|e| (e.route.as_deref(), e.count)).collect();
        assert_eq!(endpoints, [(Some("/v1/vaults"), 5), (None, 1)]);
        let first = &used.addresses[0];
        assert_eq!(first.ip.to_string(), "192.0.2.1");
        assert_eq!((first.count, first.first_seen, first.last_seen), (4, at(3), at(next_day + 1)));
        let key = store.read(|c| keys::find(c, key.id)).unwrap().unwrap();
        assert_eq!(key.last_used_at, Some(at(next_day + 1)));
        let today = store.read(|c| usage::of_key(c, key.id, day(25), day(25))).unwrap();
        assert_eq!((today.total_requests, today.days.len()), (2, 1));
    }
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}
