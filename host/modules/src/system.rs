//! Module `system`: what the host is doing.

use crate::CallContext;
use crate::bindings::system as wit;
use perilune_cell::{CellState, Class, Module};
use perilune_value::Value;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "system",
    summary: "Statistics of the host: the pools of entries.",
    classes: &[Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What the module needs of the host.
pub trait SystemAccess: Send + Sync {
    /// An array with a map for each pool, sorted by entry.
    fn pools(&self) -> Value;
}

impl wit::Host for CellState {
    fn pools(&mut self) -> wasmtime::Result<Vec<u8>> {
        Ok(CallContext::of(self)?.host.system.pools().to_msgpack())
    }
}
