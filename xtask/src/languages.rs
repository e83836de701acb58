//! What makes components of other languages, for the tests that call them.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::pip;
use crate::workspace::Workspace;

/// Names the folder of the Python package `componentize-py` for the tests.
pub const PYTHON: &str = "PERILUNE_TEST_COMPONENTIZE_PY";

/// What of it is installed: a compiler that is a library of Python, 17 MB to fetch.
const PACKAGE: &str = "tests/guests/python/componentize.txt";

/// The target that Rust makes components for.
const TARGET: &str = "wasm32-wasip2";

/// The variable for the environment of the tests, where the package can be had. What is missing is said, and does not make them fail.
#[must_use]
pub fn variable(workspace: &Workspace) -> Option<(&'static str, PathBuf)> {
    if env::var_os("CI").is_some() {
        let mut rustup = Command::new("rustup");
        let added = rustup.args(["target", "add", TARGET]).stdin(Stdio::null()).status();
        if !added.is_ok_and(|status| status.success()) {
            println!("rustup could not add {TARGET}; its messages stand above");
        }
    }
    if let Some(own) = env::var_os(PYTHON) {
        return Some((PYTHON, own.into()));
    }
    let folder = workspace.target.join("tmp").join("componentize-py");
    match pip::install(&workspace.root.join(PACKAGE), &folder) {
        Ok(()) => Some((PYTHON, folder)),
        Err(error) => {
            println!("SKIPPED: tests that need {PYTHON}: {error:#}");
            None
        }
    }
}
