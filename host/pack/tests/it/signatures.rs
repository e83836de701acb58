//! Who has signed a pack.

use crate::support::{key, small};
use insta::assert_snapshot;
use perilune_pack::{Pack, PackError, PublicKey, SigningKey};

#[test]
fn a_signed_pack_says_by_whom_it_is() {
    let pack = Pack::read(small(true)).expect("a pack");
    assert_eq!(pack.signer(), Some(key(1).public()));
    assert!(pack.require(&[key(2).public(), key(1).public()]).is_ok());
}

#[test]
fn a_pack_without_a_signature_and_one_of_somebody_else_are_refused() {
    let unsigned = Pack::read(small(false)).expect("a pack");
    assert_snapshot!(unsigned.require(&[key(1).public()]).expect_err("unsigned"));
    let signed = Pack::read(small(true)).expect("a pack");
    assert_snapshot!(signed.require(&[key(2).public()]).expect_err("foreign"));
    assert_eq!(signed.require(&[]).expect_err("nobody is trusted").code(), "P016");
}

#[test]
fn a_signature_under_another_pack_is_refused() {
    let signed = small(true);
    // A change, and the header's hash made to fit it: only the signature knows.
    let mut forged = signed.clone();
    let at = forged.len() - 96 - 1;
    forged[at] ^= 1;
    let hash = {
        use sha2::Digest;
        sha2::Sha256::digest([&forged[..32], &forged[64..forged.len() - 96]].concat())
    };
    forged[32..64].copy_from_slice(&hash);
    assert_snapshot!(Pack::read(forged).expect_err("forged"));
}

#[test]
fn a_signature_with_the_key_of_another_is_refused() {
    let mut pack = small(true);
    let at = pack.len() - 96;
    let other = small_signed_by(2);
    pack[at..at + 32].copy_from_slice(&other[at..at + 32]);
    assert!(matches!(Pack::read(pack), Err(PackError::Signature)));
}

fn small_signed_by(number: u8) -> Vec<u8> {
    let pack = Pack::read(small(false)).expect("a pack");
    let mut writer = perilune_pack::Writer::new();
    pack.descriptions().for_each(|(key, text)| writer.describe(key, text).expect("a short text"));
    for file in pack.all() {
        writer.add(file.content(), file.path(), &file.read().expect("it is read")).expect("a right path");
    }
    writer.finish(Some(&key(number))).expect("a pack")
}

#[test]
fn a_weak_key_signs_nothing() {
    // The neutral element, under which simple verifiers accept signatures of anything.
    let weak = format!("ed25519:01{}", "00".repeat(31));
    assert!(weak.parse::<PublicKey>().is_err());
    let mut pack = small(true);
    let at = pack.len() - 96;
    let mut forged = [0; 96];
    forged[0] = 1;
    forged[32] = 1;
    pack[at..].copy_from_slice(&forged);
    assert!(matches!(Pack::read(pack), Err(PackError::Signature)));
}

#[test]
fn keys_are_written_and_read() {
    let made = SigningKey::generate();
    let read = SigningKey::from_pem(&made.to_pem(), "key.pem").expect("a key");
    assert_eq!(read.public(), made.public());
    let text = made.public().to_string();
    assert_eq!(text.parse::<PublicKey>().expect("a key"), made.public());
    assert_eq!(format!(" {text}\n").parse::<PublicKey>().expect("a key"), made.public());
    assert_ne!(SigningKey::generate().public(), made.public());
    assert!(!format!("{made:?}").contains(&format!("{:02x}{:02x}", 0xaa, 0xaa)), "no secret is shown");
}

/// Written by `openssl genpkey -algorithm ed25519`, with and without the public half.
const OPENSSL: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n-----END PRIVATE KEY-----\n";

#[test]
fn a_key_of_openssl_is_read() {
    assert_eq!(SigningKey::from_pem(OPENSSL, "key.pem").expect("a key").public(), key(1).public());
}

#[test]
fn what_is_no_key_is_refused_without_showing_it() {
    let pem = |label: &str| format!("-----BEGIN {label}-----\nMC4CAQ==\n-----END {label}-----\n");
    let wrong = [
        String::new(),
        "secret".to_owned(),
        pem("PRIVATE KEY"),
        pem("PUBLIC KEY"),
        pem("ENCRYPTED PRIVATE KEY"),
    ];
    let told = wrong.map(|text| SigningKey::from_pem(&text, "`key.pem`").expect_err("no key").to_string());
    assert_snapshot!(told.join("\n"));
    let digits = |count: usize| format!("ed25519:{}", "0".repeat(count));
    let wrong = [
        String::new(),
        "key".to_owned(),
        digits(63),
        digits(65),
        digits(64),
        format!("ed25519:{}", "g".repeat(64)),
    ];
    let told = wrong.map(|text| text.parse::<PublicKey>().expect_err("no key").to_string());
    assert_snapshot!(told.join("\n"));
}
