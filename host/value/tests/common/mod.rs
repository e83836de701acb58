//! Arbitrary values, as a cell could send them.

use perilune_value::{Failure, Kind, Value};
use proptest::prelude::*;

/// Any value without NaN, which is not equal to itself.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    tree(key())
}

fn key() -> BoxedStrategy<Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(Value::String),
        any::<bool>().prop_map(Value::from),
        float().prop_map(Value::from),
    ]
    .boxed()
}

fn float() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("not NaN", |n| !n.is_nan())
}

fn tree(key: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Nil), key.clone()];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner.clone()), 0..6).prop_map(Value::Map),
            failure(inner).prop_map(Value::from),
        ]
    })
}

fn failure(details: impl Strategy<Value = Value>) -> impl Strategy<Value = Failure> {
    let details = prop::option::of(details.prop_filter("nil details are no details", |v| *v != Value::Nil));
    (any::<String>(), any::<String>(), any::<Option<bool>>(), details, any::<Option<String>>()).prop_map(
        |(kind, message, retryable, details, stack)| Failure {
            kind: Kind::from(&*kind),
            message,
            retryable,
            details,
            stack,
        },
    )
}
