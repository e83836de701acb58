//! What a component may import.

use crate::state::State;
use crate::{Refusal, funcs, names, process};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2;

/// What every component may use: without a grant, files, variables and arguments are empty, and nothing is connected to. Sockets too,
/// since the libraries of Python and others import them whether or not a program has to do with a network.
const ALWAYS: &[&str] = &[
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
    "perilune:component/process@",
];

/// What a component may use where its entry lists the module.
pub(crate) const FUNCS: &str = "perilune:component/funcs@";

/// Looks at what a component imports, and links it. `modules` are those that its entry lists.
pub(crate) fn link(component: &Component, modules: &[String]) -> Result<InstancePre<State>, Refusal> {
    let engine = component.engine();
    let may_call = modules.iter().any(|module| module == "funcs");
    let is_granted = |name: &str| {
        ALWAYS.iter().any(|prefix| name.starts_with(prefix)) || may_call && name.starts_with(FUNCS)
    };
    let ty = component.component_type();
    let refused: Vec<String> = ty
        .imports(engine)
        .map(|(name, _)| name)
        .filter(|name| !is_granted(name))
        .map(str::to_owned)
        .collect();
    if !refused.is_empty() {
        return Err(Refusal::NotGranted(refused));
    }
    let linked = linker(engine).and_then(|linker| linker.instantiate_pre(component));
    linked.map_err(|error| Refusal::Mismatch(format!("{error:#}")))
}

/// All that there is: what a component does not import it cannot call, and what it imports has been looked at.
fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    p2::add_to_linker_async(&mut linker)?;
    linker.allow_shadowing(true);
    p2::bindings::sockets::ip_name_lookup::add_to_linker::<State, names::Lookup>(&mut linker, |state| state)?;
    process::add_to_linker(&mut linker)?;
    funcs::add_to_linker(&mut linker)?;
    Ok(linker)
}

impl WasiView for State {
    fn ctx(&mut self) -> wasmtime_wasi::WasiCtxView<'_> {
        wasmtime_wasi::WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
