//! Formatting, lints and tests.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::languages;
use crate::lua_checker;
use crate::servers::Servers;
use crate::setup;
use crate::tally::Tally;
use crate::workspace::{self, Workspace};

/// Every check and every test; with arguments, only the tests that they select.
///
/// # Errors
///
/// At the first check that fails, or after all tests when one of them failed.
pub fn test(workspace: &Workspace, args: &[String]) -> anyhow::Result<()> {
    setup::ensure(workspace)?;
    if args.is_empty() {
        lint(workspace)?;
    }
    let needs = Needs::of(args);
    let servers = if needs.servers { Servers::start(workspace) } else { Servers::default() };
    let args = test_arguments(args);
    workspace::announce(&args);
    let mut command = workspace.cargo_command(&args);
    command.envs(servers.variables.iter().map(|(name, value)| (name, value)));
    if needs.lua_checker {
        command.envs(lua_checker::variable(workspace));
    }
    if needs.languages {
        command.envs(languages::variable(workspace));
    }
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo's output is not connected")?;
    let tally = pass_through(stdout, io::stdout().lock()).context("cannot pass on what the tests print")?;
    let status = child.wait()?;
    println!("\n{tally}");
    if !status.success() {
        bail!("`cargo {}` failed; its messages stand above", workspace::display(&args));
    }
    Ok(())
}

/// What the chosen tests need besides Rust.
#[derive(Debug, PartialEq, Eq)]
pub struct Needs {
    /// PostgreSQL, MySQL and Temporal.
    pub servers: bool,
    /// What checks Lua beside editors.
    pub lua_checker: bool,
    /// What makes components of Python and Rust.
    pub languages: bool,
}

impl Needs {
    /// What tests chosen by these arguments need: all of it without arguments.
    #[must_use]
    pub fn of(args: &[String]) -> Needs {
        let any = |names: &[&str]| {
            args.is_empty() || args.iter().any(|arg| names.iter().any(|name| arg.contains(name)))
        };
        Needs {
            servers: any(&["sql", "store", "workflow", "temporal"]),
            lua_checker: any(&["language_server"]),
            languages: any(&["component"]),
        }
    }
}

/// Formatting, clippy and dependencies; nothing is changed.
///
/// # Errors
///
/// At the first check that fails.
pub fn lint(workspace: &Workspace) -> anyhow::Result<()> {
    workspace.cargo(&["fmt", "--all", "--check"]).context("run `cargo xtask fmt`")?;
    // Clippy checks all dependencies once more beside the build: two minutes of CPU time on an empty machine (85 crates),
    // nothing afterwards. Not worth a trick that shares the build's artefacts.
    workspace.cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])?;
    deny(workspace)
}

/// What `cargo` gets for `cargo xtask test ARGS`: the whole workspace unless the arguments choose packages.
#[must_use]
pub fn test_arguments(args: &[String]) -> Vec<String> {
    let chooses = |arg: &String| {
        let flag = arg.split('=').next().unwrap_or_default();
        matches!(flag, "--package" | "--workspace" | "--all" | "--manifest-path") || arg.starts_with("-p")
    };
    let for_cargo = args.iter().take_while(|arg| *arg != "--");
    let mut command = vec!["test".to_owned(), "--no-fail-fast".to_owned()];
    if !for_cargo.into_iter().any(chooses) {
        command.push("--workspace".to_owned());
    }
    command.extend_from_slice(args);
    command
}

/// Copies output as it comes and counts the tests in it.
fn pass_through(from: impl io::Read, mut to: impl Write) -> io::Result<Tally> {
    let mut from = BufReader::new(from);
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        tally.read(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(tally)
}

fn deny(workspace: &Workspace) -> anyhow::Result<()> {
    let installed =
        Command::new("cargo-deny").arg("--version").output().is_ok_and(|output| output.status.success());
    if !installed {
        eprintln!("SKIPPED: cargo deny is not installed (`cargo install --locked cargo-deny`)");
        return Ok(());
    }
    // Without `advisories`, whose database is fetched from elsewhere: `cargo deny check` has it too.
    workspace.cargo(&["deny", "check", "bans", "licenses", "sources"])
}
