//! What entries say about each other.

use crate::support::{App, data, library, refusal, registry, rules};
use insta::assert_snapshot;
use perilune_registry::{Baseline, Entry, Registry};

/// The refusal of entries built in memory.
fn refused(entries: impl IntoIterator<Item = Entry>) -> String {
    let mut baseline = Baseline::new();
    for entry in entries {
        baseline.add(entry);
    }
    Registry::new(baseline, rules())
        .map(|_| "accepted".to_owned())
        .unwrap_or_else(|report| report.render(false))
}

fn with_modules(entry: Entry, modules: &[&str]) -> Entry {
    entry.with_field("modules", modules.iter().map(|name| (*name).into()).collect::<Vec<_>>())
}

#[test]
fn unknown_modules_get_a_suggestion() {
    assert_snapshot!(refusal(
        "namespace: app\nname: x\nkind: library.lua\nsource: file://main.lua\nmodules: [jsn, app:helpers, carrots]\n"
    ));
}

#[test]
fn imports_that_do_not_exist() {
    let yaml = "namespace: app
entries:
- name: helpers
  kind: library.lua
  source: file://main.lua
- name: x
  kind: library.lua
  source: file://main.lua
  imports:
    a: app:helprs
    b: helpers
    c: other:thing
    d: jsn
";
    assert_snapshot!(refusal(yaml));
}

#[test]
fn a_missing_import_mentions_files_that_could_not_be_read() {
    let app = App::new(&[
        ("a.yaml", "namespace: app\nname: x\nkind: library.lua\nsource: return 1\nimports: {y: app:y}\n"),
        ("b.yaml", "namespace: ["),
    ]);
    assert_snapshot!(app.refusal());
}

#[test]
fn data_cannot_be_imported() {
    assert_snapshot!(refused([library("app:a", &[("d", "app:d")]), data("app:d", 1)]));
}

#[test]
fn functions_and_processes_can_be_imported() {
    let code = |name: &str, kind: &str| {
        Entry::new(crate::support::id(name), kind)
            .with_field("source", "return {}")
            .with_field("method", "main")
    };
    registry([
        library("app:a", &[("f", "app:f"), ("p", "app:p")]),
        code("app:f", "function.lua"),
        code("app:p", "process.lua"),
    ]);
}

#[test]
fn an_entry_cannot_import_itself() {
    assert_snapshot!(refused([library("app:a", &[("me", "app:a")])]));
}

#[test]
fn cycles_are_shown_as_a_path() {
    let entries = [
        library("app:a", &[("b", "app:b")]),
        library("app:b", &[("c", "app:c")]),
        library("app:c", &[("a", "app:a")]),
    ];
    assert_snapshot!(refused(entries));
}

#[test]
fn one_target_may_have_two_aliases() {
    registry([library("app:a", &[("x", "app:b"), ("y", "app:b")]), library("app:b", &[])]);
}

#[test]
fn an_alias_may_stand_for_a_built_in_module() {
    registry([library("app:a", &[("j", "json")])]);
}

#[test]
fn one_name_cannot_mean_two_things_in_one_closure() {
    let yaml = "namespace: app
entries:
- name: main
  kind: library.lua
  source: file://main.lua
  modules: [json]
  imports: {util: app:util, helpers: app:helpers}
- name: util
  kind: library.lua
  source: file://main.lua
  imports: {helpers: app:main_helpers}
- name: helpers
  kind: library.lua
  source: file://main.lua
  imports: {json: app:main_helpers}
- name: main_helpers
  kind: library.lua
  source: file://main.lua
";
    assert_snapshot!(refusal(yaml));
}

#[test]
fn an_alias_cannot_hide_a_module_of_the_same_entry() {
    let entry = with_modules(library("app:a", &[("json", "app:b")]), &["json"]);
    assert_snapshot!(refused([entry, library("app:b", &[])]));
}

#[test]
fn a_collision_below_names_the_entry_that_loads_both() {
    let entries = [
        library("app:top", &[("l", "app:left"), ("r", "app:right")]),
        library("app:left", &[("x", "app:one")]),
        library("app:right", &[("x", "app:two")]),
        library("app:one", &[]),
        library("app:two", &[]),
    ];
    assert_snapshot!(refused(entries));
}

#[test]
fn one_name_may_mean_two_things_in_closures_that_never_meet() {
    registry([
        library("app:left", &[("x", "app:one")]),
        library("app:right", &[("x", "app:two")]),
        library("app:one", &[]),
        library("app:two", &[]),
    ]);
}

#[test]
fn an_alias_cannot_hide_what_is_always_present() {
    assert_snapshot!(refused([library("app:a", &[("string", "app:b")]), library("app:b", &[])]));
}

#[test]
fn the_module_process_may_be_listed_although_it_is_always_present() {
    registry([with_modules(library("app:a", &[]), &["process"])]);
}

#[test]
fn command_names_are_unique() {
    let yaml = "namespace: app
entries:
- {name: a, kind: process.lua, source: file://main.lua, meta: {command: {name: serve, short: First}}}
- {name: b, kind: process.lua, source: file://main.lua, meta: {command: {name: serve, main: true}}}
";
    assert_snapshot!(refusal(yaml));
}

#[test]
fn a_closure_has_a_largest_size() {
    let chain = |length: usize| {
        (0..length).map(move |n| match n {
            0 => library("app:n0", &[]),
            n => library(&format!("app:n{n}"), &[("next", &format!("app:n{}", n - 1))]),
        })
    };
    // Every link means something else by `next`, so give each a name of its own.
    let named = |length: usize| {
        chain(length).enumerate().map(|(n, entry)| match n {
            0 => entry,
            n => library(&format!("app:n{n}"), &[(&format!("to{}", n - 1), &format!("app:n{}", n - 1))]),
        })
    };
    registry(named(1000));
    assert_snapshot!(refused(named(1001)));
}

#[test]
fn a_chain_as_long_as_a_registry_overflows_no_stack() {
    let ring = (0..40_000).map(|n| {
        let next = (n + 1) % 40_000;
        library(&format!("app:n{n}"), &[(&format!("to{next}"), &format!("app:n{next}"))])
    });
    assert!(refused(ring).contains("… 39992 more …"));
}

#[test]
fn what_an_entry_in_memory_does_wrong_points_at_its_id() {
    let entry = Entry::new(crate::support::id("app:handler"), "functoin.lua")
        .with_field("modules", vec!["json".into()]);
    assert_snapshot!(refused([entry]));
}

#[test]
fn an_entry_made_at_run_time_cannot_read_files() {
    let entry =
        Entry::new(crate::support::id("app:spy"), "library.lua").with_field("source", "file:///etc/passwd");
    assert_snapshot!(refused([entry]));
}

#[test]
fn two_entries_in_memory_cannot_have_one_id() {
    assert_snapshot!(refused([data("app:a", 1), data("app:a", 2)]));
}
