//! Module `uuid`.

use perilune_modules::uuid::{Parsed, format, parse, read, v1, v3, v4, v5, v7};
use perilune_value::Kind;
use proptest::prelude::*;

const DNS: &[u8] = b"6ba7b810-9dad-11d1-80b4-00c04fd430c8";

proptest! {
    #[test]
    fn any_text_is_a_uuid_or_invalid(text in any::<Vec<u8>>()) {
        if let Err(failure) = parse(&text) {
            prop_assert_eq!(failure.kind, Kind::Invalid);
        }
    }

    #[test]
    fn any_128_bits_can_be_parsed(bits in any::<[u8; 16]>()) {
        let text = bits.map(|byte| format!("{byte:02x}")).concat();
        prop_assert_eq!(format(text.as_bytes(), b"simple"), Ok(text.clone()));
        prop_assert!(parse(text.as_bytes()).is_ok());
    }
}

#[test]
fn names_in_a_namespace_match_the_vectors_of_rfc_9562() {
    assert_eq!(v3(DNS, b"www.example.com").unwrap().to_string(), "5df41881-3aed-3515-88a7-2f4a814cf09e");
    assert_eq!(v5(DNS, b"www.example.com").unwrap().to_string(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    assert_eq!(v5(b"no", b"name").unwrap_err().kind, Kind::Invalid);
}

#[test]
fn generated_uuids_say_what_they_are() {
    let about = |uuid: uuid::Uuid| parse(uuid.to_string().as_bytes()).unwrap();
    let parsed = |version, timestamp, node| Parsed { version, variant: "RFC4122", timestamp, node };
    assert_eq!(about(v1(1_700_000_000, 5, [2; 8])), parsed(1, Some(1_700_000_000), Some([3, 2, 2, 2, 2, 2])));
    assert_eq!(about(v4([0xff; 16])), parsed(4, None, None));
    assert_eq!(about(v7(1_700_000_000_999, [1; 10])), parsed(7, Some(1_700_000_000), None));
    assert_eq!(about(v3(DNS, b"x").unwrap()).version, 3);
}

#[test]
fn version_7_sorts_by_time() {
    assert!(v7(1, [0xff; 10]) < v7(2, [0; 10]));
}

#[test]
fn every_usual_form_is_read() {
    let uuid = read(DNS).unwrap();
    for text in [
        "6ba7b8109dad11d180b400c04fd430c8",
        "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
        "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
    ] {
        assert_eq!(read(text.as_bytes()), Ok(uuid), "{text}");
    }
    for text in ["", "6ba7b810", "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "\u{fffd}"] {
        assert_eq!(read(text.as_bytes()).unwrap_err().kind, Kind::Invalid, "{text}");
    }
}

#[test]
fn each_style_is_written() {
    let cases = [
        ("standard", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("simple", "6ba7b8109dad11d180b400c04fd430c8"),
        ("urn", "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ];
    for (style, text) in cases {
        assert_eq!(format(DNS, style.as_bytes()).as_deref(), Ok(text));
    }
    assert_eq!(format(DNS, b"loud").unwrap_err().kind, Kind::Invalid);
}
