//! Compiled guests on disk, so that no start waits for the compiler.

use sha2::{Digest, Sha256};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, process};
use wasmtime::component::Component;

const CHECKSUM: usize = 32;

/// `$PERILUNE_CACHE_DIR`, else `perilune` in the user's cache folder; `None` where neither is known.
pub(crate) fn default_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("PERILUNE_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("perilune")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/perilune")))
        .or_else(|| set("LOCALAPPDATA").map(|local| local.join("perilune/cache")))
}

/// Takes the compiled component from `folder`, or compiles it and leaves it there. A cache that cannot be read or written
/// costs time and nothing else.
///
/// # Errors
///
/// Why the bytes are no component that this engine can compile.
pub fn compile(engine: &wasmtime::Engine, wasm: &[u8], folder: Option<&Path>) -> wasmtime::Result<Component> {
    let Some(folder) = folder else { return Component::new(engine, wasm) };
    let file = folder.join(file_name(engine, wasm));
    if let Some(component) = load(engine, &file) {
        return Ok(component);
    }
    let compiled = engine.precompile_component(wasm)?;
    if let Err(error) = store(&file, &compiled) {
        tracing::debug!(file = %file.display(), %error, "the compiled guest was not cached");
    }
    // SAFETY: the bytes come from this engine's own compiler, just now.
    unsafe { Component::deserialize(engine, &compiled) }
}

fn file_name(engine: &wasmtime::Engine, wasm: &[u8]) -> String {
    let mut compatibility = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut compatibility);
    let digest = Sha256::digest(wasm);
    let mut name: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    name.push_str(&format!("-{:016x}.cwasm", compatibility.finish()));
    name
}

fn load(engine: &wasmtime::Engine, file: &Path) -> Option<Component> {
    let bytes = fs::read(file).ok()?;
    let (compiled, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    if Sha256::digest(compiled).as_slice() != checksum {
        tracing::debug!(file = %file.display(), "a damaged file in the cache is compiled anew");
        return None;
    }
    // SAFETY: the file lies in a folder that only this user can write, was written by `store` from the compiler's output,
    // and its checksum holds. Whoever can forge it already has this user's rights. Versions and settings are checked by
    // wasmtime itself.
    unsafe { Component::deserialize(engine, compiled) }.ok()
}

/// Writes beside the target and renames, so that no reader sees half a file.
fn store(file: &Path, compiled: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    create_private(folder)?;
    let mut contents = compiled.to_vec();
    contents.extend_from_slice(&Sha256::digest(compiled));
    let unfinished = file.with_extension(format!("{}.tmp", process::id()));
    fs::write(&unfinished, contents)?;
    fs::rename(&unfinished, file)
}

#[cfg(unix)]
fn create_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}
