//! Golden vectors of the key format. **None of them may ever change.**
//!
//! Keys of this form are in other people's hands and their digests in databases: a test here that
//! fails means that the code is wrong, whatever the reason for changing it was.
//!
//! The values were not printed by this crate. They were computed with Python 3's `zlib.crc32`,
//! `hmac` and `hashlib`, and pyca/cryptography, from the description in the public contract.

#![expect(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "helpers outside of #[test] functions too; a panic is how a test fails"
)]

use torvus_key_core::{
    ApiKeyToken, Environment, ForeignDigest, Hashed, KEY_LENGTH, PREFIX, Pepper, PepperVersion,
    Recipe, RecipeId, SealedSecret, checksum,
};

struct Golden {
    environment: Environment,
    /// The 43 random characters.
    random: &'static str,
    key: &'static str,
    hint: &'static str,
    /// Under [`short_pepper`].
    digest: &'static str,
    /// Under [`long_pepper`].
    digest_long: &'static str,
}

const GOLDEN: [Golden; 7] = [
    Golden {
        environment: Environment::Live,
        random: "0000000000000000000000000000000000000000000",
        key: "torvus_sk_live_00000000000000000000000000000000000000000004GmCyj",
        hint: "torvus_sk_live_0000…mCyj",
        digest: "c6c300c09d0ffa7a8af1cdd2c0b30dfb9aec238c8914889117388d52f9b16f73",
        digest_long: "2dbcc5656dfb1a9ba8fc3b85509319c4995b9e203ef831b36df5a4e588afcc1f",
    },
    Golden {
        environment: Environment::Live,
        random: "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        key: "torvus_sk_live_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz2X0czM",
        hint: "torvus_sk_live_zzzz…0czM",
        digest: "7d0b0e3cc762444c198f62c5326bb6a83646198ef4e99fd9d239e372e40d02c2",
        digest_long: "122b617bf9ab186145850858d40bd921a8a7c0307073ab3a3fd4c1a174cd77d2",
    },
    Golden {
        environment: Environment::Test,
        random: "0000000000000000000000000000000000000000000",
        key: "torvus_sk_test_00000000000000000000000000000000000000000004OpPL3",
        hint: "torvus_sk_test_0000…pPL3",
        digest: "b15f7d2934c82448957a19608b038719b24d3461f106228d56a02531e192523a",
        digest_long: "f5ace7e8b20c0fbd703960b377af1bd814dc8aa958889a4a8ad61873e729740d",
    },
    Golden {
        environment: Environment::Live,
        random: "7fQaBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789AbCd",
        key: "torvus_sk_live_7fQaBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789AbCd2AEqwL",
        hint: "torvus_sk_live_7fQa…EqwL",
        digest: "920cdc9c6cdfeb8e3c9606905520cbd406af777075aa265a363d53184f796508",
        digest_long: "3c932f6348d0fc84b2c0b92d30337a0bc44f0568551e66c3a3f7fe169dd72402",
    },
    Golden {
        environment: Environment::Test,
        random: "TheQuickBrownFoxJumpsOverTheLazyDog12345678",
        key: "torvus_sk_test_TheQuickBrownFoxJumpsOverTheLazyDog123456783luUkE",
        hint: "torvus_sk_test_TheQ…uUkE",
        digest: "1047eee8482405375b649cbe6ac8054c854b021ad58c6fa89240247c3b574bca",
        digest_long: "4fe983dd32b01e711b6905a8c9fe823a5948f5e54455203eb44b8c5540c00c3f",
    },
    Golden {
        environment: Environment::Live,
        random: "KLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0",
        key: "torvus_sk_live_KLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz02bQrrb",
        hint: "torvus_sk_live_KLMN…Qrrb",
        digest: "b8d4108dff4e11ca3966f8cfaba2f03c11505c3a8ff1637e23287da8faf7e00f",
        digest_long: "e0f813aafc1138c2de5ade7936d619666a217ae678a873bdb56cb94f19b8e7bb",
    },
    // Its CRC is so small that the checksum is filled up with two zeros.
    Golden {
        environment: Environment::Live,
        random: "Paddingxxxxxxxxxxxxxxxxxxxxxxxxxxxx00000141",
        key: "torvus_sk_live_Paddingxxxxxxxxxxxxxxxxxxxxxxxxxxxx0000014100PxjH",
        hint: "torvus_sk_live_Padd…PxjH",
        digest: "1e6f05e7cca267b15ac154f16fa92daddb8556530dbd9741da84d965c853efca",
        digest_long: "1856144299ea6389dcd7d459852c20de8a349d4cd90a66a2531b3765175c4972",
    },
];

/// The bytes 0 to 31: shorter than a block of SHA-256.
fn short_pepper() -> Pepper {
    pepper((0..32).collect())
}

/// 100 bytes, 3 and then 7 more each time: longer than a block, so HMAC hashes it first.
fn long_pepper() -> Pepper {
    pepper((0..100_u32).map(|i| ((7 * i + 3) % 256) as u8).collect())
}

fn pepper(bytes: Vec<u8>) -> Pepper {
    let version = PepperVersion::new(1).unwrap();
    Pepper::new(version, bytes).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_constants() {
    assert_eq!(PREFIX, "torvus_sk_");
    assert_eq!(KEY_LENGTH, 64);
    assert_eq!(Environment::Live.as_str(), "live");
    assert_eq!(Environment::Test.as_str(), "test");
}

#[test]
fn the_checksum_function() {
    for (text, crc, expected) in [
        ("", 0, "000000"),
        ("123456789", 0xcbf4_3926, "3jZRME"),
        // The random part of the sample token that npm published.
        ("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", 0x2a95_ee6d, "0mLq17"),
        ("000000000000000000000000000000", 0x77e5_db82, "2C8GjS"),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0x317f_6a1b, "0uCPlr"),
        ("abcdefghijklmnopqrstuvwxyz0123", 0x806d_9a54, "2LolCm"),
        ("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 0xf6b9_a94a, "4W8LJS"),
        ("\u{0}\u{0}\u{0}\u{0}", 0x2144_df1c, "0blzLw"),
    ] {
        assert_eq!(crc32fast::hash(text.as_bytes()), crc, "CRC of {text:?}");
        let digits = checksum(text.as_bytes());
        assert_eq!(
            str::from_utf8(&digits),
            Ok(expected),
            "checksum of {text:?}"
        );
    }
    // FF FF FF FF is the text with the largest CRC there is.
    assert_eq!(&checksum(&[0xff; 4]), b"4gfFC3");
}

#[test]
fn the_checksum_covers_prefix_and_environment() {
    for golden in GOLDEN {
        let before = format!("torvus_sk_{}_{}", golden.environment, golden.random);
        let digits = checksum(before.as_bytes());
        let key = before + str::from_utf8(&digits).unwrap();
        assert_eq!(key, golden.key);
    }
}

#[test]
fn keys_are_read_and_hinted() {
    for golden in GOLDEN {
        let token = ApiKeyToken::parse(golden.key).unwrap();
        assert_eq!(token.environment(), golden.environment);
        assert_eq!(token.expose(), golden.key);
        assert_eq!(token.hint().to_string(), golden.hint);
    }
}

#[test]
fn digests_under_a_pepper_shorter_than_a_block() {
    let pepper = short_pepper();
    for golden in GOLDEN {
        let digest = ApiKeyToken::parse(golden.key).unwrap().digest(&pepper);
        assert_eq!(hex(digest.as_bytes()), golden.digest);
    }
}

#[test]
fn digests_under_a_pepper_longer_than_a_block() {
    let pepper = long_pepper();
    for golden in GOLDEN {
        let digest = ApiKeyToken::parse(golden.key).unwrap().digest(&pepper);
        assert_eq!(hex(digest.as_bytes()), golden.digest_long);
    }
}

#[test]
fn fingerprints_of_peppers() {
    let fingerprint = hex(&short_pepper().fingerprint());
    assert_eq!(fingerprint, "8ef2d5a9ad954457fd74dceba7551bec");
    let fingerprint = hex(&long_pepper().fingerprint());
    assert_eq!(fingerprint, "e1fd6b594411bd99d8451e5bf069e868");
}

#[test]
fn lines_of_peppers() {
    let line = short_pepper().to_line();
    assert_eq!(*line, "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let line = long_pepper().to_line();
    assert_eq!(
        *line,
        "1:AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dzj6vH4/wYNFBsiKTA3PkVMU1phaG92fYSLkpmgp661v\
         MPK0djf5u30+wIJEBceJSwzOkFIT1ZdZGtyeYCHjpWco6qxuA=="
    );
}

/// Imported keys are looked up by these: HMAC-SHA-256 of `torvus imported key v1`, a zero byte, the
/// recipe's number as four bytes and the other system's hash.
#[test]
fn what_is_stored_of_another_systems_key_never_changes() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let digest = ForeignDigest::parse(abc).unwrap();
    let stored = digest.stored(RecipeId::new(7).unwrap(), &short_pepper());
    assert_eq!(
        hex(stored.as_bytes()),
        "128fcc9e8d7d06ff263458937bbcb8e41cdedad3057c95dad064bd5707a6b95a"
    );
}

/// The secret `Jefe` for recipe 7 under [`short_pepper`], with the nonce 0 to 11.
const SEALED: [u8; 32] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x72, 0xef, 0xc9, 0xb9,
    0x27, 0xce, 0x9f, 0x37, 0xb0, 0x73, 0x99, 0xbd, 0x55, 0xfd, 0x36, 0xa2, 0xa8, 0x71, 0xd8, 0x56,
];

/// ChaCha20-Poly1305 under HMAC-SHA-256 of `torvus import secret encryption v1`: nonce, then
/// ciphertext and tag, with the recipe's number as associated data.
#[test]
fn a_secret_that_was_sealed_can_be_opened_for_ever() {
    let recipe = RecipeId::new(7).unwrap();
    let sealed = SealedSecret::from_bytes(SEALED.to_vec());
    let secret = sealed.open(recipe, &short_pepper()).unwrap();
    let known = Recipe::new(recipe, Hashed::Whole, Some(secret));
    // RFC 4231, case 2.
    let jefe = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(
        known.digest("what do ya want for nothing?"),
        Some(ForeignDigest::parse(jefe).unwrap())
    );
}
