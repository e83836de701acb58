//! Arguments and results: by the types of a function, or as JSON.

use crate::support::{ENTRY, FUNCTIONS, Setting, call, program};
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
