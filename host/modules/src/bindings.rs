//! The interfaces of `wit/` that modules here implement, as Rust traits.

use perilune_cell::interfaces::{failure_to_wit, types};
use perilune_value::Failure;

mod generated {
    #![allow(missing_docs, reason = "generated from wit/, which documents it")]
    #![allow(clippy::all, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

pub(crate) use generated::perilune::cell::*;

/// What a function returns: a trap, or the value or failure that Lua sees.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, types::Failure>>;

pub(crate) fn answer<T>(result: Result<T, impl Into<Failure>>) -> Answer<T> {
    Ok(result.map_err(|failure| failure_to_wit(failure.into())))
}
