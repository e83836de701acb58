//! Module `yaml`.

use perilune_modules::yaml::{decode, encode};
use perilune_value::{Failure, Kind, Value};
use proptest::prelude::*;

fn read(text: &str) -> Value {
    decode(text.as_bytes()).unwrap_or_else(|failure| panic!("{text:?}: {}", failure.message))
}

fn refused(text: &str) -> Failure {
    match decode(text.as_bytes()) {
        Ok(value) => panic!("{text:?} is refused, not {value:?}"),
        Err(failure) => failure,
    }
}

fn written(value: &Value) -> String {
    encode(value, &[]).expect("the value can be written")
}

fn map(fields: &[(&str, Value)]) -> Value {
    fields.iter().cloned().collect()
}

/// Strings near everything that YAML gives a meaning to.
fn strings() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[-+0-9.eExobTZ:_ ]{0,12}",
        "[ \\n\\t\\r:#,\\[\\]{}&*!|>'\"%@`~?a-c-]{0,16}",
        any::<String>(),
        "[a-z]{1,3}( {0,2}\\n{0,3}[a-z#:-]{0,3}){0,5}",
        prop::sample::select(vec![
            "",
            "~",
            "null",
            "true",
            "No",
            "yes",
            "y",
            "<<",
            "---",
            "...",
            "0x1F",
            "0o17",
            "1e3",
            ".inf",
            "-.5",
            "2024-01-31",
            "12:30:45",
            "1_000",
            "0777",
            "a: b",
            "a #b",
            "- a",
            "? a",
            "@a",
            "%a",
            "=",
            "\u{85}",
            "\u{feff}",
            "\u{2028}a\n",
            "a\n\n",
            "\n",
            " a\nb",
            "a\n b\n",
            "a\n\tb",
            "a\n  \nb",
            "#a",
            "é",
            "!!str a",
            "&a",
            "*a",
            "'",
            "\"",
            "\\",
            "[]",
            "{}",
            "a:",
            "https://example.com/?a=b#c",
        ])
        .prop_map(str::to_owned),
    ]
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![strings(), "[a-z]{990,1010}"]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>()
            .prop_filter("NaN is not equal to itself", |float| !float.is_nan())
            .prop_map(Value::Float),
        strings().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(keys(), inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Map(mut fields) => {
            fields.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
            Value::Map(fields.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        scalar => scalar,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_is_written_reads_back(value in values()) {
        let text = written(&Value::Array(vec![value.clone()]));
        match decode(text.as_bytes()) {
            Ok(read) => prop_assert_eq!(sorted(read), Value::Array(vec![sorted(value)]), "{}", text),
            Err(failure) => prop_assert!(false, "{}\n{}", failure.message, text),
        }
    }

    #[test]
    fn any_text_is_a_value_or_refused_with_its_place(text in "[-a-c0-1 \\n:?&*!#{}\\[\\],<|>'\"]{0,60}") {
        if let Err(failure) = decode(text.as_bytes()) {
            prop_assert!(failure.kind == Kind::Internal || text.is_empty());
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_refused(bytes in any::<Vec<u8>>()) {
        let _ = decode(&bytes);
    }
}

#[test]
fn scalars_mean_what_the_core_schema_says() {
    let cases: [(&str, Value); 30] = [
        ("~", Value::Nil),
        ("Null", Value::Nil),
        ("# nothing", Value::Nil),
        ("true", true.into()),
        ("FALSE", false.into()),
        ("yes", "yes".into()),
        ("7", 7.into()),
        ("-7", (-7).into()),
        ("+7", 7.into()),
        ("0x1F", 31.into()),
        ("0o17", 15.into()),
        ("9223372036854775807", i64::MAX.into()),
        ("9223372036854775808", 9_223_372_036_854_775_808.0.into()),
        ("0xFFFFFFFFFFFFFFFF", 18_446_744_073_709_551_615.0.into()),
        ("1.0", 1.0.into()),
        ("1e3", 1000.0.into()),
        (".5", 0.5.into()),
        ("-.inf", f64::NEG_INFINITY.into()),
        ("inf", "inf".into()),
        ("nan", "nan".into()),
        ("'7'", "7".into()),
        ("\"7\"", "7".into()),
        ("!!str 7", "7".into()),
        ("!!float 7", 7.0.into()),
        ("!!int 7", 7.into()),
        ("!other 7", "7".into()),
        ("!!binary AP8=", Value::String(vec![0, 0xff])),
        ("2001-12-14T21:59:43.10-05:00", 1_008_385_183.into()),
        ("2024-01-31", 1_706_659_200.into()),
        ("2024-13-31", "2024-13-31".into()),
    ];
    for (text, value) in cases {
        assert_eq!(read(text), value, "{text}");
    }
    assert!(matches!(read(".nan"), Value::Float(float) if float.is_nan()));
}

#[test]
fn keys_become_strings() {
    let value = read("1: a\ntrue: b\n1.5: c\n~: d\n2024-01-31: e\n'x': f");
    for (key, expected) in
        [("1", "a"), ("true", "b"), ("1.5", "c"), ("null", "d"), ("2024-01-31", "e"), ("x", "f")]
    {
        assert_eq!(value.get(key), Some(&expected.into()), "{key}");
    }
}

#[test]
fn anchors_and_merges_stand_for_what_they_name() {
    let value = read(
        "base: &base {a: 1, b: 2}\nuse: {<<: *base, b: 3}\nmany: {<<: [*base, {a: 9, c: 4}]}\nagain: *base\n",
    );
    assert_eq!(value.get("use"), Some(&map(&[("b", 3.into()), ("a", 1.into())])));
    assert_eq!(value.get("many"), Some(&map(&[("a", 1.into()), ("b", 2.into()), ("c", 4.into())])));
    assert_eq!(value.get("again"), value.get("base"));
    assert_eq!(read("'<<': 1").get("<<"), Some(&1.into()));
}

#[test]
fn only_the_first_document_is_read() {
    assert_eq!(read("a\n---\nb: [\n"), "a".into());
    assert_eq!(read("---\na\n...\n"), "a".into());
}

#[test]
fn nil_fields_are_no_fields_and_nil_items_stay() {
    assert_eq!(read("a: ~\nb: 1"), map(&[("b", 1.into())]));
    assert_eq!(read("- ~\n- 1"), Value::Array(vec![Value::Nil, 1.into()]));
}

#[test]
fn what_is_malformed_is_internal_with_line_and_column() {
    let cases = [
        ("a: [1\n", 2),
        ("a: b: c", 1),
        ("a: 1\nb: 2\na: 3", 3),
        ("a: 1\n'a': 2", 2),
        ("x: &x [*x]", 1),
        ("a: *nobody", 1),
        ("<<: 1", 1),
        ("? [a]\n: b", 1),
        ("a: !!int b", 1),
        ("\"\\z\"", 1),
        ("a:\n\t- b", 2),
    ];
    for (text, line) in cases {
        let failure = refused(text);
        assert_eq!(failure.kind, Kind::Internal, "{text}: {}", failure.message);
        let details = failure.details.unwrap_or_default();
        assert_eq!(details.get("line"), Some(&line.into()), "{text}: {}", failure.message);
        assert!(details.get("column").is_some());
    }
    assert_eq!(refused("").kind, Kind::Invalid);
    assert!(decode(b"a: \xff").unwrap_err().message.contains("byte 4"));
}

#[test]
fn nesting_is_bounded_in_both_styles() {
    let flow = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let block = |depth: usize| "- ".repeat(depth) + "x";
    for text in [flow(128), block(128)] {
        read(&text);
    }
    for text in
        [flow(129), block(129), flow(10_000), block(10_000), "[".repeat(1 << 20), "{a: ".repeat(10_000)]
    {
        assert!(refused(&text).message.contains("nesting over 128"), "{}", refused(&text).message);
    }
}

#[test]
fn aliases_cannot_nest_deeper_than_text() {
    let mut text = format!("a0: &a0 {}{}\n", "[".repeat(120), "]".repeat(120));
    text += "a1: [[[[[[[[[*a0]]]]]]]]]\n";
    assert!(refused(&text).message.contains("nesting over 128"));
}

/// Nine lines that stand for a billion strings.
#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert!(refused(&text).message.contains("aliases"), "{}", refused(&text).message);
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 20].join(", "));
    assert!(refused(&long).message.contains("aliases"));
}

#[test]
fn text_is_written_in_block_style() {
    let value = map(&[
        ("name", "Ann Lee".into()),
        ("tags", Value::Array(vec!["a".into(), 1.into(), 1.0.into(), true.into(), Value::Nil])),
        ("empty", Value::Array(vec![Value::Array(vec![]), Value::Map(vec![])])),
        (
            "nested",
            Value::Array(vec![
                map(&[("x", 1.into()), ("b", map(&[("z", 2.into())]))]),
                Value::Array(vec![3.into(), 4.into()]),
            ]),
        ),
        ("text", "first\n  second\n\nthird\n".into()),
        (
            "quoted",
            Value::Array(
                ["yes", "7", "", " a", "a: b", "2024-01-31", "tab\tbell\u{7}"].map(Value::from).to_vec(),
            ),
        ),
    ]);
    let expected = r#"empty:
  - []
  - {}
name: Ann Lee
nested:
  - b:
      z: 2
    x: 1
  - - 3
    - 4
quoted:
  - "yes"
  - "7"
  - ""
  - " a"
  - "a: b"
  - "2024-01-31"
  - "tab\tbell\u0007"
tags:
  - a
  - 1
  - 1.0
  - true
  - null
text: |
  first
    second

  third
"#;
    assert_eq!(written(&value), expected);
    assert_eq!(written(&Value::Map(vec![])), "{}\n");
    assert_eq!(written(&Value::Array(vec![])), "[]\n");
}

#[test]
fn named_fields_come_first_in_every_map() {
    let inner = || map(&[("a", 1.into()), ("kind", 2.into()), ("name", 3.into())]);
    let value = map(&[("b", 0.into()), ("name", inner()), ("kind", 1.into())]);
    let order = ["name", "kind"].map(|name| name.as_bytes().to_vec());
    let expected = "name:\n  name: 3\n  kind: 2\n  a: 1\nkind: 1\nb: 0\n";
    assert_eq!(encode(&value, &order).as_deref(), Ok(expected));
}

#[test]
fn what_json_cannot_hold_is_refused_with_its_path() {
    let key = |key: Value| Value::Map(vec![(key, 1.into())]);
    let cases = [
        (key(2.into()), "sparse array"),
        (Value::Map(vec![(1.into(), 1.into()), ("a".into(), 1.into())]), "mixed key types"),
        (Value::Map(vec![(true.into(), 1.into()), ("a".into(), 1.into())]), "mixed key types"),
        (key(Value::Array(vec![])), "cannot be a key"),
    ];
    for (value, reason) in cases {
        let failure = encode(&map(&[("list", Value::Array(vec![1.into(), value]))]), &[]).unwrap_err();
        assert_eq!(failure.kind, Kind::Internal);
        assert!(
            failure.message.contains("`list[2]`") && failure.message.contains(reason),
            "{}",
            failure.message
        );
    }
    assert_eq!(written(&key(true.into())), "\"true\": 1\n");
    assert_eq!(written(&map(&[("e", Failure::invalid("bad: one").into())])), "e: \"bad: one\"\n");
}

/// Each line begins with blanks for its depth.
#[test]
fn blanks_for_depth_cannot_fill_the_host() {
    let mut value = Value::Array(vec![1.into(); 200_000]);
    for _ in 0..100 {
        value = map(&[("a", value)]);
    }
    assert!(encode(&value, &[]).unwrap_err().message.contains("bytes"));
}
