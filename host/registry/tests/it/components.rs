//! Entries that are WebAssembly components: what each mistake gets, and what the loader reads.

use crate::support::{App, id, told};
use insta::assert_snapshot;
use perilune_registry::{ComponentEntry, Entry, Fields, KindSpec, Kinds, Mount, Operation, Registry, Rules};
use perilune_value::Value;
use std::sync::Arc;

const HEAD: &str = "namespace: app
entries:
  - name: words
    kind: function.wasm
    component: file://words.wasm
";

/// The first bytes of every component.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

const MORE: &str = "
  - {name: key, kind: registry.entry}
";

fn app(bytes: &[u8], lines: &str) -> App {
    let app = App::new(&[("app.yaml", &format!("{HEAD}{lines}{MORE}"))]);
    app.write("words.wasm", bytes);
    app
}

fn refusal(bytes: &[u8], lines: &str) -> String {
    app(bytes, lines).refusal()
}

macro_rules! refused {
    ($($name:ident: $refusal:expr;)*) => {
        $(#[test] fn $name() { assert_snapshot!($refusal); })*
    };
}

refused! {
    a_component_that_is_missing: App::new(&[("app.yaml", HEAD), ("word.wasm", "")]).refusal();
    a_component_outside_of_the_application: App::new(&[("app.yaml", &HEAD.replace("words.wasm", "../../etc/passwd"))]).refusal();
    a_component_without_a_path: App::new(&[("app.yaml", &HEAD.replace("words.wasm", ""))]).refusal();
    an_empty_file: refusal(b"", "");
    a_text: refusal(b"return {}", "");
    a_core_module: refusal(b"\0asm\x01\0\0\0", "");
    a_component_that_is_cut_off: refusal(b"\0asm\x0d", "");
    a_component_of_a_later_version: refusal(b"\0asm\x0e\0\x01\0", "");
    a_hash_that_is_none: refusal(COMPONENT, "    hash: 'md5:900150983cd24fb0'\n");
    mounts_at_paths_that_are_none: refusal(
        COMPONENT,
        "    mounts:\n      - {fs: data, path: data}\n      - {fs: data, path: /a/../b}\n      - {fs: data, path: /a}\n      - {fs: data, path: /a}\n",
    );
    fields_of_the_wrong_type: refusal(COMPONENT, "    mounts: /data\n    env: KEY\n    network: true\n    method: 7\n");
    fields_of_lua_entries: refusal(COMPONENT, "    source: file://words.lua\n    modules: [json]\n");
    grants_of_other_kinds: refusal(COMPONENT, "    env: [key, missing]\n    mounts: [{fs: key, path: /data}]\n");
    a_folder_in_place_of_a_component: {
        let app = App::new(&[("app.yaml", HEAD)]);
        app.write("words.wasm/words.wasm", COMPONENT);
        app.refusal()
    };
    modules_that_components_do_not_have: refusal(COMPONENT, "    modules: [sql, funcs, nothing]\n");
    an_inline_pool: refusal(COMPONENT, "    pool: {type: inline}\n");
    a_component_that_is_imported: {
        let app = app(COMPONENT, "  - {name: main, kind: library.lua, source: 'return {}', imports: {words: app:words}}");
        app.refusal()
    };
}

#[test]
fn a_file_larger_than_a_component_may_be_is_not_read() {
    let app = app(COMPONENT, "");
    std::fs::File::create(app.path().join("words.wasm")).unwrap().set_len(100 << 20).unwrap();
    assert_snapshot!(app.refusal());
}

#[test]
fn bytes_that_a_program_gives_are_looked_at_too() {
    let registry = Registry::new(Default::default(), crate::support::rules()).unwrap();
    let too_many = vec![0; perilune_registry::MAX_COMPONENT_BYTES + 1];
    let refusals = [b"file://words.wasm".to_vec(), too_many].map(|bytes| {
        let entry =
            Entry::new(id("app:words"), "function.wasm").with_field("component", Value::String(bytes));
        told(registry.apply(&[Operation::Create(Arc::new(entry))], None).unwrap_err())
    });
    assert_snapshot!(refusals.join("\n"), @r"
    app:words: field `component`: the component refers to a file, which only the loader can read
      give its bytes; `file://` is for entries read from files
    app:words: field `component`: the component has 67108865 bytes, more than the 67108864 allowed
      build it without debugging information
    ");
}

#[test]
fn the_file_is_read_as_bytes_and_the_fields_are_typed() {
    let hash = "AB".repeat(32);
    let lines = format!(
        "    hash: sha256:{hash}\n    method: count\n    mounts: [{{fs: data, path: /data, write: true}}]\n    network: {{allow: [example.com]}}\n    limits: {{memory: 8MiB}}\n  - {{name: data, kind: fs.directory}}",
    );
    let directory = KindSpec { name: "fs.directory", fields: Fields::Free, ..KindSpec::EMPTY };
    let rules = Rules::new(Kinds::standard().with(directory));
    let registry = Registry::load(app(COMPONENT, &lines).path(), rules).unwrap();
    let entry = registry.snapshot().get(&id("app:words")).unwrap().clone();
    let component = ComponentEntry::decode(&entry).unwrap();
    assert_eq!(component.component, COMPONENT);
    assert_eq!(component.hash.as_deref(), Some(&*"ab".repeat(32)));
    assert_eq!(component.method.as_deref(), Some("count"));
    let mount = Mount { directory: id("app:data"), path: "/data".to_owned(), writable: true };
    assert_eq!(component.mounts, [mount]);
    assert_eq!(component.network, Some(vec!["example.com".to_owned()]));
    assert_eq!(component.limits.memory, Some(8 << 20));
}
