//! What the lowered module consists of.

use perilune_lowering::lower_exceptions;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

fn lowered(wat: &str) -> Vec<u8> {
    let module = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    lower_exceptions(&module).unwrap_or_else(|error| panic!("{error}\n{wat}"))
}

fn customs(module: &[u8]) -> Vec<String> {
    Parser::new(0)
        .parse_all(module)
        .filter_map(|payload| match payload.expect("a valid module") {
            Payload::CustomSection(section) => Some(section.name().to_owned()),
            _ => None,
        })
        .collect()
}

const THROWING: &str = r#"
    (tag $t (param i32))
    (func $f (param i32) (result i32) (throw $t (local.get 0)))
    (func (export "g") (result i32)
      (block $h (result i32 exnref) (try_table (catch_ref $t $h) (return (call $f (i32.const 1)))) (unreachable))
      (drop))"#;

#[test]
fn it_is_valid_without_exceptions_and_references_to_them() {
    let module = lowered(&format!("(module {THROWING})"));
    Validator::new_with_features(WasmFeatures::WASM2).validate_all(&module).expect("valid");
}

#[test]
fn it_is_the_same_every_time() {
    let wat = format!("(module {THROWING})");
    assert_eq!(lowered(&wat), lowered(&wat));
}

#[test]
fn lowering_again_changes_nothing() {
    let once = lowered(&format!("(module {THROWING})"));
    assert_eq!(lower_exceptions(&once).expect("still valid"), once);
}

/// Wherever the section of globals is missing, it is put in its place.
#[test]
fn globals_are_added_where_there_were_none() {
    let surroundings = [
        "(tag)",
        "(memory 1) (tag)",
        r#"(memory (export "m") 1) (tag)"#,
        "(func $s) (start $s) (tag)",
        "(table 1 funcref) (func $f) (elem (i32.const 0) $f) (tag)",
        r#"(memory 1) (data "x") (tag)"#,
        r#"(memory 1) (data $d "x") (tag) (func (data.drop $d))"#,
        "(func) (tag)",
        "(global i32 (i32.const 1)) (tag)",
        r#"(import "m" "g" (global i32)) (tag)"#,
        r#"(tag) (@custom "c" (after last) "x")"#,
        r#"(tag) (@custom "c" (after tag) "x") (func)"#,
    ];
    for text in surroundings {
        let module = lowered(&format!("(module {text})"));
        Validator::new_with_features(WasmFeatures::WASM2)
            .validate_all(&module)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let globals = Parser::new(0).parse_all(&module).any(|payload| {
            matches!(payload.expect("valid"), Payload::GlobalSection(section) if section.count() > 0)
        });
        assert!(globals, "{text}");
    }
}

#[test]
fn custom_sections_survive_but_for_offsets_into_code() {
    let module = lowered(&format!(
        r#"(module $named {THROWING}
          (@custom "component-type:moon" "abc")
          (@custom "producers" "\00")
          (@custom ".debug_line" "abc")
          (@custom ".debug_info" "abc")
          (@custom "reloc.CODE" "\00\00"))"#
    ));
    assert_eq!(customs(&module), ["component-type:moon", "producers", "name"]);
}

#[test]
fn names_of_functions_survive_and_names_of_tags_and_labels_go() {
    let module = lowered(&format!("(module $named {THROWING})"));
    let mut kept = Vec::new();
    for payload in Parser::new(0).parse_all(&module) {
        if let Payload::CustomSection(section) = payload.expect("valid")
            && let wasmparser::KnownCustom::Name(names) = section.as_known()
        {
            for name in names {
                match name.expect("valid") {
                    wasmparser::Name::Module { name, .. } => kept.push(format!("module {name}")),
                    wasmparser::Name::Function(names) => {
                        kept.extend(
                            names.into_iter().map(|name| format!("function {}", name.expect("valid").name)),
                        );
                    }
                    _ => kept.push("names of something else".to_owned()),
                }
            }
        }
    }
    assert_eq!(kept, ["module named", "function f"]);
}

/// Nothing is added to functions that cannot throw: their bytes are those of before.
#[test]
fn functions_that_do_not_throw_are_left_alone() {
    let quiet = "(func $quiet (param i32) (result i32) (i32.add (call $quiet (local.get 0)) (i32.const 1)))";
    let bodies = |module: &[u8]| -> Vec<Vec<u8>> {
        Parser::new(0)
            .parse_all(module)
            .filter_map(|payload| match payload.expect("valid") {
                Payload::CodeSectionEntry(body) => Some(body.as_bytes().to_vec()),
                _ => None,
            })
            .collect()
    };
    let before = wat::parse_str(format!("(module {quiet} {THROWING})")).expect("valid");
    let after = lower_exceptions(&before).expect("lowered");
    assert_eq!(bodies(&before)[0], bodies(&after)[0]);
    assert_ne!(bodies(&before)[1], bodies(&after)[1]);
}
