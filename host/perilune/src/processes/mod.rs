//! Processes.
//!
//! | file | holds |
//! |---|---|
//! | `spawn.rs` | how a process is started |
//! | `life.rs` | how it lives: turn after turn, through upgrades, to its end |
//! | `rest.rs` | how it waits: with its cell at first, and without it after a while |
//! | `access.rs` | the global `process` over the host |
//! | `services.rs` | processes that services start |
//! | `commands.rs` | processes that run as commands |

mod access;
mod commands;
mod life;
mod rest;
mod services;
mod spawn;

pub(crate) use access::Access;
pub use commands::Command;
pub(crate) use commands::decode;
pub(crate) use services::ForServices;
