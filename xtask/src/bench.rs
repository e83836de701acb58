//! The benchmarks.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::servers::Servers;
use crate::setup;
use crate::workspace::{self, Workspace};

/// What `cargo xtask bench` was given.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Measure for three minutes at most.
    pub quick: bool,
    /// Print the keys and measure nothing.
    pub list: bool,
    /// Parts of names of keys; none means all.
    pub filters: Vec<String>,
}

/// Builds and runs the benchmarks.
///
/// # Errors
///
/// When the set-up, the build or a measurement fails; a target that is missed is no failure.
pub fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    setup::ensure(workspace)?;
    let folders = folders(workspace);
    let mut paths = Vec::new();
    for folder in &folders {
        paths.push(folder.to_str().with_context(|| format!("`{}` is not UTF-8", folder.display()))?);
    }
    let wants_server = options.filters.is_empty() || options.filters.iter().any(|part| part.contains("wf"));
    let servers =
        if wants_server && !options.list { Servers::temporal(workspace) } else { Servers::default() };
    let arguments = arguments(options, &paths);
    workspace::announce(&arguments);
    let mut command = workspace.cargo_command(&arguments);
    command.envs(servers.variables.iter().map(|(name, value)| (name, value)));
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "`cargo {}` failed; its messages stand above", workspace::display(&arguments));
    Ok(())
}

/// Where reports go: the target directory, and the documented path where that is another one.
fn folders(workspace: &Workspace) -> Vec<PathBuf> {
    let documented = workspace.root.join("target").join("bench");
    let mut folders = vec![workspace.target.join("bench")];
    if !same(&folders[0], &documented) {
        folders.push(documented);
    }
    folders
}

fn same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// What `cargo` gets. The development profile, which is optimised here, and all packages, so that features are resolved
/// as for the tests: benchmarks share the tests' wasmtime instead of compiling a second one.
#[must_use]
pub fn arguments(options: &Options, folders: &[&str]) -> Vec<String> {
    let mut command = vec!["bench", "--profile", "dev", "--workspace", "--bench", "perilune", "--"];
    if options.quick {
        command.push("--quick");
    }
    if options.list {
        command.push("--list");
    }
    for folder in folders {
        command.extend(["--out", folder]);
    }
    command.extend(options.filters.iter().map(String::as_str));
    command.into_iter().map(str::to_owned).collect()
}
