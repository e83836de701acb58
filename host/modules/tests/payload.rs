//! Formats of payloads.

use perilune_modules::payload::{decode, encode};
use perilune_value::{Failure, Kind, Value};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_format_and_bytes_decode_or_fail(format in format(), data in any::<Vec<u8>>()) {
        if let Ok(value) = decode(format, data) {
            prop_assert!(Value::from_msgpack(&value).is_ok());
        }
    }

    #[test]
    fn text_is_binary_safe(data in any::<Vec<u8>>()) {
        let value = Value::String(data.clone()).to_msgpack();
        prop_assert_eq!(encode("application/octet-stream", value.clone()), Ok(data.clone()));
        prop_assert_eq!(decode("application/octet-stream", data), Ok(value));
    }
}

fn format() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "json/plain",
        "yaml/plain",
        "application/msgpack",
        "text/plain",
        "lua/any",
        "golang/error",
    ])
}

#[test]
fn each_format_writes_values() {
    let table = || Value::from_iter([("a", Value::Array(vec![1.into(), 2.5.into()]))]);
    let cases: [(&str, Value, &[u8]); 11] = [
        ("json/plain", table(), br#"{"a":[1,2.5]}"#),
        ("yaml/plain", table(), b"a:\n  - 1\n  - 2.5\n"),
        ("application/msgpack", 7.into(), b"\x07"),
        ("golang/any", "é".into(), b"\xa2\xc3\xa9"),
        ("text/plain", Value::Nil, b""),
        ("text/plain", true.into(), b"true"),
        ("text/plain", (-7).into(), b"-7"),
        ("text/plain", 0.5.into(), b"0.5"),
        ("text/plain", table(), br#"{"a":[1,2.5]}"#),
        ("text/plain", Failure::invalid("bad").into(), b"bad"),
        ("golang/error", Failure::invalid("bad").into(), b"bad"),
    ];
    for (format, value, data) in cases {
        assert_eq!(encode(format, value.to_msgpack()).as_deref(), Ok(data), "{format} {value:?}");
    }
}

#[test]
fn each_format_reads_what_it_wrote() {
    let value = Value::from_iter([("list", Value::Array(vec![1.into(), "x".into()]))]);
    for format in ["json/plain", "yaml/plain", "application/msgpack", "lua/any", "golang/any"] {
        let data = encode(format, value.to_msgpack()).unwrap();
        assert_eq!(Value::from_msgpack(&decode(format, data).unwrap()).as_ref(), Ok(&value), "{format}");
    }
}

#[test]
fn an_unknown_format_is_named() {
    for format in ["yaml/fancy", ""] {
        let failure = encode(format, vec![0xc0]).unwrap_err();
        assert_eq!(failure.kind, Kind::Internal);
        assert!(failure.message.contains(&format!("{format:?}")), "{}", failure.message);
    }
    assert!(decode(&"x".repeat(1 << 20), vec![]).unwrap_err().message.len() < 500);
}
