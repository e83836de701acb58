//! The interfaces that every cell has, and the bindings generated from `wit/`.
//!
//! Modules in other crates generate their own bindings with `with: { "perilune:cell/types@0.1.0":
//! perilune_cell::interfaces::types }`, so that failures and tickets are the same types everywhere.

mod clock;
mod coverage;
mod extension;
mod log;
mod tickets;

use crate::CellState;
use perilune_value::{Failure, Kind, Value};
use wasmtime::component::{HasSelf, Linker};

mod bindings {
    #![allow(missing_docs, reason = "generated from wit/, which documents it")]
    #![allow(clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package perilune:host;
            world guest {
                import perilune:cell/clock@0.1.0;
                import perilune:cell/coverage@0.1.0;
                import perilune:cell/extension@0.1.0;
                import perilune:cell/log@0.1.0;
                import perilune:cell/tickets@0.1.0;
                export perilune:cell/guest@0.1.0;
            }
        ",
        world: "perilune:host/guest",
        imports: { default: trappable },
        exports: { default: async },
    });
}

pub(crate) use bindings::exports::perilune::cell::guest as exports;
pub use bindings::perilune::cell::{clock as clock_types, types};
pub(crate) use bindings::{Guest, GuestPre};
pub use clock::{civil_to_wit, fields_from_wit, instant_to_wit};

use bindings::perilune::cell as wit;

/// Adds all of them.
pub(crate) fn link(linker: &mut Linker<CellState>) -> wasmtime::Result<()> {
    wit::clock::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::coverage::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::extension::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::log::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    wit::tickets::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl wit::types::Host for CellState {}

/// A failure on its way into the guest.
pub fn failure_to_wit(failure: Failure) -> types::Failure {
    types::Failure {
        kind: failure.kind.as_str().to_owned(),
        message: failure.message,
        retryable: failure.retryable,
        details: failure.details.map(|details| details.to_msgpack()),
        stack: failure.stack,
    }
}

/// The guest's failure as the host's. Details that are no valid value are left out: only a broken guest sends such.
pub fn failure_from_wit(raw: types::Failure) -> Failure {
    Failure {
        kind: Kind::from(raw.kind.as_str()),
        message: raw.message,
        retryable: raw.retryable,
        details: raw.details.and_then(|details| Value::from_msgpack(&details).ok()),
        stack: raw.stack,
    }
}
