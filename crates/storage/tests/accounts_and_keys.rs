//! Accounts and keys, on both databases.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use samples::{account, at, key, stored, version};
use torvus_domain::{IpAllowlist, KeyLookup, PermissionSet, Secret};
use torvus_key_core::{Candidate, KeyDigest};
use torvus_storage::secrets::{self, NewSecret};
use torvus_storage::{StorageError, accounts, keys, nodes, peppers, snapshots};

kit::on_both! {
    fn an_account_comes_back_as_it_was(database) {
        let store = database.store();
        let mut you = account("you@example.com");
        you.suspended_at = Some(at(5));
        store.write(|c| accounts::insert(c, &you, "hash")).unwrap();
        assert_eq!(store.read(|c| accounts::find(c, you.id)).unwrap(), Some(you.clone()));
        assert_eq!(store.read(|c| accounts::find_by_email(c, &you.email)).unwrap(), Some(you.clone()));
        assert_eq!(store.read(|c| accounts::password_hash(c, you.id)).unwrap().as_deref(), Some("hash"));
        let twin = account("you@example.com");
        let refused = store.write(|c| accounts::insert(c, &twin, "hash"));
        assert!(matches!(refused, Err(StorageError::Duplicate)), "{refused:?}");
        assert_eq!(store.read(accounts::list).unwrap(), [you]);
    }

    fn an_account_is_changed_and_a_stranger_is_not(database) {
        let store = database.store();
        let you = account("you@example.com");
        let stranger = account("other@example.com");
        store.write(|c| accounts::insert(c, &you, "hash")).unwrap();
        let free = "free".parse().unwrap();
        for (id, there) in [(you.id, true), (stranger.id, false)] {
            store.write(|c| {
                assert_eq!(accounts::set_plan(c, id, &free)?, there);
                assert_eq!(accounts::set_suspended(c, id, Some(at(9)))?, there);
                assert_eq!(accounts::set_password_hash(c, id, "new")?, there);
                Ok(())
            }).unwrap();
        }
        let found = store.read(|c| accounts::find(c, you.id)).unwrap().unwrap();
        assert_eq!((found.plan, found.suspended_at), (free, Some(at(9))));
        store.write(|c| accounts::set_suspended(c, you.id, None)).unwrap();
        let found = store.read(|c| accounts::find(c, you.id)).unwrap().unwrap();
        assert_eq!(found.suspended_at, None);
        assert_eq!(store.read(|c| accounts::find(c, stranger.id)).unwrap(), None);
    }

    fn a_key_comes_back_as_it_was(database) {
        let store = database.store();
        let you = account("you@example.com");
        let (mut one, digest) = key(&you, "Ключ 🔑");
        one.permissions = "read,delete".parse::<PermissionSet>().unwrap();
        one.expires_at = Some(at(1_234));
        one.allowed_ips = IpAllowlist::from_entries(["203.0.113.0/24", "2001:db8::/32"]).unwrap();
        one.limit = Some(u32::MAX);
        store.write(|c| {
            accounts::insert(c, &you, "hash")?;
            keys::insert(c, &one, &digest, version(3))
        }).unwrap();
        let found = store.read(|c| keys::find(c, one.id)).unwrap().unwrap();
        assert_eq!(found, one);
        let other = KeyDigest::from_bytes([1; 32]);
        let snapshot = store
            .read(|c| keys::snapshot_by_digests(c, &[other.clone(), digest.clone()]))
            .unwrap()
            .unwrap();
        assert_eq!((snapshot.key, snapshot.account, snapshot.secret), (one, you, Secret::FIRST));
        assert!(store.read(|c| keys::snapshot_by_digests(c, &[other])).unwrap().is_none());
        assert!(store.read(|c| keys::snapshot_by_digests(c, &[])).unwrap().is_none());
    }

    fn a_key_is_found_by_its_identifier_as_by_its_secret(database) {
        let store = database.store();
        let (you, one, digest) = stored(&store);
        let [found] = &store.read(|c| snapshots::of_key(c, one.id, at(9))).unwrap()[..] else {
            panic!("a key with one secret");
        };
        let by_secret = store.read(|c| keys::snapshot_by_digests(c, &[digest])).unwrap().unwrap();
        assert_eq!((&found.key, &found.account), (&by_secret.key, &by_secret.account));
        assert_eq!((found.secret.ends_at, &found.spent), (None, &by_secret.spent));
        let (stranger, _) = key(&you, "none");
        assert!(store.read(|c| snapshots::of_key(c, stranger.id, at(9))).unwrap().is_empty());
    }

    fn a_keys_current_secret_comes_first_whatever_its_number(database) {
        let store = database.store();
        let (you, one, _) = stored(&store);
        // 4 was taken back, 3 is current, 1 is in its grace, 2 was ended.
        let replaced = |number, ends: i64, ended: Option<i64>| Secret {
            number,
            replaced_at: Some(at(5)),
            ends_at: Some(at(ends)),
            ended_at: ended.map(at),
        };
        let current = Secret { number: 3, ..Secret::FIRST };
        let all = [replaced(1, 20, None), replaced(2, 30, Some(6)), replaced(4, 5, Some(5)), current];
        store.write(|c| {
            secrets::set(c, one.id, &all[0])?;
            for secret in &all[1..] {
                let (_, digest) = key(&you, "another text");
                secrets::insert(c, &NewSecret {
                    key: one.id,
                    number: secret.number,
                    digest: &digest,
                    pepper: version(1),
                    hint: None,
                    created_at: at(5),
                })?;
                secrets::set(c, one.id, secret)?;
            }
            Ok(())
        }).unwrap();
        let order = |now| -> Vec<u32> {
            let found = store.read(|c| snapshots::of_key(c, one.id, at(now))).unwrap();
            found.iter().map(|found| found.secret.number).collect()
        };
        assert_eq!(order(10), [3, 1, 4, 2]);
        assert_eq!(order(20), [3, 4, 2, 1]);
    }

    fn a_key_needs_its_account_and_its_own_digest(database) {
        let store = database.store();
        let (you, _, digest) = stored(&store);
        let (orphan, other) = key(&account("other@example.com"), "orphan");
        let refused = store.write(|c| keys::insert(c, &orphan, &other, version(1)));
        assert!(matches!(refused, Err(StorageError::Missing)), "{refused:?}");
        let (twin, _) = key(&you, "twin");
        let refused = store.write(|c| keys::insert(c, &twin, &digest, version(1)));
        assert!(matches!(refused, Err(StorageError::Duplicate)), "{refused:?}");
        // The whole transaction was undone, the key's row too.
        assert_eq!(store.read(|c| keys::find(c, twin.id)).unwrap(), None);
    }

    fn the_first_revocation_stays(database) {
        let store = database.store();
        let (_, one, digest) = stored(&store);
        assert!(store.write(|c| keys::revoke(c, one.id, at(7), Some("leaked"))).unwrap());
        assert!(!store.write(|c| keys::revoke(c, one.id, at(8), None)).unwrap());
        let snapshot = store.read(|c| keys::snapshot_by_digests(c, &[digest])).unwrap().unwrap();
        assert_eq!(snapshot.key.revoked_at, Some(at(7)));
        assert_eq!(snapshot.key.revoke_reason.as_deref(), Some("leaked"));
        let (stranger, _) = key(&account("other@example.com"), "none");
        assert!(!store.write(|c| keys::revoke(c, stranger.id, at(8), None)).unwrap());
    }

    fn a_key_has_one_secret_that_is_not_replaced(database) {
        let store = database.store();
        let (you, one, digest) = stored(&store);
        let (_, second) = key(&you, "another text");
        let new = |number| NewSecret {
            key: one.id,
            number,
            digest: &second,
            pepper: version(1),
            hint: None,
            created_at: at(5),
        };
        for number in [1, 2] {
            let refused = store.write(|c| secrets::insert(c, &new(number)));
            assert!(matches!(refused, Err(StorageError::Duplicate)), "{number}: {refused:?}");
        }
        let old = Secret { replaced_at: Some(at(5)), ends_at: Some(at(9)), ..Secret::FIRST };
        store.write(|c| {
            secrets::set(c, one.id, &old)?;
            secrets::insert(c, &new(2))
        }).unwrap();
        let refused = store.write(|c| secrets::set(c, one.id, &Secret::FIRST));
        assert!(matches!(refused, Err(StorageError::Duplicate)), "{refused:?}");
        let opens = |digest: &KeyDigest| {
            let found = store.read(|c| keys::snapshot_by_digests(c, std::slice::from_ref(digest)));
            let found = found.unwrap().unwrap();
            (found.key.id, found.secret)
        };
        let current = Secret { number: 2, ..Secret::FIRST };
        assert_eq!([opens(&digest), opens(&second)], [(one.id, old), (one.id, current)]);
        let found = store.read(|c| secrets::of_key(c, &one)).unwrap();
        let told: Vec<_> = found.into_iter().map(|info| (info.secret, info.hint, info.created_at)).collect();
        assert_eq!(told, [(current, None, at(5)), (old, Some(one.hint.clone()), at(1))]);
        assert_eq!(store.read(|c| secrets::find(c, one.id, 3)).unwrap(), None);
    }

    fn keys_that_end_soon_come_in_their_order(database) {
        let store = database.store();
        let (you, _, _) = stored(&store);
        for (ends, revoked) in [(Some(30), None), (Some(10), None), (Some(20), Some(1)), (None, None), (Some(20), None)] {
            let (mut one, digest) = key(&you, "k");
            (one.expires_at, one.revoked_at) = (ends.map(at), revoked.map(at));
            store.write(|c| keys::insert(c, &one, &digest, version(1))).unwrap();
        }
        let ending = |now, until| -> Vec<_> {
            let found = store.read(|c| keys::ending(c, Some(you.id), at(now), at(until))).unwrap();
            let count = store.read(|c| keys::count_ending(c, at(now), at(until))).unwrap();
            assert_eq!(found.len() as u64, count);
            found.iter().map(|key| key.expires_at.unwrap()).collect()
        };
        assert_eq!(ending(9, 30), [at(10), at(20), at(30)]);
        assert_eq!(ending(10, 29), [at(20)]);
    }

    fn lists_leave_out_the_dead(database) {
        let store = database.store();
        let (you, alive, _) = stored(&store);
        let other = account("other@example.com");
        store.write(|c| accounts::insert(c, &other, "hash")).unwrap();
        let mut ids = vec![alive.id];
        for (owner, ends, revoked) in [(&you, Some(10), None), (&you, None, Some(3)), (&other, None, None)] {
            let (mut one, digest) = key(owner, "k");
            one.expires_at = ends.map(at);
            one.revoked_at = revoked.map(at);
            store.write(|c| keys::insert(c, &one, &digest, version(1))).unwrap();
            ids.push(one.id);
        }
        let listed = |account, dead, now| -> Vec<_> {
            let found = store.read(|c| keys::list(c, account, dead, at(now))).unwrap();
            found.iter().map(|key| key.id).collect()
        };
        assert_eq!(listed(None, true, 0), ids);
        assert_eq!(listed(Some(you.id), true, 0), ids[..3]);
        assert_eq!(listed(Some(you.id), false, 9), ids[..2]);
        assert_eq!(listed(Some(you.id), false, 10), ids[..1]);
        assert_eq!(listed(Some(other.id), false, 10), ids[3..]);
    }

    fn the_gate_finds_a_key(database) {
        let store = database.store();
        let (_, one, digest) = stored(&store);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let found = runtime.block_on(store.find(&[Candidate { digest, renewed: None }])).unwrap().unwrap();
        assert_eq!(found.key.id, one.id);
    }

    fn a_pepper_must_be_the_same(database) {
        let store = database.store();
        store.write(|c| {
            peppers::check_or_insert(c, version(2), [2; 16]).unwrap();
            peppers::check_or_insert(c, version(1), [1; 16]).unwrap();
            peppers::check_or_insert(c, version(2), [2; 16]).unwrap();
            let refused = peppers::check_or_insert(c, version(2), [9; 16]);
            assert!(matches!(refused, Err(peppers::WrongPepper::Differs { version: 2 })));
            Ok(())
        }).unwrap();
        assert_eq!(store.read(peppers::known).unwrap(), [(version(1), [1; 16]), (version(2), [2; 16])]);
    }

    fn servers_come_and_go(database) {
        let store = database.store();
        let ids = [torvus_domain::NodeId::new(at(0)), torvus_domain::NodeId::new(at(0))];
        store.write(|c| {
            nodes::touch(c, ids[0], at(0), "0.1.0")?;
            nodes::touch(c, ids[1], at(1), "0.1.0")?;
            nodes::touch(c, ids[0], at(5), "0.1.0")
        }).unwrap();
        let live = store.read(|c| nodes::live(c, at(2))).unwrap();
        assert_eq!(live.len(), 1);
        assert_eq!((live[0].id, live[0].started_at, live[0].seen_at), (ids[0], at(0), at(5)));
        store.write(|c| nodes::remove(c, ids[0])).unwrap();
        assert_eq!(store.read(|c| nodes::live(c, at(0))).unwrap().len(), 1);
        // One that was killed is forgotten when it was silent for long.
        assert_eq!(store.write(|c| nodes::forget(c, at(1))).unwrap(), 0);
        assert_eq!(store.read(nodes::all).unwrap().len(), 1);
        assert_eq!(store.write(|c| nodes::forget(c, at(2))).unwrap(), 1);
        assert_eq!(store.read(nodes::all).unwrap(), []);
    }
}
