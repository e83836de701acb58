//! Where the repository and its target directory are, and how cargo is called.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// The workspace that the current directory belongs to.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The directory of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target directory, wherever flags, environment or configuration put it.
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo, at run time: a target directory may serve several clones, so that nothing learnt while
    /// compiling holds.
    ///
    /// # Errors
    ///
    /// When cargo cannot read the workspace's manifests.
    pub fn locate() -> anyhow::Result<Self> {
        let output = Command::new(cargo_program())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot start cargo; install Rust first")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")?;
        let path = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("cargo metadata names no `{key}`"))
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }

    /// A cargo command that will run at the workspace's root.
    #[must_use]
    pub fn cargo_command<S: AsRef<str>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(cargo_program());
        command.current_dir(&self.root).args(args.iter().map(AsRef::as_ref));
        for name in env::vars_os().map(|(name, _)| name).filter(|name| is_of_this_package(name)) {
            command.env_remove(name);
        }
        command
    }

    /// Shows a cargo command, runs it with the terminal attached and waits for its success.
    ///
    /// # Errors
    ///
    /// When it cannot be started or fails; cargo's own messages then stand above.
    pub fn cargo<S: AsRef<str>>(&self, args: &[S]) -> anyhow::Result<()> {
        announce(args);
        let status = self.cargo_command(args).status().context("cannot start cargo")?;
        if !status.success() {
            bail!("`cargo {}` failed; its messages stand above", display(args));
        }
        Ok(())
    }
}

/// Whether cargo set this variable to describe the package that runs, which is xtask. Build scripts that watch these, as `ring`'s
/// does, would run again, and all that depends on them be compiled again, whenever one goes from `cargo xtask` to `cargo test`
/// or to another clone.
fn is_of_this_package(variable: &OsStr) -> bool {
    let Some(name) = variable.to_str() else { return false };
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// Shows a cargo command before it runs.
pub fn announce<S: AsRef<str>>(args: &[S]) {
    eprintln!("$ cargo {}", display(args));
}

/// Arguments as one would type them.
pub fn display<S: AsRef<str>>(args: &[S]) -> String {
    shell_words::join(args)
}

/// The cargo that started us, so that `cargo +toolchain xtask …` keeps its toolchain.
fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
