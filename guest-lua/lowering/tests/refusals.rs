//! What cannot be lowered with equal results is named, with its function and its byte.

use perilune_lowering::{LowerError, lower_exceptions};

fn refusal(wat: &str) -> LowerError {
    let module = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    lower_exceptions(&module).expect_err(wat)
}

/// Code of the refusal, and a module that meets it.
const REFUSED: &[(&str, &str)] = &[
    ("imported-tag", r#"(module (import "m" "t" (tag (param i32))))"#),
    ("exported-tag", r#"(module (tag (export "t")))"#),
    ("legacy-exceptions", "(module (func try catch_all end))"),
    ("legacy-exceptions", "(module (tag $t) (func try catch $t rethrow 0 end))"),
    ("legacy-exceptions", "(module (func try nop delegate 0))"),
    ("stack-switching", "(module (type $f (func)) (type $c (cont $f)))"),
    ("stack-switching", "(module (tag $t) (func (suspend $t)))"),
    ("garbage-collection", "(module (type (struct)))"),
    ("garbage-collection", "(module (type (array i8)))"),
    ("garbage-collection", "(module (type $a (sub (func))) (type $b (sub $a (func))))"),
    ("garbage-collection", "(module (func (drop (ref.i31 (i32.const 1)))))"),
    (
        "exnref-payload",
        "(module (tag $t (param i64)) (func (block $h (result i64 exnref) (try_table (catch_ref $t $h)) (unreachable)) (drop) (drop)))",
    ),
    (
        "exnref-payload",
        "(module (tag) (tag (param i32 i32)) (func (block $h (result exnref) (try_table (catch_all_ref $h)) (unreachable)) (drop)))",
    ),
    ("exnref-test", "(module (func (drop (ref.is_null (ref.null exn)))))"),
    ("exnref-test", "(module (func (drop (ref.as_non_null (ref.null exn)))))"),
    ("exnref-test", "(module (func (block $l (drop (br_on_null $l (ref.null exn))))))"),
    (
        "exnref-test",
        "(module (func (drop (block $l (result (ref exn)) (br_on_non_null $l (ref.null exn)) (unreachable)))))",
    ),
    ("exnref-table", "(module (table 1 exnref))"),
    ("exnref-crosses", r#"(module (import "m" "f" (func (param exnref))))"#),
    ("exnref-crosses", r#"(module (func (export "f") (result exnref) (ref.null exn)))"#),
    ("exnref-crosses", r#"(module (import "m" "g" (global exnref)))"#),
    ("exnref-crosses", r#"(module (global (export "g") exnref (ref.null exn)))"#),
    ("exnref-indirect", "(module (func (param exnref)) (table funcref (elem 0)))"),
    (
        "exnref-indirect",
        "(module (type $t (func (param exnref))) (table 1 funcref) (func (call_indirect (type $t) (ref.null exn) (i32.const 0))))",
    ),
    ("funcref-crosses", r#"(module (tag $t) (table (export "t") funcref (elem $f)) (func $f (throw $t)))"#),
    ("funcref-crosses", r#"(module (import "m" "t" (table 1 funcref)) (tag $t) (func (throw $t)))"#),
    (
        "funcref-crosses",
        r#"(module (tag $t) (global (export "g") funcref (ref.func $f)) (func $f (throw $t)))"#,
    ),
    ("funcref-crosses", r#"(module (import "m" "f" (func (param funcref))) (tag $t) (func (throw $t)))"#),
    (
        "funcref-crosses",
        r#"(module (tag $t) (type $f (func)) (func (export "f") (result (ref null $f)) (throw $t)))"#,
    ),
    ("payload-without-default", "(module (type $f (func)) (tag (param (ref $f))))"),
    ("result-without-default", "(module (type $f (func)) (tag $t) (func (result (ref $f)) (throw $t)))"),
    ("invalid-module", "(module (func (result i32)))"),
    ("invalid-module", "(component)"),
];

#[test]
fn what_cannot_be_lowered_is_refused_by_code() {
    for (code, wat) in REFUSED {
        assert_eq!(refusal(wat).code(), *code, "{wat}");
    }
}

#[test]
fn a_refusal_names_the_construct_the_function_and_the_byte() {
    let mut text = String::new();
    for (_, wat) in REFUSED {
        text.push_str(&format!("{}\n", refusal(wat)));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0\x0a\xff\xff\xff\xff\x0f", b"lua"] {
        assert_eq!(lower_exceptions(bytes).expect_err("no module").code(), "invalid-module");
    }
}

/// The same constructs where nothing throws past them.
#[test]
fn references_may_cross_where_no_function_throws() {
    let fine = [
        r#"(module (table (export "t") funcref (elem $f)) (func $f))"#,
        r#"(module (tag $t) (table (export "t") funcref (elem $f))
             (func $f (block $h (try_table (catch $t $h) (throw $t)))))"#,
        r#"(module (type $f (func)) (func (param (ref $f)) (result (ref $f)) (local.get 0)))"#,
    ];
    for wat in fine {
        let module = wat::parse_str(wat).expect("valid");
        lower_exceptions(&module).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    }
}
