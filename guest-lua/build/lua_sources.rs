//! Lua's C sources: a copy of those in crate `lua-src` with `patches/` applied.

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const VERSION: &str = "lua-5.4.9";

/// Standard libraries that a sandbox has no use for, and the stand-alone start-up that would open them.
const LEFT_OUT: [&str; 7] = ["liolib.c", "loslib.c", "loadlib.c", "linit.c", "ldblib.c", "lua.c", "luac.c"];

/// Files of ours that Lua calls, or that call Lua, all the time. They are compiled together with it.
pub(crate) const INLINED: [&str; 2] = ["allocator.c", "coroutine.c"];

/// No file of Lua's has this name.
const UNIT: &str = "one_unit.c";

pub(crate) struct LuaSources {
    pub(crate) folder: PathBuf,
    /// Includes all the files that are compiled.
    pub(crate) unit: PathBuf,
}

impl LuaSources {
    /// The compiler's name: it changes with anything in Lua, because bytecode fits the interpreter that it was made for and no other.
    pub(crate) fn compiler(&self) -> Result<String> {
        let mut files: Vec<_> =
            fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.sort();
        let mut digest = Sha256::new();
        for file in files {
            digest.update(fs::read(file)?);
        }
        let digest = format!("{:x}", digest.finalize());
        Ok(format!("{VERSION}-perilune-{}", &digest[..12]))
    }
}

pub(crate) fn prepare(patches: &Path, into: &Path) -> Result<LuaSources> {
    if into.exists() {
        fs::remove_dir_all(into)?;
    }
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(crate_folder()?)? {
        let entry = entry?;
        fs::write(into.join(entry.file_name()), fs::read(entry.path())?)?;
    }
    let mut patch_files: Vec<_> =
        fs::read_dir(patches)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    patch_files.sort();
    for patch in patch_files {
        apply(&patch, into).with_context(|| patch.display().to_string())?;
    }
    let mut files: Vec<_> = fs::read_dir(into)?
        .map(|entry| Ok(entry?.path()))
        .filter(|path: &Result<PathBuf>| path.as_ref().is_ok_and(|path| is_compiled(path)))
        .collect::<Result<_>>()?;
    files.sort();
    let unit = into.join(UNIT);
    fs::write(&unit, one_unit(&files)?)?;
    Ok(LuaSources { folder: into.to_owned(), unit })
}

/// All of Lua as one translation unit, so that small functions of one file become part of those that call them in another:
/// each call that remains costs a look at the engine's epoch.
fn one_unit(files: &[PathBuf]) -> Result<String> {
    // Lua's own lprefix.h narrows what the first include of a standard header declares.
    let mut text = String::from("#include <stdlib.h>\n");
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).context("a source file without a name")?;
        writeln!(text, "#include \"{name}\"")?;
    }
    for name in INLINED {
        writeln!(text, "#include \"{name}\"")?;
    }
    Ok(text)
}

fn is_compiled(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".c") && !LEFT_OUT.contains(&name)
}

/// Applies a patch whose files are named `a/NAME` and `b/NAME`.
fn apply(patch: &Path, folder: &Path) -> Result<()> {
    let text = fs::read_to_string(patch)?;
    for part in text.split("--- a/").skip(1) {
        let part = format!("--- a/{part}");
        let diff = diffy::Patch::from_str(&part)?;
        let name = diff
            .modified()
            .and_then(|name| name.strip_prefix("b/"))
            .context("a patch without a file name")?;
        let target = folder.join(name);
        let patched =
            diffy::apply(&fs::read_to_string(&target)?, &diff).context("Lua's sources have changed")?;
        fs::write(target, patched)?;
    }
    Ok(())
}

/// Where cargo keeps the sources of this version of Lua. Benchmarks depend on another version of the same crate.
fn crate_folder() -> Result<PathBuf> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &env::var("HOST")?])
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let folders = packages.iter().filter(|package| package["name"] == "lua-src").filter_map(|package| {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        Some(manifest.parent()?.join(VERSION))
    });
    folders
        .into_iter()
        .find(|folder| folder.is_dir())
        .with_context(|| format!("no lua-src crate holds {VERSION}"))
}
