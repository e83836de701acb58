//! Files that are edited while the registry is in use.

use crate::support::{App, data, id, rules};
use perilune_registry::{Applied, Operation, Places, Reader, Registry, Reload, VersionId};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

const YAML: &str = "
namespace: app
entries:
  - {name: hello, kind: function.lua, source: 'file://src/hello.lua', method: main, imports: {words: 'app:words'}}
  - {name: words, kind: library.lua, source: 'file://src/words.lua'}
  - {name: number, kind: registry.entry, value: 1}
";

fn app() -> (App, Registry, Reload) {
    let app = App::new(&[
        ("app.yaml", YAML),
        ("src/hello.lua", "return function() return 1 end"),
        ("src/words.lua", "return {}"),
    ]);
    let registry = app.load();
    let reload = Reload::new(&registry, app.path());
    (app, registry, reload)
}

fn ids(applied: Option<Applied>) -> Vec<String> {
    let applied = applied.expect("something has changed");
    let show = |operation: &Operation| match operation {
        Operation::Create(entry) => format!("+{}", entry.id()),
        Operation::Update(entry) => entry.id().to_string(),
        Operation::Delete(id) => format!("-{id}"),
    };
    applied.operations.iter().map(show).collect()
}

fn source(registry: &Registry, name: &str) -> String {
    let snapshot = registry.snapshot();
    let source = snapshot.get(&id(name)).unwrap().data().get("source").unwrap();
    source.as_str().unwrap().to_owned()
}

#[test]
fn an_edited_source_changes_the_entries_that_name_it_and_no_others() {
    let (app, registry, mut reload) = app();
    assert!(reload.apply(&registry).unwrap().is_none(), "nothing has changed yet");
    let words = registry.snapshot().get(&id("app:words")).unwrap().clone();
    app.write("src/hello.lua", b"return function() return 2 end");
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:hello"]);
    assert_eq!(source(&registry, "app:hello"), "return function() return 2 end");
    assert!(Arc::ptr_eq(&words, registry.snapshot().get(&id("app:words")).unwrap()));
    assert!(reload.apply(&registry).unwrap().is_none());
}

#[test]
fn a_file_that_is_known_to_have_changed_is_read_without_a_look_at_others() {
    let (app, registry, mut reload) = app();
    let only = |path: &str| BTreeSet::from([PathBuf::from(path)]);
    assert!(reload.apply_changed(&registry, &only("src/hello.lua")).is_none(), "nothing has been read yet");
    assert!(reload.apply(&registry).unwrap().is_none());

    app.write("src/words.lua", b"return {1}");
    app.write("src/hello.lua", b"return function() return 2 end");
    assert_eq!(ids(reload.apply_changed(&registry, &only("src/hello.lua")).unwrap().unwrap()), ["app:hello"]);
    assert!(reload.apply_changed(&registry, &only("src/hello.lua")).unwrap().unwrap().is_none());
    app.write("app.yaml", YAML.replace("value: 1", "value: 2").as_bytes());
    assert_eq!(ids(reload.apply_changed(&registry, &only("app.yaml")).unwrap().unwrap()), ["app:number"]);
    assert_eq!(source(&registry, "app:words"), "return {}");
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:words"]);

    app.write("app.yaml", b"entries: [");
    assert_eq!(reload.apply_changed(&registry, &only("app.yaml")).unwrap().unwrap_err().len(), 1);
    assert!(reload.apply_changed(&registry, &only("app.yaml")).is_none(), "something was wrong");
}

#[test]
fn what_a_look_at_one_file_cannot_tell_takes_one_at_all() {
    let with = |line: &str| format!("{YAML}  - {line}\n");
    for (file, text) in [
        ("src/new.lua", "return 1".to_owned()),
        ("more.yaml", "{namespace: app, name: more, kind: registry.entry}".to_owned()),
        ("app.yaml", with("{name: new, kind: library.lua, source: 'file://src/new.lua'}")),
        ("extra.yaml", "{namespace: app, name: number, kind: registry.entry}".to_owned()),
    ] {
        let (app, registry, mut reload) = app();
        app.write("extra.yaml", b"{namespace: app, name: extra, kind: registry.entry}");
        reload.apply(&registry).unwrap();
        app.write(file, text.as_bytes());
        assert!(reload.apply_changed(&registry, &BTreeSet::from([PathBuf::from(file)])).is_none(), "{file}");
    }
}

#[test]
fn entries_come_and_go_with_their_files() {
    let (app, registry, mut reload) = app();
    app.write("more/extra.yaml", b"{namespace: more, name: extra, kind: registry.entry}");
    app.write("app.yaml", YAML.replace("value: 1", "value: 2").as_bytes());
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:number", "+more:extra"]);
    std::fs::remove_dir_all(app.path().join("more")).unwrap();
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["-more:extra"]);
}

#[test]
fn a_file_that_is_renamed_over_another_counts_although_length_and_time_are_the_same() {
    let (app, registry, mut reload) = app();
    let old = app.path().join("src/hello.lua");
    let time = SystemTime::now() - Duration::from_secs(3600);
    let stamp =
        |path: &Path| std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    stamp(&old);
    assert!(reload.apply(&registry).unwrap().is_none());
    app.write("src/new", b"return function() return 9 end");
    stamp(&app.path().join("src/new"));
    std::fs::rename(app.path().join("src/new"), &old).unwrap();
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:hello"]);
}

#[test]
fn changes_of_the_same_length_within_one_tick_of_the_clock_are_all_seen() {
    let (app, registry, mut reload) = app();
    for number in 2..60_u8 {
        app.write("src/hello.lua", format!("return function() return {} end", number % 10).as_bytes());
        assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:hello"], "change {number}");
    }
}

#[test]
fn what_is_wrong_is_reported_in_place_and_the_version_stays() {
    let (app, registry, mut reload) = app();
    app.write("src/words.lua", b"return {\n  syntax error\n}");
    app.write("app.yaml", YAML.replace("'app:words'", "'app:wordz'").as_bytes());
    let report = reload.apply(&registry).unwrap_err();
    assert_eq!(report.len(), 2);
    insta::assert_snapshot!("wrong_edits", report.render(false));
    assert_eq!(registry.head(), VersionId::BASELINE);
    assert_eq!(reload.apply(&registry).unwrap_err().len(), 2, "it is as wrong the next time");
    app.write("src/words.lua", b"return {1}").write("app.yaml", YAML.as_bytes());
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:words"]);
}

#[test]
fn a_reference_that_breaks_is_shown_where_it_stands_now() {
    let (app, registry, mut reload) = app();
    let moved = format!("# a new first line\n{}", YAML.replace("name: words", "name: wordz"));
    app.write("app.yaml", moved.as_bytes());
    insta::assert_snapshot!("moved_reference", reload.apply(&registry).unwrap_err().render(false));
}

#[test]
fn what_was_made_at_run_time_stays_until_its_file_changes() {
    let (app, registry, mut reload) = app();
    let made = [
        Operation::Update(Arc::new(data("app:number", 7))),
        Operation::Create(Arc::new(data("app:made", 1))),
    ];
    registry.apply(&made, None).unwrap();
    app.write("src/hello.lua", b"return function() end");
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:hello"]);
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.get(&id("app:number")).unwrap().data(), data("app:number", 7).data());
    assert!(snapshot.get(&id("app:made")).is_some());
    app.write("app.yaml", YAML.replace("value: 1", "value: 3").as_bytes());
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:number"]);
    // Of what was removed at run time, the file says what it is from now on.
    registry.apply(&[Operation::Delete(id("app:number"))], None).unwrap();
    app.write("app.yaml", YAML.replace("value: 1", "value: 4").as_bytes());
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["+app:number"]);
}

#[test]
fn an_entry_may_become_one_of_another_kind() {
    let (app, registry, mut reload) = app();
    let yaml = YAML.replace("kind: registry.entry, value: 1", "kind: library.lua, source: 'return 1'");
    app.write("app.yaml", yaml.as_bytes());
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["-app:number", "+app:number"]);
}

#[test]
fn a_directory_that_is_gone_is_a_problem_until_it_is_back() {
    let (app, registry, mut reload) = app();
    let away = app.path().with_extension("away");
    std::fs::rename(app.path(), &away).unwrap();
    assert_eq!(reload.apply(&registry).unwrap_err().problems()[0].code().as_str(), "E101");
    std::fs::rename(&away, app.path()).unwrap();
    assert!(reload.apply(&registry).unwrap().is_none());
}

#[test]
fn a_reading_says_what_it_depends_on() {
    let yaml = format!("{YAML}  - {{name: lost, kind: library.lua, source: 'file://gone/../lost/x.lua'}}\n");
    let app =
        App::new(&[("entries/app.yaml", &yaml), ("entries/src/hello.lua", "return 1"), ("a/.b/c.txt", "")]);
    let mut reader = Reader::new(app.path());
    reader.read(&rules());
    let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
    let files =
        ["app.yaml", "lost/x.lua", "src/hello.lua", "src/words.lua"].map(|file| format!("entries/{file}"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let directories = paths(&["", "a", "entries", "entries/lost", "entries/src"]);
    assert_eq!(reader.places(), &Places { directories, files: paths(&files) });
}

#[cfg(unix)]
#[test]
fn a_file_behind_a_link_counts_where_it_lies() {
    let app =
        App::new(&[("app.yaml", "{namespace: app, name: a, kind: library.lua, source: 'file://a.lua'}")]);
    app.write(".shared/real.lua", b"return 1");
    std::os::unix::fs::symlink(".shared/real.lua", app.path().join("a.lua")).unwrap();
    let registry = app.load();
    let mut reload = Reload::new(&registry, app.path());
    assert!(reload.apply(&registry).unwrap().is_none());
    assert!(reload.places().files.contains(Path::new(".shared/real.lua")));
    assert!(reload.places().directories.contains(Path::new(".shared")));
    app.write(".shared/real.lua", b"return 2");
    assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:a"]);
}

#[cfg(unix)]
#[test]
fn the_mark_of_an_editor_is_no_entry_file() {
    let (app, registry, mut reload) = app();
    std::os::unix::fs::symlink("somebody@somewhere.1234", app.path().join(".#app.yaml")).unwrap();
    assert!(reload.apply(&registry).unwrap().is_none());
}

/// Prints how long it takes; run it with `--release --ignored --nocapture`.
#[test]
#[ignore = "it measures"]
fn how_long_it_takes_to_read_again() {
    for count in [5, 1_000] {
        let entry =
            |n: usize| format!("  - {{name: e{n}, kind: library.lua, source: 'file://lua/e{n}.lua'}}\n");
        let yaml: String = (0..count).map(entry).collect();
        let app = App::new(&[("app.yaml", &format!("namespace: app\nentries:\n{yaml}"))]);
        for n in 0..count {
            app.write(&format!("lua/e{n}.lua"), b"return {}");
        }
        let registry = app.load();
        let mut reload = Reload::new(&registry, app.path());
        let mut times = Vec::new();
        for round in 0..20 {
            app.write("lua/e1.lua", format!("return {{{round}}}").as_bytes());
            let began = Instant::now();
            assert_eq!(ids(reload.apply(&registry).unwrap()), ["app:e1"]);
            times.push(began.elapsed());
        }
        times.sort();
        println!("{count} entries: median {:?}, most {:?}", times[10], times[19]);
    }
}
