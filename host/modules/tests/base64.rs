//! Module `base64`.

use perilune_modules::base64::{decode, encode};
use perilune_value::Kind;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_round_trip(data in any::<Vec<u8>>()) {
        prop_assert_eq!(decode(encode(&data).into_bytes()), Ok(data));
    }

    #[test]
    fn any_text_decodes_or_is_invalid(text in any::<Vec<u8>>()) {
        if let Err(failure) = decode(text) {
            prop_assert_eq!(failure.kind, Kind::Invalid);
        }
    }
}

#[test]
fn texts_decode_as_rfc_4648_says() {
    let cases: [(&str, &[u8]); 5] =
        [("", b""), ("Zg==", b"f"), ("Zm8=", b"fo"), ("Zm9v", b"foo"), ("Zm9v\r\nYmFy\n", b"foobar")];
    for (text, data) in cases {
        assert_eq!(decode(text.into()).as_deref(), Ok(data), "{text:?}");
    }
}

#[test]
fn unused_bits_of_the_last_character_do_not_matter() {
    assert_eq!(decode(b"Zh==".to_vec()).as_deref(), Ok(&b"f"[..]));
}

#[test]
fn corrupt_text_is_invalid() {
    for text in ["Zg", "Zg=", "Z g==", "Zg==Zg==", "Z-_=", "=", "\0"] {
        let failure = decode(text.into()).unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid, "{text:?}");
        assert!(failure.message.starts_with("cannot decode base64: "), "{}", failure.message);
    }
}
