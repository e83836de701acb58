//! Compiles and links the guest's C; wraps a core module as a component.

use crate::lua_sources::{INLINED, LuaSources};
use crate::toolchain::Compiler;
use crate::world::{NAME, World};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use wit_bindgen_core::Files;
use wit_component::ComponentEncoder;

/// Flags whose reasons are not obvious:
///
/// * Lua throws by longjmp: LLVM lowers it to wasm exceptions in their standard form, and `perilune-lowering` those to
///   checked returns.
/// * The hash seed is fixed, because a cell must be deterministic; whoever
///   provokes collisions slows down only its own cell.
/// * Lua's own writes to standard output do not exist in a sandbox.
/// * Speed, with its measurements in docs/decisions/0010-where-the-interpreters-time-goes.md: `zig cc` takes `-O3` for
///   `-O2`. LLVM makes wasm's jump tables of switches with two cases, such as a test for integer or float, unless a table
///   must be denser. Each call costs a look at the engine's epoch, so more than usual is inlined. A table of labels would
///   be one more look-up in front of wasm's own.
const FLAGS: &[&str] = &[
    "-O3",
    "-Xclang",
    "-O3",
    "-std=gnu17",
    "-mexec-model=reactor",
    "-mexception-handling",
    "-mbulk-memory",
    "-mllvm",
    "-wasm-enable-sjlj",
    "-mllvm",
    "-wasm-use-legacy-eh=false",
    "-mllvm",
    "-jump-table-density=40",
    "-mllvm",
    "-inline-threshold=300",
    "-DLUA_USE_JUMPTABLE=0",
    "-D_WASI_EMULATED_SIGNAL",
    "-Dl_signalT=int",
    "-DLUA_COMPAT_5_3",
    "-Dluai_makeseed(L)=0x5eed1e55u",
    "-Dlua_writestring(s,l)=((void)(s))",
    "-Dlua_writeline()=((void)0)",
    "-Dlua_writestringerror(s,p)=((void)(p))",
];

/// 1 MiB of C stack carries Lua's own limit of 200 nested C calls several times over. Both linkers put it below the data,
/// so that an overflow would trap instead of overwriting.
const LINK_FLAGS: &[&str] = &["-s", "-Wl,-z,stack-size=1048576"];

/// tag.s is compiled by the same command, and takes none of the definitions.
const WARNINGS: &[&str] =
    &["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-unused-command-line-argument"];

/// Bindings of the exported interface come from wit-bindgen-c; of its imports nothing is used, and the linker drops it.
fn bindings(world: &World, into: &Path) -> Result<()> {
    let mut files = Files::default();
    let mut resolve = world.resolve.clone();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world.id, &mut files)?;
    for (name, contents) in files.iter() {
        fs::write(into.join(name), contents)?;
    }
    Ok(())
}

pub(crate) fn compile(
    compiler: &Compiler,
    world: &World,
    ours: &Path,
    generated: &Path,
    lua: &LuaSources,
) -> Result<Vec<u8>> {
    bindings(world, generated)?;
    let c_name = NAME.replace('-', "_");
    let module = generated.join("guest.core.wasm");
    let mut own: Vec<_> = fs::read_dir(ours)?
        .map(|entry| Ok(entry?.path()))
        .filter(|path: &Result<_>| {
            path.as_ref().is_ok_and(|path| {
                path.extension().is_some_and(|e| e == "c" || e == "s")
                    && !INLINED.iter().any(|name| path.ends_with(name))
            })
        })
        .collect::<Result<_>>()?;
    own.sort();

    let mut command = compiler.command();
    command.args(FLAGS).args(LINK_FLAGS);
    command.arg("-I").arg(ours).arg("-I").arg(&lua.folder).arg("-I").arg(generated);
    command.args(&own).arg(generated.join("imports.c")).arg(generated.join("prelude_files.c"));
    command.args(WARNINGS);
    command
        .arg(generated.join(format!("{c_name}.c")))
        .arg(generated.join(format!("{c_name}_component_type.o")));
    command.arg(&lua.unit).arg("-o").arg(&module);
    let output = command.output().with_context(|| format!("running {:?}", command.get_program()))?;
    ensure!(output.status.success(), "compiling the guest:\n{}", String::from_utf8_lossy(&output.stderr));

    Ok(fs::read(&module)?)
}

/// The section that wit-bindgen-c put into the module says what the component imports and exports.
pub(crate) fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(module)?.encode()
}
