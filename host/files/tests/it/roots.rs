//! Which folders an `fs.directory` entry may name.

use crate::support::{application, read};
use perilune_files::Directory;
use perilune_value::{Kind, Value};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// An application's folder `app`, and `elsewhere` beside it; both hold a file.
fn machine() -> TempDir {
    let machine = tempfile::tempdir().expect("a temporary folder");
    for (folder, text) in [("app/data", "mine"), ("elsewhere/deep", "theirs")] {
        fs::create_dir_all(machine.path().join(folder)).expect("made");
        fs::write(machine.path().join(folder).join("file.txt"), text).expect("written");
    }
    machine
}

async fn outcome(machine: &Path, allowed: &[&str], directory: &str) -> Result<String, Kind> {
    let allowed: Vec<_> = allowed.iter().map(|path| machine.join(path)).collect();
    let allowed: Vec<&Path> = allowed.iter().map(|path| path.as_path()).collect();
    let directory = directory.replace("MACHINE", &machine.display().to_string());
    let resources =
        application(Some(&machine.join("app")), &allowed, &[("directory", Value::from(directory))]);
    let directory = resources.get::<Directory>("app:files").expect("opened");
    directory.ready().await.map_err(|failure| failure.kind)?;
    read(&directory, "file.txt").await.map_err(|failure| failure.kind)
}

#[tokio::test]
async fn a_directory_lies_in_the_application_or_where_the_host_allows_it() {
    let machine = machine();
    let at = machine.path();
    let ok = |text: &str| Ok(text.to_owned());
    for (allowed, directory, expected) in [
        (vec![], "data", ok("mine")),
        (vec![], "./data/../data", ok("mine")),
        (vec![], "MACHINE/app/data", ok("mine")),
        (vec![], ".", Err(Kind::NotFound)),
        (vec![], "../elsewhere/deep", Err(Kind::PermissionDenied)),
        (vec![], "MACHINE/elsewhere/deep", Err(Kind::PermissionDenied)),
        (vec![], "MACHINE/nowhere", Err(Kind::PermissionDenied)),
        (vec![], "MACHINE/app2", Err(Kind::PermissionDenied)),
        (vec![], "/etc", Err(Kind::PermissionDenied)),
        (vec![], "..", Err(Kind::PermissionDenied)),
        (vec![], "/", Err(Kind::PermissionDenied)),
        (vec!["elsewhere"], "MACHINE/elsewhere/deep", ok("theirs")),
        (vec!["elsewhere"], "../elsewhere/deep", ok("theirs")),
        (vec!["elsewhere/deep"], "MACHINE/elsewhere/deep", ok("theirs")),
        (vec!["elsewhere/deep"], "MACHINE/elsewhere", Err(Kind::PermissionDenied)),
        (vec![""], "MACHINE/elsewhere/deep", ok("theirs")),
        (vec![], "missing", Err(Kind::NotFound)),
        (vec![], "data/file.txt", Err(Kind::Invalid)),
    ] {
        assert_eq!(outcome(at, &allowed, directory).await, expected, "{directory} with {allowed:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_leads_only_where_the_host_allows_it_too() {
    let machine = machine();
    let at = machine.path();
    std::os::unix::fs::symlink(at.join("elsewhere"), at.join("app/link")).expect("linked");
    std::os::unix::fs::symlink("elsewhere", at.join("alias")).expect("linked");
    assert_eq!(outcome(at, &[], "link/deep").await, Err(Kind::PermissionDenied));
    assert_eq!(outcome(at, &["elsewhere"], "link/deep").await.as_deref(), Ok("theirs"));
    assert_eq!(outcome(at, &["alias"], "link/deep").await.as_deref(), Ok("theirs"));
    assert_eq!(outcome(at, &["alias"], "MACHINE/elsewhere/deep").await.as_deref(), Ok("theirs"));
    assert_eq!(outcome(at, &["elsewhere"], "MACHINE/alias/deep").await.as_deref(), Ok("theirs"));
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let machine = machine();
    let resources =
        application(Some(&machine.path().join("app")), &[], &[("directory", "/etc/../etc/ssl".into())]);
    let failure =
        resources.get::<Directory>("app:files").expect("opened").ready().await.expect_err("refused");
    assert_eq!(
        failure.message,
        "app:files: field `directory`: `/etc/../etc/ssl` lies outside of the application, and the host does not let entries \
         use it: start it with `--allow-dir /etc/ssl` if it should"
    );
}

#[tokio::test]
async fn a_missing_directory_is_made_where_the_entry_says_so_and_never_outside() {
    let machine = machine();
    let folder = machine.path().join("app");
    let make = async |directory: &str| {
        let fields = [("directory", Value::from(directory)), ("auto_init", Value::Bool(true))];
        let directory =
            application(Some(&folder), &[], &fields).get::<Directory>("app:files").expect("opened");
        directory.ready().await.map_err(|failure| failure.kind)
    };
    assert_eq!(make("new/and/deep").await, Ok(()));
    assert!(folder.join("new/and/deep").is_dir());
    assert_eq!(make("../new").await, Err(Kind::PermissionDenied));
    assert!(!machine.path().join("new").exists());
    assert_eq!(make("data/file.txt/below").await, Err(Kind::Invalid));
}

#[tokio::test]
async fn a_directory_that_is_made_anew_is_found_again() {
    let machine = machine();
    let folder = machine.path().join("app");
    let directory = application(Some(&folder), &[], &[("directory", "data".into())])
        .get::<Directory>("app:files")
        .expect("opened");
    fs::rename(folder.join("data"), folder.join("old")).expect("moved");
    assert_eq!(directory.ready().await.expect_err("gone").kind, Kind::NotFound);
    fs::create_dir(folder.join("data")).expect("made");
    fs::write(folder.join("data/file.txt"), "new").expect("written");
    assert_eq!(read(&directory, "file.txt").await.as_deref(), Ok("new"));
}

#[test]
fn wrong_fields_are_refused() {
    for (folder, fields, part) in [
        (
            None,
            vec![("directory", Value::from("data"))],
            "app:files: field `directory`: `data` is relative, but the application has no folder: write an absolute path, or, \
             where it is a pack, say where paths begin with `--data DIR`",
        ),
        (Some(Path::new("/x")), vec![("directory", Value::from("a\0b"))], "has a NUL byte"),
        (
            Some(Path::new("/x")),
            vec![("directory", "a".into()), ("base", "module".into())],
            "made at run time",
        ),
        (
            Some(Path::new("/x")),
            vec![("directory", "a".into()), ("mode", "${env:NO|rwx}".into())],
            "`rwx` is no octal mode",
        ),
    ] {
        let failure =
            application(folder, &[], &fields).get::<Directory>("app:files").map(drop).expect_err(part);
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.message.starts_with("app:files") && failure.message.contains(part), "{failure}");
    }
}
