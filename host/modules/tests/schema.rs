//! `json.validate`: what it accepts, and that no schema or data can make the host work without end.

use perilune_modules::json::{validate, validate_text};
use perilune_value::{Failure, Kind, Value, json};

fn check(schema: &str, data: &str) -> Result<(), Failure> {
    validate_text(&Value::from(schema).to_msgpack(), data.as_bytes())
}

fn refusal(schema: &str, data: &str) -> String {
    let failure = check(schema, data).expect_err("the data is refused");
    assert_eq!(failure.kind, Kind::Invalid, "{}", failure.message);
    failure.message
}

const USER: &str = r##"{
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[\\w.+-]+@[\\w-]+(\\.[\\w-]+)+$"},
        "age": {"type": "integer", "minimum": 0},
        "friends": {"type": "array", "items": {"$ref": "#"}}
    },
    "additionalProperties": false
}"##;

#[test]
fn data_that_matches_is_valid() {
    assert_eq!(check(USER, r#"{"name": "a@b.c", "age": 3, "friends": [{"name": "d@e.f"}]}"#), Ok(()));
}

#[test]
fn data_that_does_not_match_is_invalid_with_its_place() {
    let cases = [
        ("{}", "\"name\" is a required property"),
        (r#"{"name": "a@b.c", "age": 1.5}"#, "/age: value is not of type \"integer\""),
        (
            r#"{"name": "a@b.c", "friends": [{"name": 1}]}"#,
            "/friends/0/name: value is not of type \"string\"",
        ),
        ("{", "the data is not valid JSON: EOF while parsing an object at line 1 column 1"),
    ];
    for (data, message) in cases {
        assert_eq!(refusal(USER, data), message);
    }
}

#[test]
fn schemas_and_data_may_be_tables() {
    let schema = json::decode_to_msgpack(USER.as_bytes()).unwrap();
    let data = |name: &str| Value::from_iter([("name", name)]).to_msgpack();
    assert_eq!(validate(&schema, &data("a@b.c")), Ok(()));
    assert_eq!(validate(&schema, &data("nobody")).unwrap_err().kind, Kind::Invalid);
}

#[test]
fn nil_is_no_schema_and_no_data() {
    let (nil, any) = (Value::Nil.to_msgpack(), Value::Map(vec![]).to_msgpack());
    assert_eq!(validate(&nil, &any), Err(Failure::invalid("json.validate: there is no schema")));
    assert_eq!(validate(&any, &nil), Err(Failure::invalid("json.validate: there is no data")));
}

#[test]
fn a_schema_that_is_none_is_refused() {
    for schema in
        ["", "[]", "7", r#"{"type": "colour"}"#, r#"{"pattern": "("}"#, r##"{"$ref": "#/nowhere"}"##]
    {
        assert!(refusal(schema, "1").starts_with("the schema is not usable: "), "{schema}");
    }
}

#[test]
fn references_stay_in_the_schema() {
    for reference in ["https://example.com/s.json", "file:///etc/passwd", "other", "#name", "#/%24defs"] {
        let message = refusal(&format!(r#"{{"$ref": "{reference}"}}"#), "1");
        assert!(message.contains("places in the schema itself, are supported"), "{message}");
    }
    for keyword in ["$dynamicRef", "$anchor", "$recursiveAnchor"] {
        let message = refusal(&format!(r##"{{"not": {{"{keyword}": "#x"}}}}"##), "1");
        assert!(message.contains(&format!("`{keyword}` is not supported")), "{message}");
    }
}

#[test]
fn a_property_may_be_named_like_a_keyword() {
    let schema = r#"{"$id": "https://example.com/s", "properties": {"$ref": {"type": "string"}, "$anchor": {"type": "integer"}}}"#;
    assert_eq!(check(schema, r#"{"$ref": "x", "$anchor": 1}"#), Ok(()));
}

/// Schemas that visit every level of the data twice, or every definition twice from the one before.
fn multiplying() -> Vec<String> {
    let twice = |keyword: &str| {
        format!(
            r##"{{"{keyword}": [{{"properties": {{"a": {{"$ref": "#"}}}}}}, {{"properties": {{"a": {{"$ref": "#"}}}}}}]}}"##
        )
    };
    let mut schemas: Vec<_> = ["allOf", "anyOf", "oneOf"].map(twice).to_vec();
    let two = |n: u32| format!(r##"[{{"$ref": "#/$defs/d{n}"}}, {{"$ref": "#/$defs/d{n}"}}]"##);
    let defs: Vec<_> = (0..60).map(|n| format!(r#""d{n}": {{"allOf": {}}}"#, two(n + 1))).collect();
    let first = two(0);
    schemas.push(format!(
        r#"{{"anyOf": {first}, "$defs": {{{}, "d60": {{"type": "integer"}}}}}}"#,
        defs.join(",")
    ));
    schemas
        .push(format!(r##"{{"anyOf": {first}, "$defs": {{{}, "d60": {{"$ref": "#"}}}}}}"##, defs.join(",")));
    schemas
}

#[test]
fn references_that_multiply_end() {
    for schema in multiplying() {
        for leaf in ["1", "{}", r#"{"b": 1}"#] {
            // Ending at all is the promise; whether with yes, no or a refusal is the schema's affair.
            let _ = check(&schema, &format!("{}{leaf}{}", r#"{"a":"#.repeat(100), "}".repeat(100)));
        }
    }
}

#[test]
fn nesting_and_long_chains_of_references_are_refused() {
    let nested = format!("{}true{}", r#"{"not":"#.repeat(120), "}".repeat(120));
    assert!(check(&nested, "1").is_ok());
    let chain: Vec<_> =
        (0..1_000).map(|n| format!(r##""d{n}": {{"$ref": "#/$defs/d{}"}}"##, n + 1)).collect();
    let chain = format!(r##"{{"$ref": "#/$defs/d0", "$defs": {{{}, "d1000": {{}}}}}}"##, chain.join(","));
    assert!(refusal(&chain, "1").contains("deeper than 256 levels"));
}

#[test]
fn the_deepest_schema_on_the_deepest_data_fits_the_stack() {
    // Fifty levels of schema for each of 126 levels of data.
    let step = format!("{}{{\"$ref\": \"#\"}}{}", r#"{"allOf":[{"anyOf":["#.repeat(25), "]}]}".repeat(25));
    let schema = format!(r#"{{"properties": {{"a": {step}}}}}"#);
    let data = format!("{}1{}", r#"{"a":"#.repeat(126), "}".repeat(126));
    assert_eq!(check(&schema, &data), Ok(()));
}

#[test]
fn hostile_patterns_are_linear_or_refused() {
    let data = format!("\"{}!\"", "a".repeat(10_000));
    assert_eq!(refusal(r#"{"pattern": "^(a+)+$"}"#, &data), "value does not match \"^(a+)+$\"");
    for pattern in ["((a{100}){100}){100}", "(a)\\\\1", "(?=a)b"] {
        let message = refusal(&format!(r#"{{"pattern": "{pattern}"}}"#), &data);
        assert!(message.starts_with("the schema is not usable: "), "{message}");
    }
    let many: Vec<_> = (0..100).map(|n| format!(r#"{{"pattern": "\\w{{{n}}}"}}"#)).collect();
    assert!(refusal(&format!(r#"{{"anyOf": [{}]}}"#, many.join(",")), &data).contains("too many"));
}

#[test]
fn sizes_are_bounded() {
    let large = format!(r#"{{"title": "{}"}}"#, "x".repeat(100_000));
    assert_eq!(refusal(&large, "1"), "the schema takes 100018 bytes; 65536 is the most that is validated");
    let data = "1".repeat(9 << 20);
    assert_eq!(refusal("true", &data), "the data takes 9437184 bytes; 8388608 is the most that is validated");
    let numbers: Vec<_> = (0..5_000).map(|n| n.to_string()).collect();
    let list = format!(r#"{{"items": {{"enum": [{}]}}}}"#, numbers.join(","));
    let data = format!("[{}]", vec!["-1"; 500_000].join(","));
    assert!(refusal(&list, &data).contains("too much work"));
}

#[test]
fn messages_are_bounded() {
    let options: Vec<_> = (0..5_000).map(|n| n.to_string()).collect();
    let message = refusal(&format!(r#"{{"enum": [{}]}}"#, options.join(",")), "-1");
    assert!(message.len() < 600, "{message}");
}
