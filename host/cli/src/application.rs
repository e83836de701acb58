//! From a directory or a pack to a runtime.

use crate::exit::Exit;
use crate::output;
use perilune::packs::{Pack, PackError, PublicKey};
use perilune::{
    Allowed, Baseline, BuildError, EngineOptions, Identity, Limits, Runtime, RuntimeBuilder, Strictness,
    Terminal,
};
use perilune_settings::{Settings, Strict};
use std::fs::File;
use std::io::Read;
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
    let runtime = build(adjust(find(directory, settings, printing(settings))?))?;
    match runtime.registry().snapshot().is_empty() {
        true => Err(without_entries(directory)),
        false => Ok(runtime),
    }
}

/// Files that are named where a directory holds no entries. Who has many of them did not take them for entry files.
const MOST_PASSED_OVER: usize = 5;

/// An application that holds nothing, which nearly always is a slip: another directory was meant, or a file lacks what makes it one of
/// ours.
pub(crate) fn without_entries(path: &Path) -> Exit {
    let shown = path.display();
    if path.is_file() {
        return Exit::failed(format!("`{shown}` is a pack without entries"));
    }
    let mut message = format!(
        "`{shown}` holds no entries: they are looked for in YAML and JSON files with `namespace` and `entries`, there and in folders below"
    );
    let baseline = Baseline::read_dir(path, &perilune::rules());
    for ignored in baseline.ignored().iter().take(MOST_PASSED_OVER) {
        message.push_str(&format!("\n  {}: {}", ignored.path, ignored.reason));
    }
    if baseline.ignored().len() > MOST_PASSED_OVER {
        message.push_str(&format!("\n  and {} more", baseline.ignored().len() - MOST_PASSED_OVER));
    }
    Exit::failed(message).with_help("`perilune init` makes an application; -C names the directory of one")
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

/// Whether there is a directory or a file at all.
pub(crate) fn check(path: &Path) -> Result<(), Exit> {
    if path.is_dir() || path.is_file() {
        return Ok(());
    }
    let shown = path.display();
    Err(Exit::usage(format!("`{shown}` is neither a directory nor a pack: name the application with -C")))
}

/// Adds the application, a directory or a pack, to a host. Where it must be signed and is not, it is refused before anything of it is
/// looked at.
pub(crate) fn find(
    path: &Path,
    settings: &Settings,
    builder: RuntimeBuilder,
) -> Result<RuntimeBuilder, Exit> {
    check(path)?;
    let keys = keys(&settings.require_signature)?;
    let shown = path.display();
    if path.is_dir() {
        return match keys.is_empty() {
            true => Ok(builder.directory(path)),
            false => {
                let message =
                    format!("`{shown}` is a directory, which nobody can sign, and a signature is required");
                Err(Exit::failed(message)
                    .with_help("name a pack with -C; `perilune pack --sign KEY` makes one"))
            }
        };
    }
    let refused = |error: PackError| {
        let message = format!("`{shown}`: {error} [{}]", error.code());
        match error {
            PackError::NotAPack => Exit::usage(message),
            _ => Exit::failed(message),
        }
    };
    let pack = Pack::open(path).map_err(refused)?;
    if !keys.is_empty() {
        pack.require(&keys).map_err(refused)?;
    }
    let builder = builder.pack(pack);
    Ok(match &settings.data {
        Some(data) => builder.data(data),
        None => builder,
    })
}

/// A file with a public key is one line.
const MOST_KEY_BYTES: u64 = 4096;

/// The keys of the setting `require_signature`: texts, or files with such a text.
fn keys(named: &[String]) -> Result<Vec<PublicKey>, Exit> {
    let key = |named: &String| -> Result<PublicKey, Exit> {
        let wrong = |error: PackError| Exit::usage(format!("--require-signature: {error}"));
        let path = Path::new(named);
        if named.trim().starts_with("ed25519:") || !path.is_file() {
            return named.parse().map_err(wrong);
        }
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MOST_KEY_BYTES).read_to_string(&mut text));
        read.map_err(|error| Exit::usage(format!("--require-signature: cannot read `{named}`: {error}")))?;
        text.parse().map_err(wrong)
    };
    named.iter().map(key).collect()
}

/// The host, or all that is wrong with its entries on stderr.
pub(crate) fn build(builder: RuntimeBuilder) -> Result<Runtime, Exit> {
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
