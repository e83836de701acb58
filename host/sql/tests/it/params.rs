//! Parameters as Lua hands them over.

use perilune_sql::Param;
use perilune_value::{Kind, Value};
use proptest::prelude::*;

fn list(values: Value, marks: &str) -> Vec<Param> {
    Param::list(values, marks.as_bytes()).expect("parameters")
}

fn map(fields: &[(i64, Value)]) -> Value {
    fields.iter().cloned().collect()
}

#[test]
fn values_keep_their_types() {
    let values = vec![
        Value::Bool(true),
        Value::Integer(1),
        Value::Float(1.0),
        Value::from("text"),
        Value::String(vec![255]),
        Value::Nil,
    ];
    let expected = [
        Param::Bool(true),
        Param::Integer(1),
        Param::Float(1.0),
        Param::Text("text".to_owned()),
        Param::Bytes(vec![255]),
        Param::Null,
    ];
    assert_eq!(list(Value::Array(values), ""), expected);
}

#[test]
fn holes_are_null() {
    assert_eq!(list(map(&[(2, Value::Integer(5))]), ""), [Param::Null, Param::Integer(5)]);
    assert_eq!(list(Value::Nil, "nn"), [Param::Null, Param::Null]);
    assert_eq!(list(Value::Map(Vec::new()), ""), []);
}

#[test]
fn marks_say_what_a_value_does_not_tell() {
    let values = Value::Array(vec![Value::from("a"), Value::from("b"), Value::Bool(false)]);
    assert_eq!(list(values, "b.n"), [Param::Bytes(vec![b'a']), Param::Text("b".to_owned()), Param::Null]);
    let refused = Param::list(Value::Array(vec![Value::String(vec![255])]), b"t").expect_err("no text");
    assert!(refused.kind == Kind::Invalid && refused.message.contains("parameter 1"), "{refused:?}");
}

#[test]
fn what_no_database_takes_is_named() {
    for (values, part) in [
        (Value::Array(vec![Value::Integer(1), Value::Array(Vec::new())]), "parameter 2 is a table"),
        (Value::Integer(1), "an array, not a number"),
        (Value::from("x"), "an array, not a string"),
        (map(&[(0, Value::Integer(1))]), "the key 0"),
        (map(&[(-1, Value::Integer(1))]), "the key -1"),
        (map(&[(70_000, Value::Integer(1))]), "65535 parameters at most"),
        (map(&[(i64::MAX, Value::Integer(1))]), "at most"),
        ([("name", Value::Integer(1))].into_iter().collect(), "the key `name`"),
    ] {
        let refused = Param::list(values, b"").expect_err(part);
        assert!(refused.kind == Kind::Invalid && refused.message.contains(part), "{}", refused.message);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Float),
        any::<Vec<u8>>().prop_map(Value::String),
    ];
    leaf.prop_recursive(2, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_parameters_or_invalid(value in value(), marks in any::<Vec<u8>>()) {
        match Param::list(value, &marks) {
            Ok(params) => prop_assert!(params.len() <= 65_535),
            Err(failure) => prop_assert_eq!(failure.kind, Kind::Invalid),
        }
    }
}
