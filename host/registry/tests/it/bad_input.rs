//! What each mistake gets: the exact text.

use crate::support::{App, refusal};
use insta::assert_snapshot;

const FUNCTION: &str = "namespace: app
entries:
  - name: handler
    kind: function.lua
    source: file://main.lua
    method: main
";

/// The refusal of one function entry with more lines.
fn function(lines: &str) -> String {
    refusal(&format!("{FUNCTION}{lines}"))
}

macro_rules! refused {
    ($($name:ident: $refusal:expr;)*) => {
        $(#[test] fn $name() { assert_snapshot!($refusal); })*
    };
}

refused! {
    malformed_yaml: refusal("namespace: app\nentries: [\n  - x: {\n");
    malformed_json: App::new(&[("app.json", "{\"namespace\": \"app\",\n \"entries\": [],}")]).refusal();
    json_with_comments: App::new(&[("app.json", "{\"namespace\": \"app\", // why\n \"entries\": []}")]).refusal();
    empty_files: App::new(&[("a.yaml", ""), ("b.yaml", "# only a comment\n"), ("c.json", "  ")]).refusal();
    not_utf_8: {
        let app = App::new(&[]);
        app.write("latin.yaml", b"namespace: caf\xe9").write("utf16.json", b"\xff\xfe{\0}\0").refusal()
    };
    duplicate_keys: refusal("namespace: app\nentries:\n- name: a\n  kind: registry.entry\n  name: b\n");
    duplicate_keys_in_json: App::new(&[("a.json", "{\"namespace\": \"a\",\n\"entries\": [],\n\"namespace\": \"b\"}")]).refusal();
    several_documents: refusal("namespace: app\nentries: []\n---\nnamespace: b\nentries: []\n");
    tags: refusal("namespace: app\nname: x\nkind: registry.entry\nvalue: !secret y\n");
    keys_that_are_no_text: refusal("namespace: app\nname: x\nkind: registry.entry\nvalue: {[1, 2]: 3}\n");
    integers_beyond_64_bits: refusal("namespace: app\nname: x\nkind: registry.entry\nvalue: 9223372036854775808\n");
    alias_to_what_holds_it: refusal("namespace: app\nname: x\nkind: registry.entry\nvalue: &a [*a]\n");
    unknown_alias: refusal("namespace: app\nname: x\nkind: registry.entry\nvalue: *nothing\n");

    missing_namespace: refusal("entries:\n  - name: x\n    kind: registry.entry\n");
    wrong_version: refusal("version: \"2.0\"\nnamespace: app\nentries: []\n");
    misspelt_entries: refusal("namespace: app\nentires: []\n");
    neither_entries_nor_entry: refusal("namespace: app\n");
    entries_beside_a_single_entry: refusal("namespace: app\nname: x\nentries: []\n");
    entries_that_are_no_list: refusal("namespace: app\nentries: {x: 1}\n");
    unknown_key_of_a_file: refusal("namespace: app\nmetadata: {}\nentries: []\n");
    entries_without_name_or_kind: refusal("namespace: app\nentries:\n- kind: registry.entry\n- name: x\n- nmae: y\n  kind: registry.entry\n- name: 7\n  kind: registry.entry\n- just text\n");
    names_that_are_no_names: refusal("namespace: \"a:b\"\nentries:\n- {name: x y, kind: registry.entry}\n");
    data_with_siblings: refusal("namespace: app\nname: x\nkind: registry.entry\ndata: {a: 1}\nextra: 2\n");
    meta_that_is_no_map: refusal("namespace: app\nmeta: [1]\nentries:\n- {name: x, kind: registry.entry, meta: text}\n");
    duplicate_ids: App::new(&[
        ("a.yaml", "namespace: app\nname: x\nkind: registry.entry\n"),
        ("b.yaml", "namespace: app\nentries:\n- name: x\n  kind: registry.entry\n"),
    ]).refusal();

    unknown_kind: refusal("namespace: app\nentries:\n  - name: handler\n    kind: functoin.lua\n    source: file://main.lua\n");
    kind_like_nothing: refusal("namespace: app\nname: x\nkind: http.endpoint\n");
    bytecode_without_its_file: refusal("namespace: app\nname: x\nkind: function.lua.bc\n");
    missing_fields: refusal("namespace: app\nname: x\nkind: function.lua\n");
    unknown_fields: function("    modles: [json]\n    pool: {max-size: 3}\n");
    method_of_a_library: refusal("namespace: app\nname: x\nkind: library.lua\nsource: file://main.lua\nmethod: main\n");
    timeout_of_a_process: refusal("namespace: app\nname: x\nkind: process.lua\nsource: file://main.lua\nlimits: {timeout: 3s}\n");
    wrong_types: function("    modules: json\n    imports: [a]\n    pool: adaptive\n    limits:\n");
    wrong_items: function("    modules: [json, 7, \"\", json]\n    imports: {\"\": \"app:x\", a: 3, b: \"app:\"}\n");
    wrong_values: function("    pool: {type: lasy, size: -1, warm_start: yes, max_size: 1.5}\n    limits: {memory: 64, cpu: 0s, timeout: soon}\n");
    limits_without_units_or_out_of_range: function("    limits: {memory: \"64\", cpu: \"5\", timeout: 1000h}\n");
    command_without_name: refusal("namespace: app\nname: x\nkind: process.lua\nsource: file://main.lua\nmeta: {command: {shrt: x}}\n");

    missing_source_file: refusal(&FUNCTION.replace("main.lua", "mian.lua"));
    escaping_source_file: refusal(&FUNCTION.replace("main.lua", "../../etc/passwd"));
    absolute_source_file: refusal(&FUNCTION.replace("main.lua", "//etc/passwd"));
    source_that_is_a_directory: App::new(&[("app.yaml", &FUNCTION.replace("main.lua", "lua")), ("lua/x.lua", "")]).refusal();
    empty_source_path: refusal(&FUNCTION.replace("main.lua", ""));
    empty_source_file: App::new(&[("app.yaml", FUNCTION), ("main.lua", "\n")]).refusal();
    bytecode_source: App::new(&[("app.yaml", FUNCTION), ("main.lua", "\x1bLua\x54\0\x19")]).refusal();
    source_that_is_not_utf_8: App::new(&[("app.yaml", FUNCTION)]).write("main.lua", b"return '\xff'").refusal();
    source_of_50_megabytes: {
        let app = App::new(&[("app.yaml", FUNCTION)]);
        // A hole: the file takes no room on disk, and reading it would take 50 MB.
        std::fs::File::create(app.path().join("main.lua")).unwrap().set_len(50_000_000).unwrap();
        app.refusal()
    };
    entry_file_of_50_megabytes: {
        let app = App::new(&[]);
        std::fs::File::create(app.path().join("huge.yaml")).unwrap().set_len(50_000_000).unwrap();
        app.refusal()
    };
    syntax_error_in_a_source_file: App::new(&[("app.yaml", FUNCTION), ("main.lua", "local x = 1\nlocal syntax error\n")]).refusal();
    syntax_error_in_a_literal_source: refusal("namespace: app\nname: x\nkind: library.lua\nsource: |\n  local x = 1\n  local syntax error\n");
    everything_at_once: App::new(&[
        ("a.yaml", FUNCTION),
        ("b.yaml", "namespace: b\nname: x\nkind: functoin.lua\n"),
        ("c.yaml", "namespace: ["),
        ("main.lua", "syntax error"),
    ]).refusal();
    minified_json_is_named_not_quoted: {
        let filler = "x".repeat(10_000);
        let json = format!("{{\"namespace\": \"a\", \"name\": \"x\", \"text\": \"{filler}\", \"kind\": \"nothing\"}}");
        App::new(&[("app.json", &json)]).refusal()
    };
    control_characters_are_spelled_out: refusal("namespace: app\nname: x\nkind: \"\\e[31mred\"\n");
}

#[test]
fn a_directory_that_is_not_there() {
    let report = perilune_registry::Registry::load(
        std::path::Path::new("/no/such/directory"),
        crate::support::rules(),
    );
    assert_snapshot!(report.unwrap_err().render(false));
}

#[test]
fn places_are_right_after_any_characters_and_line_breaks() {
    for before in [
        "# é comment ü\n",
        "meta: {é: 😀} # 😀😀\n",
        "meta:\n  text: |\n    日本語\n    ü\n",
        "meta: {a: \"é\\u00e9\", b: 'ü'}   # é\n",
        "meta: {a: plain é\n  over ü lines}\r\n",
        "\t# é\n\n\r\n",
        "meta: {a: &é ü, b: *é}\n",
    ] {
        let yaml = format!("namespace: app\n{before}name: x # é\nkind:   functoin.lua # ü\n");
        let line = yaml.lines().position(|line| line.starts_with("kind")).unwrap() + 1;
        let refusal = refusal(&yaml);
        assert!(refusal.contains(&format!("--> app.yaml:{line}:9\n")), "{before:?}\n{refusal}");
        assert!(refusal.contains("        ^^^^^^^^^^^^\n"), "{before:?}\n{refusal}");
    }
}

#[test]
fn alias_bomb() {
    let mut yaml = String::from("namespace: app\nname: x\nkind: registry.entry\na0: &a0 [lol]\n");
    for level in 1..40 {
        let above = level - 1;
        yaml.push_str(&format!(
            "a{level}: &a{level} [*a{above}, *a{above}, *a{above}, *a{above}, *a{above}]\n"
        ));
    }
    assert_snapshot!(refusal(&yaml));
}

#[test]
fn alias_bomb_of_one_long_text() {
    let yaml = format!(
        "namespace: app\nname: x\nkind: registry.entry\nlong: &long {}\nmany: [{}]\n",
        "x".repeat(1_000_000),
        "*long, ".repeat(10_000)
    );
    assert!(refusal(&yaml).contains("error[E106]"));
}

#[test]
fn values_that_nest_too_deep() {
    for (name, open, close) in [("a.yaml", "[", "]"), ("a.json", "[", "]"), ("b.json", "{\"a\":", "}")] {
        for depth in [130, 500, 5_000, 100_000] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let text = format!(
                "{{\"namespace\": \"a\", \"name\": \"x\", \"kind\": \"registry.entry\", \"v\": {nested}}}"
            );
            let refusal = App::new(&[(name, &text)]).refusal();
            assert!(refusal.contains("error[E106]") || refusal.contains("error[E104]"), "{refusal}");
        }
    }
    let blocks = format!("namespace: a\nname: x\nkind: registry.entry\nv:\n  {}1", "- ".repeat(5_000));
    assert!(refusal(&blocks).contains("error[E106]"));
}

#[test]
fn a_shared_meta_cannot_grow_with_the_number_of_entries() {
    let entries = "- {name: x, kind: registry.entry}\n".repeat(20_000);
    let yaml = format!("namespace: app\nmeta: {{text: {}}}\nentries:\n{entries}", "x".repeat(100_000));
    let refusal = refusal(&yaml);
    assert!(refusal.contains("`meta` is copied into every entry of the file, and is too large for that\n"));
    assert!(refusal.contains("help: move it to the entries that need it\n"), "it says what to do");
}

#[test]
fn an_application_has_no_more_folders_than_are_looked_into() {
    let app = App::new(&[]);
    (0..10_000).for_each(|number| std::fs::create_dir(app.path().join(number.to_string())).unwrap());
    assert_eq!(
        app.baseline().report().problems()[0].message(),
        "there are more than 10000 entry files or directories"
    );
}

#[test]
fn the_files_that_entries_name_have_room_together() {
    let entries = "- {name: NUMBER, kind: library.lua, source: file://main.lua}\n";
    let entries: String = (0..3).map(|number| entries.replace("NUMBER", &format!("n{number}"))).collect();
    let yaml = format!("namespace: app\nentries:\n{entries}");
    let main = format!("return '{}'", "x".repeat(4_000));
    let app = App::new(&[("app.yaml", &yaml), ("main.lua", &main)]);
    let limits = perilune_registry::Limits { bytes: 10_000, ..Default::default() };
    let rules = crate::support::rules().with_limits(limits);
    let report = perilune_registry::Registry::load(app.path(), rules).unwrap_err();
    assert_eq!(
        report.problems()[0].message(),
        "the sources of this application together exceed the registry's limit"
    );
}

#[test]
fn only_the_first_thousand_problems_are_shown_and_all_are_counted() {
    let yaml = format!("namespace: app\nentries:\n{}", "- 1\n".repeat(100_000));
    let refusal = refusal(&yaml);
    assert_eq!(refusal.matches("error[").count(), 1000);
    assert!(refusal.ends_with("100000 problems found, the first 1000 shown\n"));
}

#[test]
fn colours_are_added_on_request_only() {
    let app = App::new(&[("app.yaml", "namespace: app\nname: x\nkind: nothing\n")]);
    let report = perilune_registry::Registry::load(app.path(), crate::support::rules()).unwrap_err();
    assert!(!report.render(false).contains('\u{1b}'));
    assert!(report.render(true).contains("\u{1b}["));
}

#[cfg(unix)]
mod links {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_circle_of_directories() {
        let app = App::new(&[("lib/app.yaml", "namespace: app\nentries: []\n")]);
        symlink("..", app.path().join("lib/up")).unwrap();
        assert_snapshot!(app.refusal());
    }

    #[test]
    fn a_circle_of_files() {
        let app = App::new(&[]);
        symlink("b.yaml", app.path().join("a.yaml")).unwrap();
        symlink("a.yaml", app.path().join("b.yaml")).unwrap();
        assert_snapshot!(app.refusal());
    }

    #[test]
    fn a_link_out_of_the_application() {
        let outside =
            App::new(&[("secret.lua", "return 'secret'"), ("other.yaml", "namespace: x\nentries: []")]);
        let app = App::new(&[("app.yaml", FUNCTION)]);
        symlink(outside.path().join("secret.lua"), app.path().join("main.lua")).unwrap();
        symlink(outside.path().join("other.yaml"), app.path().join("other.yaml")).unwrap();
        let refusal = app.refusal();
        assert!(!refusal.contains("return 'secret'"));
        assert_snapshot!(refusal);
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let app = App::new(&[]);
        let pipe = app.path().join("pipe.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_snapshot!(app.refusal());
    }
}
