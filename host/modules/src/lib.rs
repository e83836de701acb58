//! Host modules that Lua may require, and the kinds of entries that they work on.
//!
//! # Layout
//!
//! One module is one file or folder here, one interface in `wit/`, one description in `api/`, and where Lua needs more than
//! functions, one file in `guest-lua/lua/modules/`. What a module does outside of the boundary is in a crate of its own as a
//! rule, such as `perilune-sql` behind `sql.rs`.
//!
//! | file | holds |
//! |---|---|
//! | `context.rs`, `chain.rs` | [`CallContext`]: what modules find in their cell |
//! | `listener.rs` | [`Listener`]: who hears what a call prints and logs |
//! | `bindings.rs` | the interfaces as Rust traits |
//! | `network/` | what clients of the network share: who may reach what |
//! | `kinds.rs` | [`KINDS`]: entries that become live things |
//! | `compute.rs`, `stack.rs` | work that takes long, or a deep stack, off the cell's thread |

mod bindings;
mod chain;
mod compute;
mod context;
mod kinds;
mod listener;
mod network;
mod stack;

pub use chain::Chain;
pub use context::{CallContext, Host, SESSION};
pub use kinds::{KINDS, VARIABLES};
pub use listener::{Heard, Listener};
use perilune_cell::Module;

/// Declares each module's file, and lists what every cell has and what an entry may list.
macro_rules! modules {
    (always: $($always:ident)*; granted: $($granted:ident)*;) => {
        $(pub mod $always;)*
        $(pub mod $granted;)*

        /// Interfaces that every cell has, besides those of crate `perilune-cell`.
        pub const ALWAYS: &[Module] = &[$($always::MODULE),*];

        /// Every module that an entry may list, besides [`ALIASES`].
        pub const MODULES: &[Module] = &[$($granted::MODULE),*];
    };
}

// Adding a module is one line here.
modules! {
    always:
        durable
        payload
        process
        streams;
    granted:
        base64
        compress
        crypto
        ctx
        env
        events
        expr
        fs
        funcs
        hash
        html
        http
        http_client
        io
        json
        logger
        metrics
        queue
        registry
        security
        sql
        store
        system
        templates
        text
        time
        uuid
        websocket
        workflow
        yaml;
}

/// Other names that an entry may list for a module, and the module's own.
pub const ALIASES: &[(&str, &str)] = &[("template", "templates")];

/// A module's own name.
pub fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, own)| own)
}
