//! Where a database of SQLite may lie.

use crate::support::{kind, open, open_in};
use perilune_resource::Allowed;
use perilune_sql::Database;
use perilune_value::{Failure, Kind, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

struct Places {
    root: TempDir,
}

impl Places {
    /// `app/data`, the application and a folder in it, and `outside` beside it.
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in ["app/data", "outside"] {
            fs::create_dir_all(root.path().join(folder)).expect("a folder");
        }
        Places { root }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn open(&self, file: &str, allowed: &[&str]) -> Result<Arc<Database>, Failure> {
        let directories = allowed.iter().map(|path| self.path(path)).collect();
        let fields = [("file", Value::from(file))];
        open("db.sql.sqlite", &fields, &self.path("app"), Allowed { directories, ..Allowed::default() })
    }
}

#[tokio::test]
async fn a_relative_path_lies_in_the_application() {
    let places = Places::new();
    for file in ["plain.db", "data/nested.db", "./data/../dotted.db", "file:uri.db?mode=memory", "ä b.db"] {
        let database = places.open(file, &[]).expect(file);
        database.execute("CREATE TABLE t (x)", Vec::new()).await.expect(file);
        assert!(places.path("app").join(file).exists(), "{file}");
    }
}

#[tokio::test]
async fn an_absolute_path_needs_a_directory_that_is_allowed() {
    let places = Places::new();
    let file = places.path("outside/x.db");
    let file = file.to_str().expect("UTF-8");
    let refused = places.open(file, &[]).expect_err("not allowed");
    assert_eq!(refused.kind, Kind::PermissionDenied);
    assert!(
        refused.message.contains("--allow-dir") && refused.message.contains("app:db"),
        "{}",
        refused.message
    );
    let database = places.open(file, &["outside"]).expect("allowed");
    database.execute("CREATE TABLE t (x)", Vec::new()).await.expect("created");
    assert!(Path::new(file).exists());
}

#[test]
fn no_path_leads_out() {
    let places = Places::new();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(places.path("outside"), places.path("app/link")).expect("a link");
        std::os::unix::fs::symlink(places.path("outside/target.db"), places.path("app/file.db"))
            .expect("a link");
        for file in ["link/x.db", "file.db"] {
            assert_eq!(kind(places.open(file, &[]).map(drop)), Kind::PermissionDenied, "{file}");
        }
        assert_eq!(
            places.open("file.db", &[]).map(drop).expect_err("a link").message,
            "app:db: file: `file.db` is a link; name the file itself"
        );
    }
    for (file, expected) in [
        ("../outside/x.db", Kind::PermissionDenied),
        ("data/../../outside/x.db", Kind::PermissionDenied),
        ("/etc/x.db", Kind::PermissionDenied),
        ("..", Kind::Invalid),
        ("/", Kind::Invalid),
        ("nowhere/x.db", Kind::NotFound),
        ("x\0.db", Kind::Invalid),
    ] {
        assert_eq!(kind(places.open(file, &[]).map(drop)), expected, "{file:?}");
    }
    assert_eq!(fs::read_dir(places.path("outside")).expect("a folder").count(), 0);
}

#[test]
fn without_a_folder_no_path_is_relative() {
    let fields = [("file", Value::from("x.db"))];
    let failure =
        open_in("db.sql.sqlite", &fields, None, Allowed::default()).map(drop).expect_err("no folder");
    assert_eq!(failure.kind, Kind::Invalid);
    assert_eq!(
        failure.message,
        "app:db: file: `x.db` is relative, but the application has no folder; write `:memory:` or an absolute path"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told() {
    let places = Places::new();
    fs::write(
        places.path("app/text.db"),
        "this is no database, but it is long enough to be looked at".repeat(20),
    )
    .expect("a file");
    let database = places.open("text.db", &[]).expect("it is not looked at yet");
    let failure = database.execute("SELECT 1 FROM sqlite_schema", Vec::new()).await.expect_err("no database");
    assert!(failure.kind == Kind::Invalid && failure.message.contains("not a database"), "{failure:?}");
}
