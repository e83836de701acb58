//! Applications with WebAssembly components, written as text.

use crate::{App, render, write};
use perilune::{BuildError, RuntimeBuilder};
use std::fs;

/// Modules and instances that all guests share.
const LIBC: &str = include_str!("../../host/component/tests/guests/libc.wat");

/// Functions of WIT types, and ways to end badly.
pub const FUNCTIONS: &str = include_str!("../../host/component/tests/guests/functions.wat");
/// `perilune:component/entry`: gives its arguments back.
pub const ENTRY: &str = include_str!("../../host/component/tests/guests/entry.wat");
/// What it finds in its environment.
pub const ENVIRONMENT: &str = include_str!("../../host/component/tests/guests/environment.wat");
/// Reads and writes files of its first directory.
pub const FILES: &str = include_str!("../../host/component/tests/guests/files.wat");
/// A program of `wasi:cli`.
pub const COMMAND: &str = include_str!("../../host/component/tests/guests/command.wat");
/// Answers messages until one of topic `stop`, or an event, comes.
pub const PROCESS: &str = include_str!("../../host/component/tests/guests/process.wat");
/// Calls what it is told to.
pub const CALLS: &str = include_str!("../../host/component/tests/guests/calls.wat");

/// Waits for a message.
pub const WAITING: &str = include_str!("../../host/component/tests/guests/waiting.wat");

/// A component of this text, in which `(libc)` stands for what all guests share.
pub fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text.replace("(libc)", LIBC)).expect("the text is a component")
}

/// An application of these files and entries of namespace `app`: lines of YAML, each one entry as in `{…}`. A component `file://x.wasm` is
/// the guest that stands beside the name `x`.
pub fn try_app(
    entries: &[&str],
    guests: &[(&str, &str)],
    files: &[(&str, &str)],
    settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> Result<App, BuildError> {
    let guests: Vec<_> = guests.iter().map(|(name, text)| (*name, component(text))).collect();
    try_app_of(entries, &guests, files, settings)
}

/// [`try_app`], of components that are compiled already.
pub fn try_app_of(
    entries: &[&str],
    guests: &[(&str, Vec<u8>)],
    files: &[(&str, &str)],
    settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> Result<App, BuildError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut yaml = "version: '1.0'\nnamespace: app\nentries:\n".to_owned();
    for entry in entries {
        yaml += &format!("  - {entry}\n");
    }
    write(folder.path(), files);
    write(folder.path(), &[("app.yaml", &yaml)]);
    for (name, bytes) in guests {
        fs::write(folder.path().join(format!("{name}.wasm")), bytes).expect("the guest is written");
    }
    App::build_in(folder, settings)
}

/// [`try_app`], for applications that load.
pub fn app(entries: &[&str], guests: &[(&str, &str)], files: &[(&str, &str)]) -> App {
    try_app(entries, guests, files, |builder| builder)
        .unwrap_or_else(|error| panic!("the application loads: {}", render(&error)))
}
