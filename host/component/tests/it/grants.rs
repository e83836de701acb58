//! What a component finds: nothing that it was not given.

use crate::support::{ENVIRONMENT, FILES, FUNCTIONS, Setting, load, program};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use perilune_component::{Mounted, Refusal};
use perilune_value::{Failure, Value};
use std::path::Path;
use tempfile::TempDir;

/// The number of an error in `wasi:filesystem`.
const NOT_PERMITTED: &str = "31";
const READ_ONLY: &str = "33";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("inside")).unwrap();
    std::fs::write(folder.path().join("inside/note.txt"), "a note").unwrap();
    std::fs::write(folder.path().join("secret.txt"), "a secret").unwrap();
    folder
}

fn mounted(folder: &Path, writable: bool) -> Setting {
    let directory = Dir::open_ambient_dir(folder.join("inside"), ambient_authority()).unwrap();
    let mut setting = Setting::new();
    setting.mounts = vec![Mounted { directory, path: "/data".to_owned(), writable }];
    setting
}

async fn read(folder: &Path, path: &str) -> Result<Value, Failure> {
    mounted(folder, false).call(&program(FILES, Some("read")), &[Value::from(path)]).await
}

fn code(failure: &Failure) -> String {
    failure.details.as_ref().map(|code| perilune_value::json::encode(code).unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn it_finds_no_variables_arguments_or_directories_of_the_host() {
    for method in ["variables", "arguments"] {
        let found = Setting::new().call(&program(ENVIRONMENT, Some(method)), &[]).await.unwrap();
        assert_eq!(found, Value::Array(Vec::new()), "{method}");
    }
    let count = Setting::new().call(&program(FILES, Some("count")), &[]).await.unwrap();
    assert_eq!(count, Value::Integer(0));
}

#[tokio::test]
async fn it_finds_the_variables_that_it_was_given() {
    let mut setting = Setting::new();
    setting.env = vec![("KEY".to_owned(), "s3cret".to_owned())];
    let found = setting.call(&program(ENVIRONMENT, Some("variables")), &[]).await.unwrap();
    assert_eq!(found, Value::Array(vec![Value::Array(vec![Value::from("KEY"), Value::from("s3cret")])]));
}

#[tokio::test]
async fn it_reads_a_directory_that_is_mounted_and_writes_none_that_is_not_writable() {
    let folder = folder();
    assert_eq!(read(folder.path(), "note.txt").await.unwrap(), Value::from("a note"));
    let write = program(FILES, Some("write"));
    let args = [Value::from("new.txt"), Value::from("text")];
    let failure = mounted(folder.path(), false).call(&write, &args).await.unwrap_err();
    assert!([READ_ONLY, NOT_PERMITTED].contains(&&*code(&failure)), "{failure:?}");
    assert!(!folder.path().join("inside/new.txt").exists());

    assert_eq!(mounted(folder.path(), true).call(&write, &args).await.unwrap(), Value::Integer(4));
    assert_eq!(std::fs::read_to_string(folder.path().join("inside/new.txt")).unwrap(), "text");
}

#[cfg(unix)]
#[tokio::test]
async fn it_does_not_leave_the_directory() {
    let folder = folder();
    let inside = folder.path().join("inside");
    std::os::unix::fs::symlink("../secret.txt", inside.join("relative")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret.txt"), inside.join("absolute")).unwrap();
    std::os::unix::fs::symlink("..", inside.join("above")).unwrap();
    let absolute = folder.path().join("secret.txt").display().to_string();
    for path in ["../secret.txt", "./../secret.txt", "relative", "absolute", "above/secret.txt", &absolute] {
        let failure = read(folder.path(), path).await.expect_err(path);
        assert_eq!(code(&failure), NOT_PERMITTED, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_directory_is_not_mounted() {
    let folder = folder();
    let file = std::fs::File::open(folder.path().join("secret.txt")).unwrap();
    let mut setting = Setting::new();
    setting.mounts =
        vec![Mounted { directory: Dir::from_std_file(file), path: "/data".to_owned(), writable: false }];
    let failure = setting.call(&program(FILES, Some("count")), &[]).await.unwrap_err();
    assert_eq!(
        failure.message,
        "app:main: the sandbox trapped: a directory cannot be mounted: Not a directory (os error 20)"
    );
}

#[test]
fn imports_that_nothing_grants_are_refused_by_name() {
    let text = r#"(component
      (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func))))
      (import "acme:secrets/vault@1.0.0" (instance (export "open" (func))))
      (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))))"#;
    let refusal = load(text, Some("f")).err();
    let names = ["wasi:http/outgoing-handler@0.2.0", "acme:secrets/vault@1.0.0"].map(str::to_owned);
    assert_eq!(refusal, Some(Refusal::NotGranted(names.to_vec())));
}

#[test]
fn a_component_with_error_contexts_is_none() {
    let text = r#"(component
      (core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m))
      (func (export "f") (param "error" error-context) (canon lift (core func $i "f"))))"#;
    assert!(matches!(load(text, Some("f")).err(), Some(Refusal::NoComponent(_))));
}

#[test]
fn an_import_of_another_type_than_the_hosts_is_refused() {
    let text = r#"(component
      (import "wasi:cli/environment@0.2.0" (instance (export "get-arguments" (func (result u32)))))
      (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))))"#;
    assert!(matches!(load(text, Some("f")).err(), Some(Refusal::Mismatch(_))));
}

#[test]
fn an_export_that_is_missing_is_refused_with_those_there_are() {
    let refusal = load(FUNCTIONS, Some("ad")).err().expect("it is refused");
    assert_eq!(refusal.to_string(), "the component exports no function `ad`");
    assert!(refusal.help().unwrap().starts_with("name one in `method`: `add`, `same`, `bytes`"));
    let refusal = load(FUNCTIONS, None).err().expect("it is refused");
    assert_eq!(
        refusal.to_string(),
        "the component exports neither `perilune:component/entry@0.1.0` nor `wasi:cli/run`"
    );
    assert!(load(FUNCTIONS, Some("point")).is_err());
    let refusal = load("(component)", None).err().expect("it is refused");
    assert_eq!(
        refusal.help().unwrap(),
        "export the interface `entry` of `perilune:component`, or build a command of `wasi:cli`"
    );
}

#[test]
fn an_entry_of_another_type_is_refused() {
    let text = r#"(component
      (core module $m (func (export "run"))) (core instance $i (instantiate $m))
      (func $run (canon lift (core func $i "run")))
      (instance $entry (export "run" (func $run)))
      (export "perilune:component/entry@0.1.0" (instance $entry)))"#;
    assert_eq!(
        load(text, None).err().expect("it is refused").to_string(),
        "the function `perilune:component/entry@0.1.0#run` cannot be called from outside: it is not \
         `func(arguments: string) -> result<string, string>`"
    );
}
