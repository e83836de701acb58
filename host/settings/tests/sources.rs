//! Who says what a setting is.

mod support;

use perilune_settings::{Definition, From, Setting, Sources, Value, find, resolve};
use support::{Folder, typed};

fn pair(value: &str, from: &str) -> (String, String) {
    (value.to_owned(), from.to_owned())
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let folder = Folder::with("limits:\n  cpu: 300ms\n");
    let variable = [("PERILUNE_LIMITS_CPU", "200ms")];
    assert_eq!(
        folder.get("limits.cpu", &["--limits-cpu", "100ms"], &variable),
        pair("100ms", "--limits-cpu")
    );
    assert_eq!(folder.get("limits.cpu", &[], &variable), pair("200ms", "variable PERILUNE_LIMITS_CPU"));
    assert_eq!(folder.get("limits.cpu", &[], &[]), pair("300ms", "perilune.yaml:2:8"));
    assert_eq!(folder.get("limits.memory", &[], &[]), pair("64MiB", "default"));
}

#[test]
fn a_variable_that_is_empty_is_none() {
    assert_eq!(Folder::empty().get("strict", &[], &[("PERILUNE_STRICT", "")]), pair("auto", "default"));
}

#[test]
fn the_usual_variable_of_logs_is_asked_after_its_own() {
    let folder = Folder::empty();
    let usual = ("RUST_LOG", "debug");
    assert_eq!(folder.get("log.level", &[], &[usual]), pair("debug", "variable RUST_LOG"));
    let own = ("PERILUNE_LOG_LEVEL", "trace");
    assert_eq!(folder.get("log.level", &[], &[usual, own]), pair("trace", "variable PERILUNE_LOG_LEVEL"));
}

#[test]
fn a_list_is_replaced_not_extended() {
    let folder = Folder::empty();
    let variable = [("PERILUNE_ALLOW_NET", "a.example, b.example")];
    assert_eq!(folder.get("allow.net", &[], &variable).0, "a.example,b.example");
    let flags = ["--allow-net", "c.example,d.example", "--allow-net", "e.example"];
    assert_eq!(folder.get("allow.net", &flags, &variable).0, "c.example,d.example,e.example");
}

#[test]
fn flags_stand_before_or_after_the_command() {
    let folder = Folder::empty();
    for flags in [["--threads", "3", "call"], ["call", "--threads", "3"], ["ps", "--threads", "3"]] {
        assert_eq!(folder.get("threads", &flags, &[]).0, "3", "{flags:?}");
    }
}

#[test]
fn a_flag_without_a_value_says_yes() {
    let folder = Folder::with("cells: {deterministic: false}");
    assert_eq!(folder.get("cells.deterministic", &["--cells-deterministic"], &[]).0, "true");
    assert_eq!(folder.get("control.socket", &["--control-socket=false"], &[]).0, "false");
}

#[test]
fn a_file_that_the_operator_names_replaces_the_applications_own() {
    let folder = Folder::with("limits: {cpu: 300ms, memory: 1MiB}");
    let other = Folder::with(
        "limits: {cpu: 400ms}\nallow: {net: [api.example.com], dir: [data, /srv]}\nstrict: never\n",
    );
    let file = other.path().join("perilune.yaml").display().to_string();
    for (flags, variables) in
        [(&["--config", file.as_str()][..], &[][..]), (&[][..], &[("PERILUNE_CONFIG", file.as_str())][..])]
    {
        assert_eq!(folder.get("limits.cpu", flags, variables).0, "400ms");
        assert_eq!(folder.get("limits.memory", flags, variables), pair("64MiB", "default"));
        assert_eq!(folder.get("strict", flags, variables).0, "never");
        let data = other.path().join("data");
        assert_eq!(folder.get("allow.dir", flags, variables).0, format!("{},/srv", data.display()));
    }
}

#[test]
fn files_that_say_nothing_set_nothing() {
    for yaml in ["", "# a comment\n", "{}", "---\n", "limits:\n", "limits: {}\n", "\u{feff}limits:\n"] {
        assert_eq!(Folder::with(yaml).get("limits.cpu", &[], &[]), pair("1s", "default"), "{yaml:?}");
    }
}

#[test]
fn quotes_do_not_matter_for_texts_sizes_and_times() {
    let folder = Folder::with("limits: {cpu: \"300ms\", 'memory': '2MiB'}\ncells: {max: 7}\n");
    assert_eq!(folder.get("limits.cpu", &[], &[]).0, "300ms");
    assert_eq!(folder.get("limits.memory", &[], &[]).0, "2MiB");
    assert_eq!(folder.get("cells.max", &[], &[]).0, "7");
}

#[test]
fn a_variable_that_is_nearly_one_is_mentioned() {
    let variables = [("PERILUNE_LIMIT_CPU", "1s"), ("PERILUNE_SHOP_KEY", "x"), ("PERILUNE_STRICT", "never")];
    let resolved = Folder::empty().resolve(&[], &variables).expect("it is no error");
    let expected = "the variable PERILUNE_LIMIT_CPU is no setting: did you mean PERILUNE_LIMITS_CPU?";
    assert_eq!(resolved.warnings(), [expected]);
}

#[test]
fn a_command_without_a_folder_reads_no_file() {
    let sources = Sources { flags: typed(&["--color", "never"]), ..Sources::default() };
    let resolved = resolve(&sources).expect("nothing is wrong");
    assert_eq!(resolved.file(), None);
    assert_eq!(resolved.get("color").map(|setting| setting.shown()).as_deref(), Some("never"));
}

#[test]
fn a_secret_is_never_shown() {
    let definition: &Definition = find("log.level").expect("there is such a setting");
    let definition: &'static Definition = Box::leak(Box::new(Definition { secret: true, ..*definition }));
    let setting = Setting { definition, value: Some(Value::Text("hunter2".to_owned())), from: From::Default };
    assert_eq!(setting.shown(), "(hidden)");
}
