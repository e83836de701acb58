//! Module `ctx`.

use perilune_modules::ctx::get;
use perilune_value::{Failure, Value};

#[test]
fn a_key_has_the_value_that_the_caller_set_last() {
    let context = Value::from_iter([("user", 1), ("user", 2)]);
    assert_eq!(get(&context, b"user"), Ok(&2.into()));
}

#[test]
fn a_key_that_nobody_set_is_not_found() {
    for context in [Value::Nil, Value::Array(vec![]), Value::from_iter([(1, 1)])] {
        let expected = Failure::not_found("ctx.get: nothing is set under \"user\"");
        assert_eq!(get(&context, b"user"), Err(expected));
    }
}

#[test]
fn an_empty_key_is_invalid() {
    assert_eq!(get(&Value::Nil, b""), Err(Failure::invalid("ctx.get: the key is empty")));
}
