//! Components that do not fit are refused when the application loads, by name.

use insta::assert_snapshot;
use perilune_tests::components::{CALLS, ENTRY, FUNCTIONS, component, try_app};
use perilune_tests::render;
use std::fs;

const ENTRY_YAML: &str = "{name: main, kind: function.wasm, component: 'file://main.wasm', method: f}";

/// A component that exports `f` and has these parts besides.
fn exporting_f(parts: &str) -> String {
    format!(
        "(component {parts} (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
         (func (export \"f\") (canon lift (core func $i \"f\"))))"
    )
}

fn refusal(entry: &str, text: &str) -> String {
    let refused = try_app(&[entry], &[("main", text)], &[], |builder| builder);
    render(&refused.err().expect("the application is refused"))
}

/// [`refusal`] of bytes.
fn refusal_of(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let yaml = format!("version: '1.0'\nnamespace: app\nentries:\n  - {ENTRY_YAML}\n");
    fs::write(folder.path().join("app.yaml"), yaml).expect("the file is written");
    fs::write(folder.path().join("main.wasm"), bytes).expect("the file is written");
    let refused = perilune_tests::App::build_in(folder, |builder| builder);
    render(&refused.err().expect("the application is refused"))
}

macro_rules! refused {
    ($($name:ident: $refusal:expr;)*) => {
        $(#[test]
        fn $name() {
            assert_snapshot!($refusal);
        })*
    };
}

refused! {
    an_import_that_nothing_grants: refusal(ENTRY_YAML, &exporting_f(r#"(import "acme:secrets/vault@1.0.0" (instance (export "open" (func))))"#));
    an_import_of_a_module_that_the_entry_does_not_list: refusal(&ENTRY_YAML.replace("method: f", "method: call"), CALLS);
    an_import_of_another_type: refusal(ENTRY_YAML, &exporting_f(r#"(import "wasi:cli/environment@0.2.0" (instance (export "get-arguments" (func (result u32)))))"#));
    an_export_that_is_missing: refusal(ENTRY_YAML, FUNCTIONS);
    no_export_that_is_known: refusal(&ENTRY_YAML.replace(", method: f", ""), FUNCTIONS);
    a_resource_as_result: refusal(ENTRY_YAML, r#"(component (type $r' (resource (rep i32))) (export $r "r" (type $r'))
        (core module $m (func (export "f") (result i32) i32.const 0)) (core instance $i (instantiate $m))
        (func (export "f") (result (own $r)) (canon lift (core func $i "f"))))"#);
    another_hash: refusal(&ENTRY_YAML.replace("method: f", &format!("hash: 'sha256:{}'", "0".repeat(64))), ENTRY);
    more_than_the_host_allows: refusal(&ENTRY_YAML.replace("method: f", "limits: {memory: 4GiB, timeout: 5h}"), ENTRY);
    an_item_that_names_no_hosts: refusal(&ENTRY_YAML.replace("method: f", "network: {allow: ['https://example.com/']}"), ENTRY);
    a_core_module: refusal_of(b"\0asm\x01\0\0\0");
    a_component_that_is_cut_off: { let whole = component(ENTRY); refusal_of(&whole[..whole.len() / 2]) };
    garbage_behind_the_first_bytes: refusal_of(b"\0asm\x0d\0\x01\0garbage that goes on for a while");
}
