//! Keys, and who else changes them at the same time, on both databases.

#![cfg(test)]

#[path = "../../storage/tests/kit/mod.rs"]
mod kit;
#[path = "keys/made.rs"]
mod made;

use made::{actor, at, issued, ring};
use torvus_domain::{Grace, GraceEnd, Secret};
use torvus_keyring::{KeyringError, keys};
use torvus_storage::secrets;

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
}
