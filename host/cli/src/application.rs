//! From a directory or a pack to a runtime.

use crate::arguments::{Allow, Strict};
use crate::exit::Exit;
use crate::output;
use perilune::packs::{Pack, PackError, PublicKey};
use perilune::{Allowed, BuildError, EngineOptions, Identity, Runtime, RuntimeBuilder, Strictness, Terminal};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Cells that a command may have at once. Room for one takes 8 µs to set up, so ten thousand would be felt at each command.
const CELLS: u32 = 1000;

/// Loads an application, a directory or a pack, whose entries print to stdout. When something is wrong with it, all of it is shown.
pub(crate) fn load(directory: &Path, allow: Allow, terminal: Option<Arc<Terminal>>) -> Result<Runtime, Exit> {
    let engine = EngineOptions::default();
    let engine = EngineOptions { max_cells: engine.max_cells.min(CELLS), ..engine };
    let print = |_: &Identity, line: &[u8], _: &str| output::line(line);
    let Allow { allow_env, allow_net, allow_dir, .. } = allow.clone();
    let allowed = Allowed { environment: allow_env, network: allow_net, directories: allow_dir };
    let strictness = match allow.strict {
        Strict::Auto => Strictness::WhenPoliciesExist,
        Strict::Always => Strictness::Always,
        Strict::Never => Strictness::Never,
    };
    let builder = Runtime::builder().engine(engine).output(print).allow(allowed).strictness(strictness);
    let builder = match terminal {
        Some(terminal) => builder.terminal(terminal),
        None => builder,
    };
    build(directory, &allow, builder)
}

/// Whether there is a directory or a pack at all.
pub(crate) fn check(path: &Path) -> Result<(), Exit> {
    if path.is_dir() || path.is_file() {
        return Ok(());
    }
    let shown = path.display();
    Err(Exit::usage(format!("`{shown}` is neither a directory nor a pack: name the application with -C")))
}

/// Finds the application, and refuses it before anything of it is looked at where it must be signed and is not.
fn find(path: &Path, allow: &Allow, builder: RuntimeBuilder) -> Result<RuntimeBuilder, Exit> {
    check(path)?;
    let keys = keys(&allow.require_signature)?;
    let shown = path.display();
    if path.is_dir() {
        if !keys.is_empty() {
            let message = format!("`{shown}` is a directory, which nobody can sign, and a signature is required");
            return Err(Exit::failed(message).with_help("name a pack with -C; `perilune pack --sign KEY` makes one"));
        }
        if allow.data.is_some() {
            let message = format!("--data is for packs: `{shown}` is a directory, where relative paths begin");
            return Err(Exit::usage(message));
        }
        return Ok(builder.directory(path));
    }
    let refused = |error: PackError| Exit::failed(format!("`{shown}`: {error} [{}]", error.code()));
    let pack = Pack::open(path).map_err(refused)?;
    if !keys.is_empty() {
        pack.require(&keys).map_err(refused)?;
    }
    let builder = builder.pack(pack);
    Ok(match &allow.data {
        Some(data) => builder.data(data),
        None => builder,
    })
}

/// A file with a public key is one line.
const MOST_KEY_BYTES: u64 = 4096;

/// The keys of `--require-signature`: texts, or files with such a text.
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

fn build(path: &Path, allow: &Allow, builder: RuntimeBuilder) -> Result<Runtime, Exit> {
    match find(path, allow, builder)?.build() {
        Ok(runtime) => Ok(runtime),
        Err(BuildError::Entries(report)) => {
            output::report(&report.render(output::color()));
            Err(Exit::code(1))
        }
        Err(other) => Err(Exit::failed(other.to_string())),
    }
}
