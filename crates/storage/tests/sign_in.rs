//! What signing in leaves in the database, on both databases.

#![cfg(test)]

mod kit;

use chrono::TimeDelta;
use torvus_domain::{Account, AccountId, SessionId, Timestamp};
use torvus_storage::sessions::{self, Session};
use torvus_storage::tries::{self, Bucket, Taken};
use torvus_storage::{accounts, known_browsers, sent_forms};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn account(email: &str) -> Account {
    Account {
        id: AccountId::new(at(0)),
        email: email.parse().unwrap(),
        plan: "free".parse().unwrap(),
        created_at: at(0),
        suspended_at: None,
    }
}

fn bucket(name: u8, holds: i32, every: i64) -> Bucket {
    Bucket {
        name: [name; 32],
        holds,
        every: TimeDelta::seconds(every),
    }
}

kit::on_both! {
    fn tries_run_out_and_come_back(database) {
        let store = database.store();
        let now = at(1_000);
        let (few, many) = (bucket(1, 3, 60), bucket(2, 10, 60));
        let both = [few.clone(), many.clone()];
        let take = |buckets: &[Bucket], now| store.write(|c| tries::take(c, buckets, now)).unwrap();
        for _ in 0..3 {
            assert_eq!(take(&both, now), Taken::Yes);
        }
        let wait = TimeDelta::seconds(60);
        assert_eq!(take(&both, now), Taken::Wait { wait, worth_noting: true });
        let later = now + TimeDelta::seconds(20);
        let wait = TimeDelta::seconds(40);
        assert_eq!(take(&both, later), Taken::Wait { wait, worth_noting: false });
        // What was refused took nothing from the other bucket.
        for _ in 0..7 {
            assert_eq!(take(std::slice::from_ref(&many), now), Taken::Yes);
        }
        assert!(matches!(take(&[many], now), Taken::Wait { .. }));
        store.write(|c| tries::give_back(c, std::slice::from_ref(&few))).unwrap();
        assert_eq!(take(std::slice::from_ref(&few), now), Taken::Yes);
        assert!(matches!(take(std::slice::from_ref(&few), now), Taken::Wait { .. }));
        assert_eq!(store.write(|c| tries::prune(c, now + TimeDelta::minutes(5))).unwrap(), 1);
        let full = now + TimeDelta::minutes(11);
        assert_eq!(store.write(|c| tries::prune(c, full)).unwrap(), 1);
        assert_eq!(take(&[few], full), Taken::Yes);
    }

    fn nobody_takes_more_at_once_than_there_is(database) {
        let store = database.store();
        let buckets = [bucket(1, 10, 3_600), bucket(2, 15, 3_600)];
        let taken = std::thread::scope(|scope| {
            let take = || store.write(|c| tries::take(c, &buckets, at(1_000))).unwrap();
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(move || (0..6).filter(|_| take() == Taken::Yes).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(taken, 10);
    }

    fn a_form_is_taken_once(database) {
        let store = database.store();
        let taken = std::thread::scope(|scope| {
            let take = || store.write(|c| sent_forms::take(c, b"one form", at(5))).unwrap();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|taken| *taken).count()
        });
        assert_eq!(taken, 1);
        assert!(store.write(|c| sent_forms::take(c, b"another", at(6))).unwrap());
        assert_eq!(store.write(|c| sent_forms::prune(c, at(6))).unwrap(), 1);
        assert!(!store.write(|c| sent_forms::take(c, b"another", at(7))).unwrap());
    }

    fn a_session_is_found_by_its_secret_alone_until_it_ends(database) {
        let store = database.store();
        let (you, other) = (account("you@example.com"), account("other@example.com"));
        let session = |account_id, second| Session {
            id: SessionId::new(at(second)),
            account_id,
            created_at: at(second),
            seen_at: at(second),
            confirmed_at: at(second),
            ip: Some("2001:db8::1".parse().unwrap()),
            user_agent: Some("a browser".to_owned()),
            awaits_code: false,
        };
        let (first, second, theirs) = (session(you.id, 10), session(you.id, 20), session(other.id, 30));
        store.write(|c| {
            accounts::insert(c, &you, "hash")?;
            accounts::insert(c, &other, "hash")?;
            sessions::insert(c, &[1; 32], &first)?;
            sessions::insert(c, &[2; 32], &second)?;
            sessions::insert(c, &[3; 32], &theirs)
        }).unwrap();
        let found = |digest| store.read(|c| sessions::find(c, &digest)).unwrap().map(|(session, _)| session);
        assert_eq!(found([1; 32]), Some(first.clone()));
        assert_eq!(found([9; 32]), None);
        store.write(|c| sessions::touch(c, first.id, at(40))).unwrap();
        let listed = store.read(|c| sessions::list(c, you.id)).unwrap();
        assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), [first.id, second.id]);
        // Nobody ends a session of somebody else.
        assert!(!store.write(|c| sessions::end(c, you.id, theirs.id)).unwrap());
        store.write(|c| sessions::renew(c, first.id, &[4; 32])).unwrap();
        assert!(found([1; 32]).is_none() && found([4; 32]).is_some());
        assert_eq!(store.write(|c| sessions::end_all_but(c, you.id, Some(first.id))).unwrap(), 1);
        assert!(found([2; 32]).is_none() && found([3; 32]).is_some());
        assert_eq!(store.write(|c| sessions::prune(c, at(35), at(0))).unwrap(), 1);
        assert_eq!(store.write(|c| sessions::prune(c, at(0), at(11))).unwrap(), 1);
    }

    fn an_account_knows_its_last_browsers(database) {
        let store = database.store();
        let (you, other) = (account("you@example.com"), account("other@example.com"));
        store.write(|c| {
            accounts::insert(c, &you, "hash")?;
            accounts::insert(c, &other, "hash")
        }).unwrap();
        for number in 0..25 {
            store.write(|c| known_browsers::insert(c, &[number; 32], you.id, at(number.into()))).unwrap();
        }
        let known = |number, id| store.read(|c| known_browsers::is_known(c, &[number; 32], id)).unwrap();
        assert_eq!((0..25).filter(|number| known(*number, you.id)).count(), 20);
        assert!(!known(4, you.id) && known(5, you.id) && !known(5, other.id));
        store.write(|c| known_browsers::forget(c, &[5; 32])).unwrap();
        assert!(!known(5, you.id));
        assert_eq!(store.write(|c| known_browsers::prune(c, at(7))).unwrap(), 1);
        store.write(|c| known_browsers::forget_all(c, you.id)).unwrap();
        assert!((0..25).all(|number| !known(number, you.id)));
    }
}
