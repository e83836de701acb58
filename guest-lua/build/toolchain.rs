//! Finds the C compiler for wasm. `cargo xtask setup` fetches the pinned one into the target folder.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `cargo xtask setup` puts the compiler, below the target folder.
const FETCHED: &str = "toolchain/zig-0.17.1/ziglang/zig";

pub(crate) enum Compiler {
    /// `zig cc`, which brings clang, the linker and wasi-libc.
    Zig(PathBuf),
    /// The folder of an installed wasi-sdk.
    WasiSdk(PathBuf),
}

impl Compiler {
    /// `PERILUNE_ZIG`, then `WASI_SDK_PATH`, then what `cargo xtask setup` fetched.
    pub(crate) fn find(out_dir: &Path) -> Result<Self, String> {
        for variable in ["PERILUNE_ZIG", "WASI_SDK_PATH"] {
            println!("cargo::rerun-if-env-changed={variable}");
        }
        if let Some(zig) = env::var_os("PERILUNE_ZIG") {
            return Ok(Compiler::Zig(zig.into()));
        }
        if let Some(sdk) = env::var_os("WASI_SDK_PATH") {
            return Ok(Compiler::WasiSdk(sdk.into()));
        }
        let fetched = out_dir.ancestors().map(|folder| folder.join(FETCHED));
        for zig in fetched.flat_map(|zig| [zig.with_extension("exe"), zig]) {
            if zig.is_file() {
                println!("cargo::rerun-if-changed={}", zig.display());
                return Ok(Compiler::Zig(zig));
            }
        }
        Err("the C compiler for wasm is missing: type `cargo xtask setup` once, then build again".to_owned())
    }

    /// The compiler with the flags that every translation unit of the guest needs.
    pub(crate) fn command(&self) -> Command {
        match self {
            Compiler::Zig(zig) => {
                let mut command = Command::new(zig);
                command.args(["cc", "-target", "wasm32-wasi"]);
                // What zig compiles for itself, such as wasi-libc, stays beside it.
                if let Some(folder) = zig.parent().filter(|folder| folder.ends_with("ziglang")) {
                    command.env("ZIG_GLOBAL_CACHE_DIR", folder.with_file_name("cache"));
                }
                command
            }
            Compiler::WasiSdk(sdk) => {
                let mut command = Command::new(sdk.join("bin/clang"));
                command.args(["--target=wasm32-wasip1", "-Wl,--stack-first"]);
                command
            }
        }
    }
}
