//! Which files `cargo xtask demo` runs.

use std::fs;
use std::path::Path;

use xtask::demo::find;

#[test]
fn each_folder_is_an_example_and_they_come_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["tenants", "hello"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    fs::write(dir.path().join("notes.txt"), "").unwrap();
    let readme = |name: &str| dir.path().join(name).join("README.md");
    assert_eq!(find(dir.path(), None).unwrap(), [readme("hello"), readme("tenants")]);
    assert_eq!(find(dir.path(), Some("tenants")).unwrap(), [readme("tenants")]);
}

#[test]
fn an_example_that_is_not_there_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |dir: &Path, only| find(dir, only).unwrap_err().to_string();
    assert!(refusal(dir.path(), Some("nope")).starts_with("there is no example `nope`"));
    assert!(refusal(dir.path(), None).ends_with("has no example, which is a folder with a README.md"));
    assert!(refusal(&dir.path().join("missing"), None).starts_with("cannot read"));
}
