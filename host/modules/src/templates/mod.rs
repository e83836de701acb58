//! Module `templates`: sets of templates that are entries.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the module |
//! | `kinds.rs` | kinds `template.set`, `template.jet`, `template.jinja` |
//! | `live.rs` | a set that follows the registry |

mod kinds;
mod live;

pub use kinds::KINDS;

use crate::bindings::{Answer, answer, templates as wit};
use crate::{CallContext, compute};
use perilune_cell::interfaces::failure_to_wit;
use live::LiveSet;
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_value::{Failure, Value};
use std::sync::Arc;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "templates",
    summary: "Renders templates that are entries.",
    // What it renders depends on entries that may change.
    classes: &[Class::Storage, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// The set that a call may use. Asked for at each use: a set that was got may since have been removed.
fn find(state: &CellState, id: &str) -> wasmtime::Result<Result<Arc<LiveSet>, Failure>> {
    let context = CallContext::of(state)?;
    if id.is_empty() {
        return Ok(Err(Failure::invalid("the id of the template set is empty; write `namespace:name`")));
    }
    Ok(context.check("template.get", id).and_then(|()| context.resource::<LiveSet>(id)))
}

impl wit::Host for CellState {
    fn check(&mut self, set: String) -> Answer<()> {
        answer(find(self, &set)?.map(drop))
    }

    fn start_render(&mut self, set: String, name: String, data: Vec<u8>) -> wasmtime::Result<Ticket> {
        let set = find(self, &set)?;
        compute::start_sized(self, name.len() + data.len(), String::len, move |_| {
            let set = set?;
            if name.is_empty() {
                return Err(Failure::invalid("the name of the template is empty"));
            }
            let data = Value::from_msgpack(&data)?;
            set.current()?.render(&name, &data)
        })
    }

    fn take_render(&mut self, ticket: Ticket) -> Answer<String> {
        Ok(compute::take_sized(self, ticket)?.map_err(failure_to_wit))
    }
}
