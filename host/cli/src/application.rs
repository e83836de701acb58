//! From a directory to a runtime.

use crate::arguments::{Allow, Strict};
use crate::exit::Exit;
use crate::output;
use perilune::{Allowed, BuildError, EngineOptions, Identity, Runtime, RuntimeBuilder, Strictness, Terminal};
use std::path::Path;
use std::sync::Arc;

/// Cells that a command may have at once. Room for one takes 8 µs to set up, so ten thousand would be felt at each command.
const CELLS: u32 = 1000;

/// Loads an application whose entries print to stdout. When something is wrong with it, all of it is shown.
pub(crate) fn load(directory: &Path, allow: Allow, terminal: Option<Arc<Terminal>>) -> Result<Runtime, Exit> {
    check(directory)?;
    build(builder(allow, terminal).directory(directory))
}

/// A runtime without an application.
pub(crate) fn bare(allow: Allow) -> Result<Runtime, Exit> {
    build(builder(allow, None))
}

fn builder(allow: Allow, terminal: Option<Arc<Terminal>>) -> RuntimeBuilder {
    let engine = EngineOptions::default();
    let engine = EngineOptions { max_cells: engine.max_cells.min(CELLS), ..engine };
    let print = |_: &Identity, line: &[u8], _: &str| output::line(line);
    let allowed =
        Allowed { environment: allow.allow_env, network: allow.allow_net, directories: allow.allow_dir };
    let strictness = match allow.strict {
        Strict::Auto => Strictness::WhenPoliciesExist,
        Strict::Always => Strictness::Always,
        Strict::Never => Strictness::Never,
    };
    let builder = Runtime::builder().engine(engine).output(print).allow(allowed).strictness(strictness);
    match terminal {
        Some(terminal) => builder.terminal(terminal),
        None => builder,
    }
}

/// Whether there is a directory at all.
pub(crate) fn check(directory: &Path) -> Result<(), Exit> {
    if directory.is_dir() {
        return Ok(());
    }
    let shown = directory.display();
    Err(Exit::usage(format!("`{shown}` is not a directory: name the application's directory with -C")))
}

fn build(builder: RuntimeBuilder) -> Result<Runtime, Exit> {
    match builder.build() {
        Ok(runtime) => Ok(runtime),
        Err(BuildError::Entries(report)) => {
            output::report(&report.render(output::color()));
            Err(Exit::code(1))
        }
        Err(other) => Err(Exit::failed(other.to_string())),
    }
}
