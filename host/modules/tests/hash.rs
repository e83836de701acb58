//! Module `hash`, against vectors of the standards.

use perilune_modules::hash::{Md5, Sha1, Sha256, Sha512, digest, fnv32, fnv64, hmac};

fn text(shown: Vec<u8>) -> String {
    String::from_utf8(shown).unwrap_or_else(|raw| format!("{raw:?}"))
}

#[test]
fn digests_match_the_vectors_of_their_standards() {
    assert_eq!(text(digest::<Md5>(b"abc", false)), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(text(digest::<Sha1>(b"abc", false)), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(
        text(digest::<Sha256>(b"abc", false)),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(
        text(digest::<Sha512>(b"abc", false)),
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    );
}

#[test]
fn keyed_digests_match_the_vectors_of_rfc_2202_and_4231() {
    let (data, secret) = (&b"what do ya want for nothing?"[..], &b"Jefe"[..]);
    assert_eq!(text(hmac::<Md5>(data, secret, false)), "750c783e6ab0b503eaa86e310a5db738");
    assert_eq!(text(hmac::<Sha1>(data, secret, false)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_eq!(
        text(hmac::<Sha256>(data, secret, false)),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        text(hmac::<Sha512>(data, secret, false)),
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
         9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    );
}

#[test]
fn a_secret_may_have_any_length() {
    let long = vec![0xaa; 131];
    assert_eq!(
        text(hmac::<Sha256>(b"Test Using Larger Than Block-Size Key - Hash Key First", &long, false)),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
    assert_eq!(hmac::<Sha1>(b"", b"", true).len(), 20);
}

#[test]
fn raw_digests_are_the_bytes_behind_the_text() {
    assert_eq!(digest::<Md5>(b"abc", true)[..4], [0x90, 0x01, 0x50, 0x98]);
}

#[test]
fn fnv_is_variant_1() {
    assert_eq!(fnv32(b""), 0x811c_9dc5);
    assert_eq!(fnv32(b"foobar"), 0x31f0_b262);
    assert_eq!(fnv64(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv64(b"foobar"), 0x340d_8765_a4dd_a9c2);
}
