//! Values on the wire.

use perilune_temporal::{from_failure, from_payload, to_failure, to_payload};
use perilune_value::{Failure, Kind, Value};

fn encoding(value: &Value) -> String {
    String::from_utf8(to_payload(value).metadata["encoding"].clone()).unwrap()
}

fn table<const N: usize>(fields: [(Value, Value); N]) -> Value {
    Value::Map(fields.into())
}

#[test]
fn what_json_holds_is_json() {
    let value: Value =
        [("b", Value::from(2.0)), ("a", vec![Value::Integer(1), Value::Nil, "ü".into()].into())]
            .into_iter()
            .collect();
    let payload = to_payload(&value);
    assert_eq!(encoding(&value), "json/plain");
    assert_eq!(String::from_utf8(payload.data).unwrap(), r#"{"a":[1,null,"ü"],"b":2.0}"#);
}

#[test]
fn every_value_comes_back_as_it_was() {
    let bytes = Value::String(vec![0xff, 0]);
    for (value, expected) in [
        (Value::Nil, "binary/null"),
        (Value::Bool(false), "json/plain"),
        (Value::Integer(i64::MIN), "json/plain"),
        (Value::Integer(i64::MAX), "json/plain"),
        (Value::Float(2.0), "json/plain"),
        (Value::Float(-0.0), "json/plain"),
        (Value::Float(1e300), "json/plain"),
        (Value::Float(0.1), "json/plain"),
        (Value::Float(f64::INFINITY), "binary/msgpack"),
        ("text\u{2028}</script>".into(), "json/plain"),
        (bytes.clone(), "binary/plain"),
        (vec![bytes.clone()].into(), "binary/msgpack"),
        (Value::Array(vec![]), "json/plain"),
        (table([(3.into(), "x".into())]), "binary/msgpack"),
        (table([("k".into(), table([(Value::Bool(true), 1.into())]))]), "binary/msgpack"),
        (Failure::new(Kind::Conflict, "no").into(), "binary/msgpack"),
    ] {
        assert_eq!(encoding(&value), expected, "{value:?}");
        assert_eq!(from_payload(&to_payload(&value)), value);
    }
}

#[test]
fn what_this_host_cannot_read_passes_through_it() {
    let mut foreign = to_payload(&"x".into());
    foreign.metadata.insert("encoding".to_owned(), b"binary/encrypted".to_vec());
    foreign.metadata.insert("key".to_owned(), vec![0xff]);
    foreign.data = vec![0, 0xfe];
    assert_eq!(to_payload(&from_payload(&foreign)), foreign);
    // Neither is what only says that it is JSON.
    let mut broken = to_payload(&"x".into());
    broken.data = b"{".to_vec();
    assert_eq!(to_payload(&from_payload(&broken)), broken);
}

#[test]
fn failures_come_back_as_they_were() {
    let plain = Failure::new(Kind::NotFound, "gone");
    let retryable = Failure::new(Kind::Unavailable, "later").with_retryable(true).with_detail("after", 3);
    let mut unsaid = Failure { kind: Kind::from("Mine"), message: "m".to_owned(), ..Failure::default() };
    unsaid.stack = Some("app:x:1: in main".to_owned());
    for failure in [plain, retryable, unsaid.clone(), unsaid.with_detail("k", "v")] {
        assert_eq!(from_failure(&to_failure(&failure)), failure);
    }
}
