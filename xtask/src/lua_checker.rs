//! A language server's checker for Lua, which reads the definitions and settings that `perilune editor` writes.
//!
//! It is EmmyLua's, which understands the annotations of LuaLS and comes as a crate. LuaLS itself is in no index of packages,
//! and nothing here downloads programs from anywhere else.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::workspace::Workspace;

/// Names the checker's program for the tests.
pub const VARIABLE: &str = "PERILUNE_TEST_LUA_CHECKER";

const CRATE: &str = "emmylua_check";
const VERSION: &str = "0.25.1";

/// The variable for the environment of the tests, where there is a checker. In CI it is built, once in five minutes; elsewhere a line
/// says what is skipped.
#[must_use]
pub fn variable(workspace: &Workspace) -> Option<(&'static str, PathBuf)> {
    if let Some(own) = env::var_os(VARIABLE) {
        return Some((VARIABLE, own.into()));
    }
    let root = workspace.target.join(format!("{CRATE}-{VERSION}"));
    let program = root.join("bin").join(CRATE);
    if !program.exists() && env::var_os("CI").is_some() {
        install(&root);
    }
    if program.exists() {
        return Some((VARIABLE, program));
    }
    println!(
        "SKIPPED: tests that need {VARIABLE} (`cargo install --locked {CRATE} --version {VERSION}`, and name the program)"
    );
    None
}

fn install(root: &std::path::Path) {
    let mut install = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Optimised it would take twice as long to build, and checking takes a second either way.
    install.args(["install", "--locked", "--debug", "--version", VERSION, CRATE, "--root"]).arg(root);
    let build = root.join("build");
    let built = install.arg("--target-dir").arg(&build).stdin(Stdio::null()).status();
    if !built.is_ok_and(|status| status.success()) {
        println!("{CRATE} could not be built; its messages stand above");
    }
    // What is left of building is a gigabyte.
    let _ = std::fs::remove_dir_all(build);
}
