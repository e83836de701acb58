//! `${env:NAME}` in the fields of entries.

use crate::support::{App, Values};
use perilune_value::{Failure, Kind, Value, json};
use proptest::prelude::*;

/// The data of `app:a` with these fields, resolved.
fn resolved(kind: &str, data: &str) -> Result<Value, Failure> {
    let app = App::new(&[("a", kind, data)]);
    let values = app.shared::<Values>();
    for (name, value) in [
        ("NAME", "ann"),
        ("app:entry", "by id"),
        ("FIVE", "5"),
        ("YES", "true"),
        ("HALF", " 0.5 "),
        ("EMPTY", ""),
        ("SLY", "${env:NAME}"),
    ] {
        values.set(name, value);
    }
    Ok(app.thing("a")?.data.clone())
}

#[test]
fn texts_hold_placeholders_defaults_and_escapes() {
    for (text, expected) in [
        ("${env:NAME}", "ann"),
        ("<${env:NAME}|${env:NAME}>", "<ann|ann>"),
        ("${env: NAME }", "ann"),
        ("${env:app:entry}", "by id"),
        ("${env:NAME|bob}", "ann"),
        ("${env:NONE|bob}", "bob"),
        ("${env:NONE|}.", "."),
        ("${env:EMPTY|bob}.", "."),
        ("${NAME|bob}", "ann"),
        ("${NONE|bob}", "bob"),
        ("${env:NONE|${env:NAME}}", "ann"),
        ("${env:NONE|<${NONE2|${NAME|x}}>}", "<ann>"),
        (r#"${env:NONE|{"a": {}}}"#, r#"{"a": {}}"#),
        // What a variable holds is not looked into.
        ("${env:SLY}", "${env:NAME}"),
        // Escapes, and what is of other languages.
        ("$${env:NAME}", "${env:NAME}"),
        ("$$${env:NAME}", "$${env:NAME}"),
        ("${env:NONE|$${x}}", "${x}"),
        ("${NAME}", "${NAME}"),
        ("${name|x}", "${name|x}"),
        ("${a.b} ${} ${", "${a.b} ${} ${"),
        ("$NAME {NAME} $", "$NAME {NAME} $"),
        ("é${env:NAME}é", "éanné"),
    ] {
        let json = format!(r#"{{"any": "{}"}}"#, text.replace('"', "\\\""));
        let data = resolved("thing", &json).unwrap_or_else(|failure| panic!("{text}: {failure}"));
        assert_eq!(data.get("any").and_then(Value::as_str), Some(expected), "{text}");
    }
}

#[test]
fn a_text_becomes_what_its_field_wants() {
    let data = resolved(
        "thing",
        r#"{"number": "${env:FIVE}", "flag": "${env:YES}", "ratio": "${env:HALF}", "list": ["a", "${env:NAME}"],
            "text": "${env:FIVE}", "any": {"deep": [{"x": "${env:NAME}"}], "n": 1}}"#,
    );
    let expected = json::decode(
        br#"{"number": 5, "flag": true, "ratio": 0.5, "list": ["a", "ann"], "text": "5", "any": {"deep": [{"x": "ann"}], "n": 1}}"#,
    );
    assert_eq!(data, Ok(expected.expect("JSON")));
}

#[test]
fn kinds_without_placeholders_keep_their_texts() {
    let data = resolved("plain", r#"{"any": "${env:NONE}"}"#).expect("opened");
    assert_eq!(data.get("any").and_then(Value::as_str), Some("${env:NONE}"));
}

#[test]
fn a_failure_names_the_entry_the_field_and_the_variable() {
    for (data, message) in [
        (
            r#"{"text": "${env:NONE}"}"#,
            "app:a: field `text`: the variable NONE is not set; set it, or write what holds without it: `${env:NONE|…}`",
        ),
        (
            r#"{"any": {"deep": ["x", "${env:NONE}"]}}"#,
            "app:a: field `any.deep[2]`: the variable NONE is not set",
        ),
        (
            r#"{"text": "${env:NAME|${env:NONE}} ${env:NONE|${env:OTHER}}"}"#,
            "app:a: field `text`: the variable OTHER is not set",
        ),
        (r#"{"text": "${env:NAME"}"#, "app:a: field `text`: `${env:NAME` lacks its `}`"),
        (r#"{"text": "${env:}"}"#, "app:a: field `text`: `${env:}` names no variable"),
        (r#"{"text": "${env:A B}"}"#, "app:a: field `text`: `${env:A B}` names no variable"),
        (r#"{"number": "${env:NAME}"}"#, "app:a: "),
        (r#"{"number": "1${env:FIVE}"}"#, "app:a: "),
        (r#"{"text": "${env:EMPTY}"}"#, "app:a: "),
    ] {
        let failure = resolved("thing", data).expect_err(data);
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.message.starts_with(message), "{data}: {failure}");
    }
    let failure = resolved("thing", r#"{"number": "${env:NAME}"}"#).expect_err("no number");
    assert!(failure.message.contains("number") && failure.message.contains("from 0 to 10"), "{failure}");
}

#[test]
fn placeholders_are_bounded() {
    let many = "${NONE|x}".repeat(300);
    let nested = "${NONE|".repeat(10) + "x" + &"}".repeat(10);
    for (text, part) in [
        (many, "more than 256 placeholders in one entry"),
        (nested, "defaults nest deeper than 8 levels"),
        ("${NONE|".repeat(100_000), "not closed: it is no placeholder"),
        ("${none ".repeat(100_000) + &"}".repeat(100_000), "of another language"),
    ] {
        let outcome = resolved("thing", &format!(r#"{{"any": "{text}"}}"#));
        match outcome {
            Err(failure) => assert!(failure.message.contains(part), "{failure}"),
            Ok(data) => assert_eq!(data.get("any").and_then(Value::as_str), Some(text.as_str())),
        }
    }
    let app = App::new(&[("a", "thing", r#"{"any": "${env:LARGE}${env:LARGE}"}"#)]);
    app.shared::<Values>().set("LARGE", &"x".repeat(600_000));
    let failure = app.thing("a").map(drop).expect_err("too large");
    assert_eq!(
        failure.message,
        "app:a: field `any`: placeholders that stand for more than 1048576 bytes in one entry"
    );
}

proptest! {
    #[test]
    fn any_text_is_resolved_or_refused(text in r"(\$|\$\{|env:|NAME|NONE|\||\}|\{|x| |é){0,20}") {
        let app = App::new(&[("a", "thing", &format!(r#"{{"any": "{text}"}}"#))]);
        app.shared::<Values>().set("NAME", "ann");
        match app.thing("a") {
            Ok(thing) => {
                let out = thing.data.get("any").and_then(Value::as_str).expect("a text").to_owned();
                let is_plain = !text.contains("${");
                prop_assert!(!is_plain || out == text);
            }
            Err(failure) => prop_assert_eq!(failure.kind, Kind::Invalid),
        }
    }
}
