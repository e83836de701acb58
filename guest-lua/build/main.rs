//! Builds the guest: Lua's C, our glue and the prelude become one pre-initialised WebAssembly component.
//!
//! | file | step |
//! |---|---|
//! | `toolchain.rs` | find the C compiler for wasm |
//! | `lua_sources.rs` | copy Lua's sources from crate `lua-src` and apply `patches/` |
//! | `world.rs` | the world: every interface in `wit/` is imported, `guest` is exported |
//! | `imports.rs`, `lower.rs`, `lift.rs` | generate the C that makes those imports callable from Lua |
//! | `prelude.rs` | embed `lua/` |
//! | `compile.rs` | compile and link, then wrap as a component |
//! | crate `perilune-lowering` | between the two: replace exceptions by checked returns |
//! | `preinit.rs` | run the guest's `init` and keep the memory it leaves |

#![expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]

mod compile;
mod imports;
mod lift;
mod lower;
mod lua_sources;
mod preinit;
mod prelude;
mod toolchain;
mod world;

use anyhow::{Context, Result};
use perilune_lowering::lower_exceptions;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for watched in ["build", "c", "lua", "patches", "../wit"] {
        println!("cargo::rerun-if-changed={watched}");
    }

    let compiler = match toolchain::Compiler::find(&out) {
        Ok(compiler) => compiler,
        Err(reason) => {
            println!("cargo::error={reason}");
            std::process::exit(1);
        }
    };
    let world = world::World::load(&here.join("../wit"))?;
    let sources = out.join("c");
    fs::create_dir_all(&sources)?;
    let lua =
        lua_sources::prepare(&here.join("patches"), &out.join("lua")).context("preparing Lua's sources")?;
    fs::write(sources.join("imports.c"), imports::generate(&world)?)?;
    fs::write(sources.join("prelude_files.c"), prelude::embed(&here.join("lua"))?)?;

    println!("cargo::rustc-env=PERILUNE_COMPILER={}", lua.compiler()?);

    let linked = compile::compile(&compiler, &world, &here.join("c"), &sources, &lua)?;
    let lowered = lower_exceptions(&linked).context("lowering the guest's exceptions")?;
    // Tests compare the two.
    for (module, throwing, file) in [(lowered, false, "guest.wasm"), (linked, true, "guest.throwing.wasm")] {
        let component = compile::componentize(&module)?;
        let initialised = preinit::run(&component, throwing).context("pre-initialising the guest")?;
        fs::write(out.join(file), initialised)?;
    }
    Ok(())
}
