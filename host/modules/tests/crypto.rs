//! Module `crypto`, against the vectors of its standards.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use perilune_modules::crypto::cipher::{Cipher, decrypt, encrypt, encrypt_with};
use perilune_modules::crypto::{Digest, jwt, keyed_digest, pbkdf2, random};
use perilune_value::{Failure, Kind, Value};
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("two digits"))
        .collect()
}

proptest! {
    #[test]
    fn what_was_encrypted_comes_back(
        data in any::<Vec<u8>>(), aad in any::<Vec<u8>>(), key in any::<[u8; 32]>(), size in prop::sample::select(vec![16, 24, 32])
    ) {
        for (cipher, key) in [(Cipher::Aes, &key[..size]), (Cipher::Chacha20, &key[..])] {
            let sealed = encrypt(&mut rand::rng(), cipher, &data, key, &aad).unwrap();
            prop_assert_eq!(sealed.len(), 12 + data.len() + 16);
            prop_assert_eq!(decrypt(cipher, &sealed, key, &aad), Ok(data.clone()));
        }
    }

    #[test]
    fn any_change_is_noticed(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        for cipher in [Cipher::Aes, Cipher::Chacha20] {
            let mut sealed = encrypt(&mut rand::rng(), cipher, b"data", &[7; 32], b"").unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert_eq!(decrypt(cipher, &sealed, &[7; 32], b"").unwrap_err().kind, Kind::Internal);
        }
    }

    #[test]
    fn any_token_is_valid_or_refused(token in any::<Vec<u8>>(), dots in "[a-zA-Z0-9_-]{0,40}\\.[a-zA-Z0-9_-]{0,40}\\.[a-zA-Z0-9_-]{0,40}") {
        for token in [token.as_slice(), dots.as_bytes()] {
            prop_assert_eq!(jwt::verify(token, b"key", b"HS256", false, 0).unwrap_err().kind, Kind::Internal);
        }
    }
}

/// Test cases 4, 10 and 16 of the submission of GCM to NIST.
#[test]
fn aes_gcm_matches_the_vectors_of_its_authors() {
    let plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    let key = "feffe9928665731c6d6a8f9467308308";
    let cases = [
        (
            16,
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
            "5bc94fbc3221a5db94fae95ae7121a47",
        ),
        (
            24,
            "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
            "2519498e80f1478f37ba55bd6d27618c",
        ),
        (
            32,
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853bb2d551b",
        ),
    ];
    let nonce = "cafebabefacedbaddecaf888";
    let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    for (size, encrypted, tag) in cases {
        let key = &bytes(&key.repeat(2))[..size];
        let nonce_bytes = bytes(nonce).try_into().unwrap();
        let sealed = encrypt_with(Cipher::Aes, nonce_bytes, &bytes(plain), key, &aad).unwrap();
        assert_eq!(sealed, bytes(&format!("{nonce}{encrypted}{tag}")), "{size}");
        assert_eq!(decrypt(Cipher::Aes, &sealed, key, &aad), Ok(bytes(plain)));
    }
}

/// RFC 8439, section 2.8.2.
#[test]
fn chacha20_poly1305_matches_the_vector_of_its_rfc() {
    let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    let key: Vec<u8> = (0x80..0xa0).collect();
    let (nonce, aad) = ("070000004041424344454647", bytes("50515253c0c1c2c3c4c5c6c7"));
    let encrypted = "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b\
        1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc\
        3ff4def08e4b7a9de576d26586cec64b6116";
    let sealed = encrypt_with(Cipher::Chacha20, bytes(nonce).try_into().unwrap(), plain, &key, &aad).unwrap();
    assert_eq!(sealed, bytes(&format!("{nonce}{encrypted}1ae10b594f09e26a7e902ecbd0600691")));
}

#[test]
fn keys_and_data_of_the_wrong_length_are_invalid() {
    for (cipher, size) in [(Cipher::Aes, 15), (Cipher::Aes, 0), (Cipher::Aes, 33), (Cipher::Chacha20, 16)] {
        let failure = encrypt(&mut rand::rng(), cipher, b"data", &vec![0; size], b"").unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.message.contains(&format!("not {size}")), "{}", failure.message);
    }
    assert_eq!(decrypt(Cipher::Aes, &[0; 27], &[0; 16], b"").unwrap_err().kind, Kind::Invalid);
}

#[test]
fn a_nonce_is_never_used_twice() {
    let seal = || encrypt(&mut rand::rng(), Cipher::Aes, b"data", &[0; 16], b"").unwrap();
    assert_ne!(seal()[..12], seal()[..12]);
}

/// RFC 4231, test case 2.
#[test]
fn keyed_digests_take_the_key_first() {
    let digest = keyed_digest(Digest::Sha256, b"Jefe", b"what do ya want for nothing?").unwrap();
    assert_eq!(digest, b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_eq!(keyed_digest(Digest::Sha512, b"Jefe", b"").unwrap().len(), 128);
    assert_eq!(keyed_digest(Digest::Sha256, b"", b"data").unwrap_err().kind, Kind::Invalid);
}

/// RFC 7914, section 11, and the same passwords with SHA-512.
#[test]
fn pbkdf2_matches_published_vectors() {
    let cases = [
        (
            Digest::Sha256,
            "passwd",
            "salt",
            1,
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
        ),
        (
            Digest::Sha256,
            "Password",
            "NaCl",
            80_000,
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
        ),
        (
            Digest::Sha512,
            "password",
            "salt",
            1,
            "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce",
        ),
        (
            Digest::Sha512,
            "password",
            "salt",
            2,
            "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53cf76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e",
        ),
    ];
    for (digest, password, salt, iterations, key) in cases {
        let derive = |length| {
            pbkdf2::derive(digest, password.as_bytes(), salt.as_bytes(), iterations, length, || Ok(()))
        };
        assert_eq!(derive(64), Ok(bytes(key)), "{digest:?} {password} {iterations}");
        assert_eq!(derive(7), Ok(bytes(key)[..7].to_vec()));
    }
}

#[test]
fn pbkdf2_is_bounded_and_lets_go_half_way() {
    let derive = |iterations, length, wanted: fn() -> Result<(), Failure>| {
        pbkdf2::derive(Digest::Sha256, b"p", b"s", iterations, length, wanted).map_err(|failure| failure.kind)
    };
    for (iterations, length) in [(0, 32), (10_000_001, 32), (1, 0), (1, 1025), (-1, 32), (1, i64::MAX)] {
        assert_eq!(derive(iterations, length, || Ok(())), Err(Kind::Invalid), "{iterations} {length}");
    }
    // Left alone, this would take minutes.
    assert_eq!(derive(10_000_000, 1024, || Err(Failure::new(Kind::Canceled, "enough"))), Err(Kind::Canceled));
}

#[test]
fn random_strings_use_their_characters_and_no_others() {
    let chosen = random::string(&mut rand::rng(), 1000, Some("aé".as_bytes())).unwrap();
    let chosen = String::from_utf8(chosen).unwrap();
    assert_eq!(chosen.chars().count(), 1000);
    assert!(chosen.chars().all(|c| c == 'a' || c == 'é') && chosen.contains('a') && chosen.contains('é'));
    assert!(random::string(&mut rand::rng(), 500, None).unwrap().iter().all(u8::is_ascii_alphanumeric));
    assert_eq!(random::string(&mut rand::rng(), 3, Some(b"\xff")), Ok(vec![0xff; 3]));
}

#[test]
fn random_lengths_are_bounded() {
    for count in [i64::MIN, -1, 0, (1 << 20) + 1, i64::MAX] {
        assert_eq!(random::bytes(&mut rand::rng(), count).unwrap_err().kind, Kind::Invalid, "{count}");
        assert_eq!(random::string(&mut rand::rng(), count, None).unwrap_err().kind, Kind::Invalid, "{count}");
    }
    assert_eq!(random::bytes(&mut rand::rng(), 1 << 20).unwrap().len(), 1 << 20);
    assert_eq!(random::string(&mut rand::rng(), 1, Some(b"")).unwrap_err().kind, Kind::Invalid);
}

const PRIVATE: &[u8] = include_bytes!("keys/private.pem");
const PUBLIC: &[u8] = include_bytes!("keys/public.pem");
const SHORT: &[u8] = include_bytes!("keys/short.pem");

fn claims(fields: &[(&str, Value)]) -> Vec<u8> {
    fields.iter().cloned().collect::<Value>().to_msgpack()
}

fn verified(
    token: &[u8],
    key: &[u8],
    algorithm: &str,
    require_exp: bool,
    now: i64,
) -> Result<Value, Failure> {
    jwt::verify(token, key, algorithm.as_bytes(), require_exp, now)
        .map(|claims| Value::from_msgpack(&claims).expect("a value"))
}

/// RFC 7515, appendix A.1.
#[test]
fn a_token_of_the_rfc_is_verified() {
    let key = URL_SAFE_NO_PAD
        .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
        .unwrap();
    let token = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let claims = verified(token, &key, "HS256", true, 1_300_819_379).unwrap();
    assert_eq!(claims.get("iss"), Some(&"joe".into()));
    assert_eq!(claims.get("http://example.com/is_root"), Some(&true.into()));
    assert!(verified(token, &key, "HS256", true, 1_300_819_380).unwrap_err().message.contains("expired"));
}

#[test]
fn every_algorithm_verifies_what_it_signed_and_nothing_else() {
    let cases = [
        ("HS256", &b"key"[..], &b"key"[..]),
        ("HS384", b"key", b"key"),
        ("HS512", b"key", b"key"),
        ("RS256", PRIVATE, PUBLIC),
    ];
    for (algorithm, private, public) in cases {
        let token = jwt::encode(&claims(&[("sub", "ann".into())]), private, algorithm.as_bytes()).unwrap();
        assert_eq!(
            verified(&token, public, algorithm, false, 0).unwrap().get("sub"),
            Some(&"ann".into()),
            "{algorithm}"
        );
        for (other, _, key) in cases.iter().filter(|(other, ..)| *other != algorithm) {
            assert_eq!(
                verified(&token, key, other, false, 0).unwrap_err().kind,
                Kind::Internal,
                "{algorithm} as {other}"
            );
        }
        let mut changed = token.clone();
        changed[token.len() / 2] ^= 1;
        assert_eq!(verified(&changed, public, algorithm, false, 0).unwrap_err().kind, Kind::Internal);
    }
}

/// Else whoever knows a public key could sign with it.
#[test]
fn a_public_key_is_no_secret_of_another_algorithm() {
    let token = jwt::encode(&claims(&[("sub", "mallory".into())]), PUBLIC, b"HS256").unwrap();
    assert_eq!(verified(&token, PUBLIC, "RS256", false, 0).unwrap_err().kind, Kind::Internal);
}

#[test]
fn unknown_algorithms_and_unusable_keys_are_invalid() {
    for algorithm in ["none", "HS1", "ES256", "hs256", ""] {
        assert_eq!(jwt::encode(&claims(&[]), b"key", algorithm.as_bytes()).unwrap_err().kind, Kind::Invalid);
        assert_eq!(verified(b"a.b.c", b"key", algorithm, false, 0).unwrap_err().kind, Kind::Invalid);
    }
    let nested = [
        b"-----BEGIN RSA PRIVATE KEY-----\n".to_vec(),
        b"MIAw".repeat(2000),
        b"\n-----END RSA PRIVATE KEY-----\n".to_vec(),
    ]
    .concat();
    for key in [&b""[..], b"no pem", PUBLIC, SHORT, &nested, &[b'x'; 20_000]] {
        let failure = jwt::encode(&claims(&[]), key, b"RS256").unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid, "{}", failure.message);
    }
}

#[test]
fn fields_of_the_header_come_from_the_claim_that_holds_them() {
    let header = Value::from_iter([("kid", Value::from("7")), ("alg", "none".into())]);
    let token =
        jwt::encode(&claims(&[("sub", "ann".into()), ("_header", header)]), b"key", b"HS256").unwrap();
    let part = token.split(|byte| *byte == b'.').next().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(part).unwrap(), br#"{"alg":"HS256","kid":"7","typ":"JWT"}"#);
    let claims = verified(&token, b"key", "HS256", false, 0).unwrap();
    assert_eq!(claims, Value::from_iter([("sub", "ann")]));
}

#[test]
fn times_of_a_token_are_checked_against_the_cells_time() {
    let token = |fields: &[(&str, Value)]| jwt::encode(&claims(fields), b"key", b"HS256").unwrap();
    type Fields<'a> = &'a [(&'a str, Value)];
    let cases: [(Fields<'_>, bool, i64, Result<(), &str>); 8] = [
        (&[("exp", 100.into())], true, 99, Ok(())),
        (&[("exp", 100.5.into())], true, 100, Ok(())),
        (&[("exp", 100.into())], false, 100, Err("expired")),
        (&[("exp", "100".into())], false, 0, Err("no time")),
        (&[], false, 0, Ok(())),
        (&[], true, 0, Err("no `exp`")),
        (&[("nbf", 50.into())], false, 49, Err("not valid yet")),
        (&[("nbf", 50.into())], false, 50, Ok(())),
    ];
    for (fields, require_exp, now, expected) in cases {
        match (verified(&token(fields), b"key", "HS256", require_exp, now), expected) {
            (Ok(_), Ok(())) => {}
            (Err(failure), Err(text)) => assert!(failure.message.contains(text), "{}", failure.message),
            (other, expected) => panic!("{fields:?} at {now}: {other:?}, not {expected:?}"),
        }
    }
}

#[test]
fn a_header_that_asks_for_more_is_refused() {
    let header = Value::from_iter([("crit", Value::Array(vec!["exp".into()]))]);
    let token = jwt::encode(&claims(&[("_header", header)]), b"key", b"HS256").unwrap();
    assert!(verified(&token, b"key", "HS256", false, 0).unwrap_err().message.contains("not supported"));
}
