//! Rust types as Lua values and back.

use perilune_value::{Failure, Kind, TypeError, Value, from_value, to_value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i32, i32),
    Rect { w: u8, h: u8 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    note: Option<String>,
    shapes: Vec<Shape>,
    counts: BTreeMap<i64, char>,
    extra: Value,
}

fn order() -> Order {
    Order {
        id: 1 << 40,
        note: None,
        shapes: vec![Shape::Point, Shape::Circle(0.5), Shape::Line(-1, 2), Shape::Rect { w: 3, h: 4 }],
        counts: BTreeMap::from([(-1, 'x'), (7, 'é')]),
        extra: Value::Array(vec![1.into(), 1.0.into(), Value::String(vec![0xff])]),
    }
}

#[test]
fn a_struct_round_trips() {
    let value = to_value(&order()).unwrap();
    assert_eq!(value.get("id"), Some(&Value::Integer(1 << 40)));
    assert_eq!(value.get("note"), None);
    assert_eq!(from_value::<Order>(value), Ok(order()));
}

#[test]
fn a_struct_survives_the_wire() {
    let value = Value::from_msgpack(&to_value(&order()).unwrap().to_msgpack()).unwrap();
    assert_eq!(from_value::<Order>(value), Ok(order()));
}

#[test]
fn enums_are_what_serde_makes_of_them() {
    assert_eq!(to_value(&Shape::Point), Ok("Point".into()));
    assert_eq!(to_value(&Shape::Circle(1.5)), Ok(Value::from_iter([("Circle", 1.5)])));
}

#[test]
fn integers_of_every_width_stay_integers() {
    assert_eq!(to_value(&(1u8, -1i16, u32::MAX, i64::MIN, 1i128)).unwrap(), {
        Value::Array(vec![1.into(), (-1).into(), i64::from(u32::MAX).into(), i64::MIN.into(), 1.into()])
    });
    assert_eq!(
        to_value(&u64::MAX).unwrap_err().to_string(),
        "integer 18446744073709551615 is out of the range of a Lua integer"
    );
}

#[test]
fn an_integral_float_serves_as_an_integer() {
    assert_eq!(from_value::<u16>(3.0.into()), Ok(3));
    assert!(from_value::<u16>(3.5.into()).is_err());
    assert!(from_value::<u16>((-3.0).into()).is_err());
    assert!(from_value::<i64>(f64::INFINITY.into()).is_err());
    assert!(from_value::<i64>(9.3e18.into()).is_err());
    assert_eq!(from_value::<f64>(3.into()), Ok(3.0));
}

#[test]
fn the_empty_table_is_list_map_and_struct() {
    #[derive(Debug, PartialEq, Default, Deserialize)]
    #[serde(default)]
    struct Options {
        deep: bool,
    }
    for empty in [Value::Array(vec![]), Value::Map(vec![])] {
        assert_eq!(from_value::<Vec<i64>>(empty.clone()), Ok(vec![]));
        assert_eq!(from_value::<BTreeMap<String, i64>>(empty.clone()), Ok(BTreeMap::new()));
        assert_eq!(from_value::<Options>(empty), Ok(Options::default()));
    }
}

#[test]
fn nil_is_none_and_unit() {
    assert_eq!(to_value(&(None::<i64>, ())), Ok(Value::Array(vec![Value::Nil, Value::Nil])));
    assert_eq!(from_value::<Option<i64>>(Value::Nil), Ok(None));
    assert_eq!(from_value::<Option<i64>>(1.into()), Ok(Some(1)));
    assert_eq!(from_value::<()>(Value::Nil), Ok(()));
}

#[test]
fn an_error_object_reads_as_a_table_of_its_fields() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Fault {
        kind: String,
        message: String,
        retryable: bool,
    }
    let fault = from_value::<Fault>(Failure::new(Kind::Timeout, "late").into()).unwrap();
    assert_eq!(fault, Fault { kind: "Timeout".into(), message: "late".into(), retryable: false });
}

#[test]
fn a_value_of_another_shape_says_what_was_expected() {
    let cases: [(Result<Order, TypeError>, &str); 2] = [
        (from_value(1.into()), "invalid type: integer `1`, expected struct Order"),
        (from_value(Value::Map(vec![])), "missing field `id`"),
    ];
    for (result, message) in cases {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
    assert_eq!(
        from_value::<Shape>(1.into()).unwrap_err().to_string(),
        "invalid type: number, expected the name of a variant, or a table with that name as its only key"
    );
}

#[test]
fn nesting_ends_at_the_limit() {
    #[derive(Serialize)]
    struct Nest(Option<Box<[Nest; 1]>>);
    let nest = |levels| (0..levels).fold(Nest(None), |inner, _| Nest(Some(Box::new([inner]))));
    assert!(to_value(&nest(128)).is_ok());
    assert_eq!(to_value(&nest(129)).unwrap_err().to_string(), "nesting over 128 levels");
}

#[test]
fn a_key_that_lua_does_not_allow_is_refused() {
    assert!(to_value(&BTreeMap::from([(None::<i64>, 1)])).is_err());
}
