//! JSON text: the rules of `json.encode` and `json.decode`.

mod common;

use perilune_value::{Failure, Kind, Value, json};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(value in json_value()) {
        let text = json::encode(&value).unwrap();
        // Objects come back in key order, which is the order that the strategy made them in.
        prop_assert_eq!(json::decode(text.as_bytes()).unwrap(), value);
    }

    #[test]
    fn any_value_encodes_to_json_or_fails_with_kind_internal(value in common::value()) {
        match json::encode(&value) {
            Ok(text) => prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text),
            Err(failure) => prop_assert_eq!(failure.kind, Kind::Internal),
        }
    }

    #[test]
    fn any_bytes_encode_or_fail(bytes in any::<Vec<u8>>()) {
        let _ = json::encode_from_msgpack(&bytes);
    }

    #[test]
    fn any_text_decodes_or_fails(text in any::<Vec<u8>>()) {
        let _ = json::decode(&text);
    }

    #[test]
    fn decoding_agrees_with_serde_json(text in json_text()) {
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        let ours = Value::from_msgpack(&json::decode_to_msgpack(text.as_bytes()).unwrap()).unwrap();
        prop_assert_eq!(serde_json::to_value(ours).unwrap(), expected);
    }

    #[test]
    fn floats_read_back_bit_for_bit(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
        let text = json::encode(&Value::from(number)).unwrap();
        prop_assert!(!text.contains(['e', 'E']), "{}", text);
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
    }
}

/// Any value that has a JSON form which reads back as the same value.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Integral floats read back as integers.
        any::<f64>().prop_filter("fractional", |n| n.is_finite() && n.fract() != 0.0).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

/// JSON with null and every kind of number.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        any::<String>().prop_map(|text| quoted(&text)),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let field = (any::<String>(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|items| format!(" [{}]\n", items.join(" ,"))),
            prop::collection::vec(field, 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{}: {v}", quoted(k))).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn map<K: Into<Value>, V: Into<Value>, const N: usize>(fields: [(K, V); N]) -> Value {
    Value::from_iter(fields)
}

fn list<T: Into<Value>, const N: usize>(items: [T; N]) -> Value {
    Value::Array(items.into_iter().map(Into::into).collect())
}

#[test]
fn each_kind_of_value_has_its_text() {
    let cases = [
        (Value::Nil, "null"),
        (true.into(), "true"),
        (i64::MIN.into(), "-9223372036854775808"),
        (1.0.into(), "1"),
        (1e21.into(), "1000000000000000000000"),
        (1e-7.into(), "0.0000001"),
        (0.1.into(), "0.1"),
        (f64::NAN.into(), "null"),
        (f64::NEG_INFINITY.into(), "null"),
        ("a\"\\\n\u{1}".into(), r#""a\"\\\n\u0001""#),
        ("</script>&\u{2028}\u{2029}é".into(), r#""\u003c/script\u003e\u0026\u2028\u2029é""#),
        (Value::String(b"a\xff\0".to_vec()), "\"a\u{fffd}\\u0000\""),
        (Value::Array(vec![]), "[]"),
        (Value::Map(vec![]), "{}"),
        (list([1, 2]), "[1,2]"),
        (Value::Array(vec![1.into(), Value::Nil, 3.into()]), "[1,null,3]"),
        (map([("b", 1), ("a", 2), ("c", 3)]), r#"{"a":2,"b":1,"c":3}"#),
        (map([("<", 1)]), r#"{"\u003c":1}"#),
        (map([(2, "b"), (1, "a")]), r#"["a","b"]"#),
        (Value::Map(vec![(true.into(), 1.into()), (1.5.into(), 2.into())]), r#"{"1.5":2,"true":1}"#),
        (Failure::not_found("gone").with_detail("id", 7).into(), r#""gone""#),
    ];
    for (value, text) in cases {
        assert_eq!(json::encode(&value).as_deref(), Ok(text), "{value:?}");
    }
}

#[test]
fn what_has_no_json_form_is_refused_with_its_path() {
    let mixed = Value::Map(vec![(1.into(), 1.into()), ("a".into(), 2.into())]);
    let nested = map([("items", list([Value::Nil, map([("name", mixed.clone())])]))]);
    let cases = [
        (
            mixed,
            "cannot encode the value as JSON: mixed key types: a table must have either the keys 1..n or string keys",
        ),
        (
            nested,
            "cannot encode `items[2].name` as JSON: mixed key types: a table must have either the keys 1..n or string keys",
        ),
        (
            list([map([(1, 1), (3, 3)])]),
            "cannot encode `[1]` as JSON: sparse array: 2 integer keys, but not exactly 1..2",
        ),
        (
            map([(0, 1)]),
            "cannot encode the value as JSON: sparse array: 1 integer keys, but not exactly 1..1",
        ),
        (map([(list([1]), 1)]), "cannot encode the value as JSON: a table cannot be a key"),
    ];
    for (value, message) in cases {
        assert_eq!(json::encode(&value), Err(Failure::internal(message)), "{value:?}");
    }
}

#[test]
fn a_path_is_shown_in_bounded_length() {
    let mut value = map([(0, 1)]);
    for _ in 0..100 {
        value = map([("k".repeat(1_000), value)]);
    }
    let message = json::encode(&value).unwrap_err().message;
    assert!(message.len() < 1_000, "{message}");
}

#[test]
fn each_text_has_its_value() {
    let cases = [
        ("null", Value::Nil),
        (" 1 ", 1.into()),
        ("1.0", 1.0.into()),
        ("1e2", 100.0.into()),
        ("9223372036854775807", i64::MAX.into()),
        ("9223372036854775808", 9_223_372_036_854_775_808.0.into()),
        ("-9223372036854775809", (-9_223_372_036_854_775_808.0).into()),
        ("123456789012345678901234567890", 1.234_567_890_123_456_8e29.into()),
        (r#""\ud83d\ude00""#, "😀".into()),
        ("[]", Value::Array(vec![])),
        ("{}", Value::Map(vec![])),
        ("[1,null,3]", Value::Array(vec![1.into(), Value::Nil, 3.into()])),
        (r#"{"a":null,"b":1}"#, map([("b", 1)])),
        (r#"{"a":1,"a":2}"#, map([("a", 2)])),
        (r#"{"a":1,"a":null}"#, Value::Map(vec![])),
        (r#"{"1":1}"#, map([("1", 1)])),
    ];
    for (text, value) in cases {
        assert_eq!(json::decode(text.as_bytes()), Ok(value), "{text}");
    }
}

#[test]
fn malformed_text_is_refused_with_line_and_column() {
    let cases = [
        ("", "cannot decode JSON: the text is empty"),
        (" ", "cannot decode JSON: EOF while parsing a value at line 1 column 1"),
        ("1 2", "cannot decode JSON: trailing characters at line 1 column 3"),
        ("{\n \"a\": x}", "cannot decode JSON: expected value at line 2 column 7"),
        ("[1,]", "cannot decode JSON: trailing comma at line 1 column 4"),
        ("1e999", "cannot decode JSON: number out of range at line 1 column 5"),
        ("NaN", "cannot decode JSON: expected value at line 1 column 1"),
    ];
    for (text, message) in cases {
        let failure = json::decode(text.as_bytes()).unwrap_err();
        let kind = if text.is_empty() { Kind::Invalid } else { Kind::Internal };
        assert_eq!((failure.message.as_str(), failure.kind), (message, kind), "{text}");
    }
    assert_eq!(json::decode(b"\"\xff\"").unwrap_err().kind, Kind::Internal);
}

#[test]
fn nesting_ends_at_128_levels_both_ways() {
    let text = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let value = json::decode(text(128).as_bytes()).unwrap();
    assert_eq!(json::encode(&value).unwrap(), text(128));
    assert!(json::decode(text(129).as_bytes()).unwrap_err().message.contains("nesting over 128 levels"));
    assert_eq!(json::decode("[".repeat(1 << 20).as_bytes()).unwrap_err().kind, Kind::Internal);
    assert!(json::encode(&Value::Array(vec![value])).unwrap_err().message.contains("deeper than 128 levels"));
}

#[test]
fn a_large_object_keeps_order_and_the_last_of_equal_keys() {
    let fields: Vec<String> = (0..20_000).map(|n| format!("\"k{}\":{n}", n % 10_000)).collect();
    let value = json::decode(format!("{{{}}}", fields.join(",")).as_bytes()).unwrap();
    let Value::Map(fields) = &value else { panic!("no map") };
    assert_eq!(fields.len(), 10_000);
    assert_eq!(value.get("k7"), Some(&10_007.into()));
}
