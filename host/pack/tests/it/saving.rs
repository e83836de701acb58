//! Packs and keys on the disk: whole or not at all.

use crate::support::small;
use perilune_pack::{Pack, SigningKey, read_key, save, save_key};
use std::fs;
use std::path::Path;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|item| item.expect("an item").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_pack_takes_the_place_of_another_and_leaves_nothing_beside() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.pack");
    for pack in [small(false), small(true)] {
        save(&path, &pack).expect("it is written");
        assert_eq!(fs::read(&path).expect("it is there"), pack);
    }
    assert!(Pack::open(&path).is_ok());
    assert_eq!(names(folder.path()), ["app.pack"]);
}

#[test]
fn what_is_no_pack_is_never_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.yaml");
    fs::write(&path, "namespace: app\n").expect("written");
    assert_eq!(save(&path, &small(false)).expect_err("taken").code(), "P019");
    assert_eq!(save(folder.path(), &small(false)).expect_err("a folder").code(), "P019");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "namespace: app\n");
    assert_eq!(names(folder.path()), ["app.yaml"]);
    let empty = folder.path().join("made by mktemp");
    fs::write(&empty, "").expect("written");
    save(&empty, &small(false)).expect("there is nothing to lose");
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = save(&folder.path().join("none/app.pack"), &small(false)).expect_err("no folder");
    assert_eq!(error.code(), "P020");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_key_is_written_once_and_for_its_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.pem");
    let key = SigningKey::generate();
    save_key(&path, &key).expect("it is written");
    assert_eq!(read_key(&path).expect("a key").public(), key.public());
    assert_eq!(save_key(&path, &SigningKey::generate()).expect_err("taken").code(), "P019");
    assert_eq!(read_key(&path).expect("a key").public(), key.public());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    }
    for other in [folder.path().to_owned(), folder.path().join("none")] {
        assert_eq!(read_key(&other).expect_err("no key").code(), "P017");
    }
}
