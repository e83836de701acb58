//! A guest that is not our interpreter and does not ask `require`: what holds is the host's side of every import.

use perilune::{Kind, Limits};
use perilune_tests::TIGHT;
use perilune_tests::hostile::{component, core, start};

const HASH: &str = r#"(import "perilune:cell/hash@0.1.0" "md5" (func $md5 (param i32 i32 i32 i32)))"#;
const CALL_HASH: &str = "(call $md5 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2048))";

#[tokio::test]
async fn calling_an_interface_that_was_not_granted_ends_the_cell() {
    let failure =
        start(&component(&core(HASH, CALL_HASH)), &[], Limits::DEFAULT).await.expect_err("it is stopped");
    assert_eq!(failure.kind, Kind::PermissionDenied);
    let expected =
        "app:evil: called `hash.md5` without being granted it: list the module in the entry's `modules`";
    assert_eq!(failure.message, expected);
}

#[tokio::test]
async fn a_grant_of_another_module_does_not_help() {
    let failure = start(&component(&core(HASH, CALL_HASH)), &["json"], Limits::DEFAULT)
        .await
        .expect_err("it is stopped");
    assert_eq!(failure.kind, Kind::PermissionDenied);
}

#[tokio::test]
async fn the_same_call_works_with_the_grant() {
    let body = format!("{CALL_HASH} (i32.store8 (i32.const 1024) (i32.const 1)) (i32.store (i32.const 1032) (i32.const 2000))
        (i32.store (i32.const 1036) (i32.const 1)) (i32.store8 (i32.const 2000) (i32.const 42))");
    let result = start(&component(&core(HASH, &body)), &["hash"], Limits::DEFAULT).await;
    assert_eq!(result.expect("it may"), [42]);
}

/// Every module of the host, called with zeros for arguments by a guest that was granted none of them.
#[tokio::test]
async fn no_module_can_be_called_without_its_grant() {
    for (module, function, parameters, results) in ungranted_functions() {
        let types = parameters.iter().map(|ty| format!(" {ty}")).collect::<String>();
        let results = results.map(|ty| format!("(result {ty})")).unwrap_or_default();
        let import = format!(
            r#"(import "perilune:cell/{module}@0.1.0" "{function}" (func $evil (param{types}) {results}))"#
        );
        let zeros = parameters.iter().map(|ty| format!("({ty}.const 0) ")).collect::<String>();
        let drop = if results.is_empty() { "" } else { "drop" };
        let guest = component(&core(&import, &format!("{zeros} call $evil {drop}")));
        let failure = start(&guest, &[], Limits::DEFAULT).await.expect_err("it is stopped");
        assert_eq!(failure.kind, Kind::PermissionDenied, "{module}.{function}: {failure}");
    }
}

/// The core signature of every function of every module.
fn ungranted_functions() -> Vec<(String, String, Vec<&'static str>, Option<&'static str>)> {
    use wit_parser::Resolve;
    use wit_parser::abi::{AbiVariant, WasmType};
    let name = |ty: &WasmType| match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        _ => "i32",
    };
    let mut resolve = Resolve::default();
    let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = resolve.push_dir(wit).expect("wit/ is valid");
    let mut functions = Vec::new();
    for module in perilune::MODULES {
        let name_in_wit = module.name.replace('_', "-");
        let interface = resolve.packages[package].interfaces[&name_in_wit];
        for (function, definition) in &resolve.interfaces[interface].functions {
            let signature = resolve.wasm_signature(AbiVariant::GuestImport, definition);
            let parameters = signature.params.iter().map(name).collect();
            functions.push((
                name_in_wit.clone(),
                function.clone(),
                parameters,
                signature.results.first().map(name),
            ));
        }
    }
    functions
}

#[tokio::test]
async fn an_extension_that_was_not_granted_cannot_be_called() {
    let import =
        r#"(import "perilune:cell/extension@0.1.0" "call" (func $call (param i32 i32 i32 i32 i32 i32 i32)))"#;
    let data = r#"(data (i32.const 64) "secret")"#;
    let body = "(call $call (i32.const 64) (i32.const 6) (i32.const 64) (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 2048))";
    let core = core(import, body).replacen("(memory (export", &format!("{data} (memory (export"), 1);
    let failure = start(&component(&core), &[], Limits::DEFAULT).await.expect_err("it is stopped");
    assert_eq!(failure.kind, Kind::PermissionDenied);
}

#[tokio::test]
async fn a_ticket_that_was_never_given_ends_the_cell() {
    let import = r#"(import "perilune:cell/extension@0.1.0" "take-slow-call" (func $take (param i64 i32)))"#;
    let failure =
        start(&component(&core(import, "(call $take (i64.const 7) (i32.const 2048))")), &[], Limits::DEFAULT)
            .await;
    assert_eq!(failure.expect_err("it is stopped").kind, Kind::Internal);
}

#[tokio::test]
async fn a_native_loop_and_native_memory_meet_the_limits() {
    let failure = start(&component(&core("", "(loop (br 0))")), &[], TIGHT).await.expect_err("it is stopped");
    assert_eq!(failure.kind, Kind::Timeout);
    let body = "(loop (drop (memory.grow (i32.const 16))) (br_if 0 (i32.lt_u (memory.size) (i32.const 1024)))) unreachable";
    let failure = start(&component(&core("", body)), &[], TIGHT).await.expect_err("it is stopped");
    assert!(matches!(failure.kind, Kind::RateLimited | Kind::Timeout), "{failure}");
}

#[tokio::test]
async fn native_recursion_ends_the_cell() {
    let recursion = r#"(func $dig (call $dig))"#;
    let failure =
        start(&component(&core(recursion, "(call $dig)")), &[], TIGHT).await.expect_err("it is stopped");
    assert_eq!(failure.kind, Kind::Internal);
    assert_eq!(failure.details.and_then(|d| d.get("limit").cloned()), Some("stack".into()));
}

#[tokio::test]
async fn pointers_outside_its_memory_end_the_cell() {
    let import = r#"(import "perilune:cell/log@0.1.0" "print" (func $print (param i32 i32 i32 i32)))"#;
    let body = "(call $print (i32.const -16) (i32.const 1000000) (i32.const 0) (i32.const 0))";
    let failure = start(&component(&core(import, body)), &[], TIGHT).await.expect_err("it is stopped");
    assert_eq!(failure.kind, Kind::Internal);
}

#[tokio::test]
async fn waiting_for_nothing_ends_the_cell() {
    let failure = start(&component(&core("", "")), &[], TIGHT).await.expect_err("it is stopped");
    assert_eq!(failure.kind, Kind::Internal);
    assert!(failure.message.contains("waits for something that cannot come"), "{failure}");
}
