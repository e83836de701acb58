//! Module `logger`: records are bounded and stay on their line.

use perilune_modules::logger::{fields, message};
use perilune_value::Value;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_text_stays_on_one_line(text in any::<Vec<u8>>()) {
        prop_assert!(!message(&text).contains(|c: char| c.is_control() && c != '\t'));
        prop_assert!(!fields(&text).contains(|c: char| c.is_control() && c != '\t'));
    }
}

#[test]
fn fields_are_shown_by_name_with_json_values() {
    let record = Value::from_iter([
        ("user", Value::from("ann")),
        ("took", 1.5.into()),
        ("tags", Value::Array(vec!["a".into(), "b".into()])),
    ]);
    assert_eq!(fields(&record.to_msgpack()), r#"tags=["a","b"] took=1.5 user="ann""#);
}

#[test]
fn a_field_without_a_json_form_says_why() {
    let record = Value::from_iter([("odd", Value::from_iter([(5, 5)]))]);
    assert_eq!(
        fields(&record.to_msgpack()),
        "odd=cannot encode the value as JSON: sparse array: 1 integer keys, but not exactly 1..1"
    );
}

#[test]
fn control_characters_are_escaped() {
    assert_eq!(message(b"a\nb\x1b[2J\0\xff"), "a\\nb\\u{1b}[2J\\u{0}\u{fffd}");
}

#[test]
fn a_record_is_bounded() {
    let huge = "x".repeat(1 << 20);
    assert!(message(huge.as_bytes()).len() < 10_000);
    assert_eq!(
        fields(&Value::from_iter([("x", huge.as_str())]).to_msgpack()),
        "(fields of 1048584 bytes left out)"
    );
    let many = Value::from_iter((0..1_000).map(|n| (format!("{n}{}", &huge[..100]), 1)));
    let shown = fields(&many.to_msgpack());
    assert!(shown.len() < 4_000 && shown.ends_with("(968 more fields)"), "{shown}");
    let long = Value::from_iter([("x", &huge[..100_000])]);
    assert!(fields(&long.to_msgpack()).len() < 2_000);
}
