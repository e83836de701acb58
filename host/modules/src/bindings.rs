//! The interfaces of `wit/` that modules here implement, as Rust traits.

use perilune_cell::interfaces::{failure_to_wit, types};
use perilune_value::Failure;

mod generated {
    #![allow(missing_docs, reason = "generated from wit/, which documents it")]
    #![allow(clippy::all, reason = "generated")]
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package perilune:host;
            world modules {
                import perilune:cell/base64@0.1.0;
                import perilune:cell/ctx@0.1.0;
                import perilune:cell/funcs@0.1.0;
                import perilune:cell/hash@0.1.0;
                import perilune:cell/json@0.1.0;
                import perilune:cell/logger@0.1.0;
                import perilune:cell/payload@0.1.0;
                import perilune:cell/registry@0.1.0;
                import perilune:cell/system@0.1.0;
                import perilune:cell/time@0.1.0;
                import perilune:cell/uuid@0.1.0;
            }
        ",
        world: "perilune:host/modules",
        imports: { default: trappable },
        with: {
            "perilune:cell/types@0.1.0": perilune_cell::interfaces::types,
            "perilune:cell/clock@0.1.0": perilune_cell::interfaces::clock_types,
        },
    });
}

pub(crate) use generated::perilune::cell::*;

/// What a function returns: a trap, or the value or failure that Lua sees.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, types::Failure>>;

pub(crate) fn answer<T>(result: Result<T, impl Into<Failure>>) -> Answer<T> {
    Ok(result.map_err(|failure| failure_to_wit(failure.into())))
}
