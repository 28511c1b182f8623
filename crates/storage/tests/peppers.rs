//! What hangs on each pepper, on both databases.

#![cfg(test)]

mod kit;
#[path = "kit/samples.rs"]
mod samples;

use samples::{at, key, stored, version};
use torvus_domain::Secret;
use torvus_storage::keys;
use torvus_storage::peppers::{self, PepperUse};
use torvus_storage::secrets::{self, NewSecret};

kit::on_both! {
    fn each_key_counts_once_for_a_version(database) {
        let store = database.store();
        let (you, never_rotated, _) = stored(&store);
        // Versions of the first secret, and of the one that replaced it at 5; the first one's end.
        let made = |first: u32, second: Option<(u32, i64)>, ended: bool| {
            let (mut one, digest) = key(&you, "k");
            one.expires_at = ended.then(|| at(9));
            store.write(|c| {
                keys::insert(c, &one, &digest, version(first))?;
                let Some((second, end)) = second else {
                    return Ok(());
                };
                let old = Secret { replaced_at: Some(at(5)), ends_at: Some(at(end)), ..Secret::FIRST };
                secrets::set(c, one.id, &old)?;
                let (_, digest) = key(&you, "k");
                secrets::insert(c, &NewSecret {
                    key: one.id,
                    number: 2,
                    digest: &digest,
                    pepper: version(second),
                    hint: None,
                    created_at: at(5),
                })
            }).unwrap();
            one.id
        };
        let mut first = vec![never_rotated.id, made(1, Some((1, 20)), false), made(1, Some((2, 20)), false)];
        made(1, None, true);
        made(1, Some((2, 8)), false);
        first.sort_unstable_by_key(ToString::to_string);
        let hangs = |number, live_secrets, live_keys| PepperUse {
            version: version(number),
            live_secrets,
            live_keys,
        };
        store.read(|c| {
            assert_eq!(peppers::uses(c, at(10))?, [hangs(1, 4, 3), hangs(2, 2, 2)]);
            assert_eq!(peppers::needing(c, version(1), at(10))?, first);
            let counted = |c: &mut _, number| Ok::<_, torvus_storage::StorageError>((
                peppers::live_keys(c, version(number), at(10))?,
                peppers::rotated(c, version(number), at(10))?,
            ));
            assert_eq!(counted(c, 1)?, (3, 1));
            assert_eq!(counted(c, 2)?, (2, 1));
            assert_eq!(counted(c, 3)?, (0, 0));
            assert_eq!(peppers::uses(c, at(20))?, [hangs(1, 2, 2), hangs(2, 2, 2)]);
            Ok(())
        }).unwrap();
    }
}
