//! Keys, and who else changes them at the same time, on both databases.

#![cfg(test)]

#[path = "../../storage/tests/kit/mod.rs"]
mod kit;
#[path = "keys/made.rs"]
mod made;

use made::{actor, at, issued, ring, ring_of, version};
use torvus_domain::{Expiry, Grace, GraceEnd, PermissionSet, Plans, Secret};
use torvus_key_core::{Environment, ForeignDigest, KeyHint, PepperRing, RecipeId};
use torvus_keyring::import::{ForeignKey, Import};
use torvus_keyring::{KeyringError, keys};
use torvus_storage::{peppers, secrets};

kit::on_both! {
    fn a_rotation_is_taken_back_unless_the_old_secret_was_changed(database) {
        let store = database.store();
        let (key, ring) = (issued(&store, &ring()), ring());
        let rotate = |now| keys::rotate(&store, &ring, key.id, Grace::default(), None, &actor(), at(now)).unwrap();
        let taken_back = |rotated: &keys::Rotated, now| keys::take_back(&store, rotated, "unseen", &actor(), at(now));
        let found = |number| store.read(|c| secrets::find(c, key.id, number)).unwrap().unwrap();
        taken_back(&rotate(1), 2).unwrap();
        assert_eq!(found(1), Secret::FIRST);
        assert!(found(2).ended(at(2)));

        for (turn, end) in ["2h", "now"].into_iter().enumerate() {
            let turn = u32::try_from(turn).unwrap();
            let (old, new) = (1 + 2 * turn, 3 + turn);
            let rotated = rotate(10 * i64::from(new));
            let end: GraceEnd = end.parse().unwrap();
            keys::set_grace(&store, key.id, end, None, &actor(), at(10 * i64::from(new) + 1)).unwrap();
            let (was, is) = (found(old), found(new));
            let refused = taken_back(&rotated, 10 * i64::from(new) + 2);
            let Err(KeyringError::Conflict(told)) = refused else {
                panic!("{refused:?}");
            };
            assert!(told.contains("both stay as they are"), "{told}");
            assert_eq!((found(old), found(new)), (was, is));
            keys::set_grace(&store, key.id, GraceEnd::Now, None, &actor(), at(10 * i64::from(new) + 3)).unwrap();
        }
        // What is proposed then works.
        rotate(100);
    }

    fn a_retired_pepper_gets_no_new_secret_and_no_key_back(database) {
        let store = database.store();
        let (key, plans) = (issued(&store, &ring()), Plans::shipped());
        let edited = |expiry, now| {
            let edit = keys::Edit { expiry: Some(expiry), ..Default::default() };
            keys::edit(&store, &plans, key.id, &edit, None, &actor(), at(now)).map(|changed| changed.changed)
        };
        let conflict = |refused: Result<(), KeyringError>, words: &str| match refused {
            Err(KeyringError::Conflict(told)) => assert!(told.contains(words), "{told}"),
            other => panic!("{other:?}"),
        };
        assert!(edited(Expiry::At(at(10)), 1).unwrap());
        store.write(|c| peppers::adopt(c, &ring_of(&[1, 2]))).unwrap().unwrap();
        let new = made::new_key(key.account_id);
        let issue = |ring: &PepperRing, now| keys::issue(&store, ring, &plans, &new, &actor(), at(now));
        let other = issue(&ring_of(&[1, 2]), 11).unwrap().key;
        torvus_keyring::peppers::retire(&store, &ring_of(&[1, 2]), version(1), &actor(), at(12)).unwrap();

        conflict(edited(Expiry::Never, 13).map(drop), "make another one");
        assert!(!edited(Expiry::At(at(10)), 13).unwrap(), "the end that it has is no change");
        conflict(issue(&ring(), 13).map(drop), "run it again");
        let rotated = keys::rotate(&store, &ring(), other.id, Grace::default(), None, &actor(), at(13));
        conflict(rotated.map(drop), "run it again");
        let stranger = ForeignKey {
            recipe: RecipeId::new(1).unwrap(),
            digest: ForeignDigest::parse(&"ab".repeat(32)).unwrap(),
            name: "Theirs".parse().unwrap(),
            environment: Environment::Live,
            permissions: PermissionSet::all(),
            expires_at: None,
            allowed_ips: Default::default(),
            limit: None,
            limit_at_most: false,
            hint: KeyHint::foreign(Environment::Live, "abcd").unwrap(),
            external_id: None,
        };
        let import = |ring: &PepperRing| {
            let import = Import { ring, plans: &plans, account: key.account_id, dry_run: false };
            import.take(&store, std::slice::from_ref(&stranger), &actor(), at(13))
        };
        conflict(import(&ring()).map(drop), "run it again");

        // With the ring as it is now all of it goes.
        let ring = ring_of(&[2]);
        issue(&ring, 14).unwrap();
        keys::rotate(&store, &ring, other.id, Grace::default(), None, &actor(), at(14)).unwrap();
    }
    fn a_key_that_left_the_pepper_meanwhile_is_not_revoked_with_it(database) {
        let store = database.store();
        let (used, plans, both) = (issued(&store, &ring()), Plans::shipped(), ring_of(&[1, 2]));
        let new = made::new_key(used.account_id);
        let unused = keys::issue(&store, &ring(), &plans, &new, &actor(), at(1)).unwrap().key;
        store.write(|c| peppers::adopt(c, &both)).unwrap().unwrap();
        let needing = torvus_keyring::peppers::needing(&store, &both, version(1), at(2)).unwrap();
        assert_eq!(needing.len(), 2);

        // While whoever asked reads the question.
        let at_once: Grace = "0".parse().unwrap();
        keys::rotate(&store, &both, used.id, at_once, None, &actor(), at(3)).unwrap();
        let revoke = |now| torvus_keyring::peppers::revoke(&store, &needing, version(1), &actor(), at(now)).unwrap();
        assert_eq!(revoke(4), 1);
        let revoked = |id| store.read(|c| torvus_storage::keys::find(c, id)).unwrap().unwrap().revoked_at.is_some();
        assert_eq!((revoked(used.id), revoked(unused.id)), (false, true));
        assert_eq!(revoke(5), 0, "only what was done now is counted");
    }
}
