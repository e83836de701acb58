//! Host modules that Lua may require.
//!
//! # Layout
//!
//! One module is one file here, one interface in `wit/`, and where Lua needs more than functions, one file in
//! `guest-lua/lua/modules/`.

pub mod base64;
mod bindings;
mod chain;
mod context;
pub mod ctx;
pub mod funcs;
pub mod hash;
pub mod json;
pub mod logger;
pub mod payload;
pub mod registry;
pub mod system;
pub mod time;
pub mod uuid;

pub use chain::Chain;
pub use context::CallContext;
use perilune_cell::Module;

/// Every module that an entry may list. Adding one is one line here.
pub const MODULES: &[Module] = &[
    base64::MODULE,
    ctx::MODULE,
    funcs::MODULE,
    hash::MODULE,
    json::MODULE,
    logger::MODULE,
    registry::MODULE,
    system::MODULE,
    time::MODULE,
    uuid::MODULE,
];

/// Interfaces that every cell has, besides those of crate `perilune-cell`.
pub const ALWAYS: &[Module] = &[payload::MODULE];
