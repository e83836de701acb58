//! Where values are kept.

use crate::support::{App, SET, some};
use perilune_environment::Storage;
use perilune_value::{Failure, Kind};
use std::fs;

const VARIABLE: (&str, &str, &str) = ("a", "env.variable", r#"{"variable": "A", "storage": "store"}"#);

fn kind<T>(outcome: Result<T, Failure>) -> Kind {
    outcome.map(drop).expect_err("a failure").kind
}

#[test]
fn memory_keeps_what_is_set_and_is_bounded() {
    let app = App::new(&[("store", "env.storage.memory", "{}"), VARIABLE]);
    assert_eq!(app.get("A"), Ok(None));
    assert_eq!(app.set("A", "one"), Ok(false));
    assert_eq!(app.get("A"), some("one"));
    let store = app.resources.get::<Storage>("app:store").expect("opened");
    let large = "x".repeat(100_000);
    let refused = (0..).find_map(|number| store.set(&format!("N{number}"), &large).err()).expect("a bound");
    assert_eq!(refused.kind, Kind::RateLimited);
    assert_eq!(store.set("N0", "small"), Ok(false));
}

#[test]
fn texts_of_the_entry_are_read_only() {
    let app = App::new(&[
        ("store", "env.storage.static", r#"{"values": {"A": 5, "B": true, "C": "c"}}"#),
        VARIABLE,
    ]);
    assert_eq!(app.get("A"), some("5"));
    let failure = app.set("A", "6").expect_err("read-only");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::PermissionDenied, "app:store is read-only: A cannot be set")
    );
}

#[test]
fn of_the_systems_environment_entries_see_what_is_allowed() {
    let variable = format!(r#"{{"variable": "{SET}", "storage": "store"}}"#);
    let entries = [
        ("store", "env.storage.os", "{}"),
        ("a", "env.variable", variable.as_str()),
        ("b", "env.variable", r#"{"variable": "PERILUNE_UNSET", "storage": "store", "default": 8080}"#),
        ("c", "env.variable", r#"{"variable": "PATH", "storage": "store"}"#),
    ];
    for (allowed, reads) in [
        (&[SET][..], true),
        (&["CARGO_*"], true),
        (&["*"], true),
        (&[], false),
        (&["CARGO"], false),
        (&["cargo_pkg_name"], false),
        (&["["], false),
    ] {
        let app = App::with(None, allowed, &entries);
        match reads {
            true => assert_eq!(app.get(SET), some("perilune-environment"), "{allowed:?}"),
            false => {
                let failure = app.get(SET).expect_err("not allowed");
                assert_eq!(failure.kind, Kind::PermissionDenied);
                assert_eq!(
                    failure.message,
                    "the host does not let entries read CARGO_PKG_NAME of its environment: start it with \
                     `--allow-env CARGO_PKG_NAME` if it should"
                );
            }
        }
        assert_eq!(app.get("PERILUNE_UNSET"), some("8080"));
        assert_eq!(app.get("PATH").is_ok(), allowed == ["*"]);
        assert_eq!(kind(app.set(SET, "x")), Kind::PermissionDenied);
    }
}

#[test]
fn a_file_is_read_as_it_is_now_and_keeps_its_looks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(".env");
    let app = App::with(
        Some(folder.path()),
        &[],
        &[("store", "env.storage.file", r#"{"file_path": ".env"}"#), VARIABLE],
    );
    let failure = app.get("A").expect_err("missing");
    assert_eq!(failure.kind, Kind::NotFound);
    assert_eq!(
        failure.message,
        "app:store: `.env`: there is no such file or directory; make it, or set `auto_create: true`"
    );
    fs::write(&path, "# mine\nA=one # first\nB=$A\n").expect("written");
    assert_eq!(app.get("A"), some("one"));
    assert_eq!(app.set("A", "two words"), Ok(false));
    assert_eq!(fs::read_to_string(&path).expect("read"), "# mine\nA='two words' # first\nB=$A\n");
    fs::write(&path, "A=three").expect("written");
    assert_eq!(app.get("A"), some("three"));
    fs::write(&path, "A=\"open").expect("written");
    let failure = app.get("A").expect_err("malformed");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Invalid, "app:store: `.env`: line 1: the quote does not end")
    );
    fs::write(&path, [b'A', b'=', 0xff]).expect("written");
    assert_eq!(kind(app.get("A")), Kind::Invalid);
    fs::write(&path, vec![b'\n'; 2 << 20]).expect("written");
    assert_eq!(kind(app.get("A")), Kind::RateLimited);
    assert_eq!(kind(app.set("A", "x")), Kind::RateLimited);
}

#[test]
fn a_missing_file_is_made_with_its_folder_when_something_is_set() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file =
        r#"{"file_path": "conf/new/.env", "auto_create": true, "file_mode": "0600", "dir_mode": "0700"}"#;
    let app = App::with(Some(folder.path()), &[], &[("store", "env.storage.file", file), VARIABLE]);
    assert_eq!(app.get("A"), Ok(None));
    assert_eq!(app.set("A", "1"), Ok(false));
    let path = folder.path().join("conf/new/.env");
    assert_eq!(fs::read_to_string(&path).expect("read"), "A=1\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder.path().join("conf"))), (0o600, 0o700));
    }
    let names: Vec<_> = fs::read_dir(folder.path().join("conf/new"))
        .expect("listed")
        .map(|item| item.expect("read").file_name())
        .collect();
    assert_eq!(names, [".env"]);
}

#[test]
fn writers_of_one_file_take_turns() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = r#"{"file_path": ".env", "auto_create": true}"#;
    let app = App::with(Some(folder.path()), &[], &[("store", "env.storage.file", file)]);
    let store = app.resources.get::<Storage>("app:store").expect("opened");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..10 {
                    store.set(&format!("W{writer}_{number}"), "x").expect("set");
                }
            });
        }
    });
    let text = fs::read_to_string(folder.path().join(".env")).expect("read");
    assert_eq!(text.lines().count(), 80, "{text}");
}

#[cfg(unix)]
#[test]
fn a_file_lies_where_the_host_allows_it_and_is_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("app")).expect("made");
    fs::write(folder.path().join("secret"), "A=secret").expect("written");
    std::os::unix::fs::symlink("../secret", folder.path().join("app/link")).expect("linked");
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("app/pipe")).status();
    assert!(made.is_ok_and(|status| status.success()));
    for (path, expected) in [
        ("../secret", Kind::PermissionDenied),
        ("/etc/passwd", Kind::PermissionDenied),
        ("link", Kind::PermissionDenied),
        ("pipe", Kind::Invalid),
        (".", Kind::PermissionDenied),
        (".", Kind::PermissionDenied),
    ] {
        let file = format!(r#"{{"file_path": "{path}", "auto_create": true}}"#);
        let app = App::with(
            Some(&folder.path().join("app")),
            &[],
            &[("store", "env.storage.file", &file), VARIABLE],
        );
        assert_eq!(kind(app.get("A")), expected, "{path}");
        assert_eq!(kind(app.set("A", "x")), expected, "{path}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("secret")).expect("read"), "A=secret");
}

#[test]
fn a_router_reads_the_first_that_has_a_value_and_writes_the_first_of_all() {
    let app = App::new(&[
        ("first", "env.storage.memory", "{}"),
        ("second", "env.storage.static", r#"{"values": {"A": "fixed", "B": "too"}}"#),
        ("system", "env.storage.os", "{}"),
        ("store", "env.storage.router", r#"{"storages": ["first", "system", "second"]}"#),
        VARIABLE,
        ("b", "env.variable", r#"{"variable": "B", "storage": "store", "readonly": true}"#),
        ("c", "env.variable", r#"{"variable": "C", "storage": "store"}"#),
    ]);
    assert_eq!(app.get("A"), some("fixed"));
    assert_eq!(app.set("A", "mine"), Ok(false));
    assert_eq!(app.get("A"), some("mine"));
    assert_eq!(app.resources.get::<Storage>("app:first").expect("opened").get("A"), some("mine"));
    assert_eq!(kind(app.set("B", "x")), Kind::PermissionDenied);
    // Nobody has it, and one may not tell.
    assert_eq!(kind(app.get("C")), Kind::PermissionDenied);
}

#[test]
fn routers_of_routers_ask_each_storage_once() {
    let mut entries = vec![("r0".to_owned(), "env.storage.memory", "{}".to_owned())];
    for number in 1..30 {
        let below = number - 1;
        entries.push((
            format!("r{number}"),
            "env.storage.router",
            format!(r#"{{"storages": ["r{below}", "r{below}"]}}"#),
        ));
    }
    let entries: Vec<_> =
        entries.iter().map(|(name, kind, data)| (name.as_str(), *kind, data.as_str())).collect();
    let top = App::new(&entries).resources.get::<Storage>("app:r29").expect("opened");
    assert_eq!(top.get("A"), Ok(None));
    assert_eq!(top.set("A", "1"), Ok(false));
    assert_eq!(top.get("A"), some("1"));
}
