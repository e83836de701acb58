//! Arguments and results: by the types of a function, or as JSON.

use crate::support::{COMMAND, ENTRY, FUNCTIONS, Setting, call, program};
use perilune_value::{Kind, Value};

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::from_iter(pairs)
}

#[tokio::test]
async fn a_function_is_called_by_its_types() {
    let point = |x: f64, y: f64| map([("x", Value::Float(x)), ("y", Value::Float(y))]);
    let cases = [
        ("add", vec![Value::Integer(2), Value::Float(3.0)], Value::Integer(5)),
        ("same", vec![Value::from("grüße")], Value::from("grüße")),
        ("bytes", vec![Value::String(vec![0, 255, 10])], Value::String(vec![0, 255, 10])),
        ("bytes", vec![Value::Array(vec![Value::Integer(65)])], Value::from("A")),
        ("mirror", vec![point(1.0, 2.0)], point(2.0, 1.0)),
    ];
    for (method, args, result) in cases {
        assert_eq!(call(FUNCTIONS, method, &args).await.unwrap(), result, "{method}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_path_to_it() {
    let cases = [
        (
            "add",
            vec![Value::Integer(1)],
            "app:main: argument 2 (`b`): expected a number that fits `s32`, found nothing",
        ),
        (
            "add",
            vec![Value::Integer(1 << 40), Value::Integer(0)],
            "app:main: argument 1 (`a`): expected a number that fits `s32`, found a number",
        ),
        (
            "add",
            vec![Value::Integer(1), Value::Integer(2), Value::Integer(3)],
            "app:main: takes 2 arguments, not 3",
        ),
        (
            "same",
            vec![Value::String(vec![255])],
            "app:main: argument 1 (`text`): expected a text in UTF-8, found a string",
        ),
        (
            "mirror",
            vec![map([("x", Value::Float(1.0))])],
            "app:main: argument 1 (`point`).y: expected a number, found nothing",
        ),
        ("mirror", vec![map([("z", Value::Float(1.0))])], "app:main: argument 1 (`point`): has no field `z`"),
    ];
    for (method, args, message) in cases {
        let failure = call(FUNCTIONS, method, &args).await.unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Invalid, message));
    }
}

/// Functions that take one value each of a type that is written as text, array or map.
const SHAPES: &str = r#"(component
  (core module $m
    (func (export "one") (param i32))
    (func (export "two") (param i32 i32))
    (func (export "fails") (result i32) (i32.const 1)))
  (core instance $m (instantiate $m))
  (type $shape' (variant (case "none") (case "circle" s32)))
  (export $shape "shape" (type $shape'))
  (type $rights' (flags "read" "write"))
  (export $rights "rights" (type $rights'))
  (func (export "letter") (param "it" char) (canon lift (core func $m "one")))
  (func (export "allowed") (param "it" $rights) (canon lift (core func $m "one")))
  (func (export "pair") (param "it" (tuple s32 s32)) (canon lift (core func $m "two")))
  (func (export "drawn") (param "it" $shape) (canon lift (core func $m "two")))
  (func (export "ended") (param "it" (result s32 (error s32))) (canon lift (core func $m "two")))
  (func (export "fails") (result (result)) (canon lift (core func $m "fails"))))"#;

#[tokio::test]
async fn what_is_no_such_text_array_or_map_is_refused_with_what_is_expected() {
    let number = Value::Integer(1);
    for (method, arg, message) in [
        ("letter", Value::from("ab"), "`it`): expected a text of one character, found a string"),
        ("pair", Value::Array(vec![number.clone()]), "`it`): expected an array of 2 values, found a table"),
        (
            "drawn",
            number.clone(),
            "`it`): expected the name of a case, or a map of it to its value, found a number",
        ),
        ("drawn", Value::from("square"), "`it`): there is no case `square`"),
        ("ended", number.clone(), "`it`): expected a map with `ok` or `error`, found a number"),
        ("allowed", number, "`it`): expected an array of names, found a number"),
        ("allowed", Value::Array(vec![Value::from("execute")]), "`it`)[1]: is no flag"),
    ] {
        let failure = call(SHAPES, method, &[arg]).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid);
        assert_eq!(failure.message, format!("app:main: argument 1 ({message}"));
    }
}

#[tokio::test]
async fn an_error_of_a_function_that_says_nothing_is_named_so() {
    let failure = call(SHAPES, "fails", &[]).await.unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Internal, "the component gave an error"));
}

#[tokio::test]
async fn a_result_that_is_no_json_is_refused() {
    let cut =
        ENTRY.replace("(i32.store (i32.const 24) (local.get 1))", "(i32.store (i32.const 24) (i32.const 1))");
    let failure = Setting::new().call(&program(&cut, None), &[]).await.unwrap_err();
    assert_eq!(
        failure.message,
        "app:main: what it returned is no JSON: cannot decode JSON: EOF while parsing a list at line 1 column 1"
    );
    let chatty = COMMAND.replace(
        "(call $write (call $out) (i32.load (i32.const 36)) (i32.load (i32.const 40)) (i32.const 64))",
        "(call $write (call $out) (i32.const 256) (i32.const 7) (i32.const 64))",
    );
    let failure = Setting::new().call(&program(&chatty, None), &[]).await.unwrap_err();
    assert_eq!(
        failure.message,
        "app:main: what it wrote to stdout, where its result belongs, is no JSON: cannot decode JSON: expected value at line 1 column 1"
    );
}

#[tokio::test]
async fn an_error_of_a_function_is_a_failure_with_its_text() {
    let failure = call(FUNCTIONS, "refuse", &[Value::from("out of stock")]).await.unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Internal, "out of stock"));
}

#[tokio::test]
async fn an_entry_gets_any_values_as_json() {
    let args = [map([("deep", Value::Array(vec![Value::Integer(1), Value::Float(0.5)]))]), Value::Bool(true)];
    let result = Setting::new().call(&program(ENTRY, None), &args).await.unwrap();
    assert_eq!(result, Value::Array(args.to_vec()));
}

#[tokio::test]
async fn an_entry_without_arguments_gets_an_empty_array() {
    let result = Setting::new().call(&program(ENTRY, None), &[]).await.unwrap();
    assert_eq!(perilune_value::json::encode(&result).unwrap(), "[]");
}

#[tokio::test]
async fn no_call_finds_what_another_one_left() {
    let program = program(FUNCTIONS, Some("count"));
    for _ in 0..3 {
        assert_eq!(Setting::new().call(&program, &[]).await.unwrap(), Value::Integer(1));
    }
}
