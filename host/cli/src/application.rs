//! From a directory to a runtime.

use crate::exit::Exit;
use crate::output;
use perilune::{
    Allowed, BuildError, EngineOptions, Identity, Limits, Runtime, RuntimeBuilder, Strictness, Terminal,
};
use perilune_settings::{Settings, Strict};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Cells that a command may have at once. Room for one takes 8 µs to set up, so ten thousand would be felt at each command.
const CELLS: u32 = 1000;

/// Loads an application whose entries print to stdout. When something is wrong with it, all of it is shown.
pub(crate) fn load(
    directory: &Path,
    settings: &Settings,
    terminal: Option<Arc<Terminal>>,
) -> Result<Runtime, Exit> {
    load_with(directory, settings, |builder| match terminal {
        Some(terminal) => builder.terminal(terminal),
        None => builder,
    })
}

/// As [`load`], with what the command adds to the settings.
pub(crate) fn load_with(
    directory: &Path,
    settings: &Settings,
    adjust: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> Result<Runtime, Exit> {
    check(directory)?;
    build(adjust(printing(settings)).directory(directory))
}

/// A host without an application, whose entries print to stdout.
pub(crate) fn bare(settings: &Settings) -> Result<Runtime, Exit> {
    build(printing(settings))
}

fn printing(settings: &Settings) -> RuntimeBuilder {
    builder(settings).output(|_: &Identity, line: &[u8], _: &str| output::line(line))
}

/// A host as the settings want it, without entries.
pub(crate) fn builder(settings: &Settings) -> RuntimeBuilder {
    let cache = cache(settings);
    let max_cells = cells(settings);
    let settings = settings.clone();
    let allowed = Allowed {
        environment: settings.allow_env,
        network: settings.allow_net,
        directories: settings.allow_dir,
    };
    let strictness = match settings.strict {
        Strict::Auto => Strictness::WhenPoliciesExist,
        Strict::Always => Strictness::Always,
        Strict::Never => Strictness::Never,
    };
    let limits = Limits {
        memory: settings.limits_memory,
        cpu: settings.limits_cpu,
        timeout: Some(settings.limits_timeout),
    };
    let ceiling = Limits {
        memory: settings.ceiling_memory,
        cpu: settings.ceiling_cpu,
        timeout: Some(settings.ceiling_timeout),
    };
    let engine = EngineOptions {
        max_cells,
        max_waiting: settings.cells_max_waiting as usize,
        max_wait: settings.cells_max_wait,
        cache,
        deterministic: settings.cells_deterministic,
    };
    let builder = Runtime::builder().engine(engine).limits(limits).ceiling(ceiling);
    let builder = match settings.processes_max {
        Some(most) => builder.max_processes(most as usize),
        None => builder,
    };
    builder.allow(allowed).strictness(strictness).registry_writable(settings.registry_writable)
}

/// Cells that may exist at the same time.
pub(crate) fn cells(settings: &Settings) -> u32 {
    settings.cells_max.unwrap_or_else(|| EngineOptions::default().max_cells.min(CELLS))
}

/// Where the compiled sandbox is kept.
pub(crate) fn cache(settings: &Settings) -> Option<PathBuf> {
    settings.cache_dir.clone().or_else(|| EngineOptions::default().cache)
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
        Err(other @ BuildError::Engine(_)) => Err(Exit::failed(other.to_string())
            .with_help("`perilune doctor` says what the machine grants; `--cells-max 100` asks for less")),
        Err(other) => Err(Exit::failed(other.to_string())),
    }
}
