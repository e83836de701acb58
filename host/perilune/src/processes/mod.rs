//! Processes.
//!
//! | file | holds |
//! |---|---|
//! | `spawn.rs` | how a process is started |
//! | `life.rs` | how it lives: turn after turn, through upgrades, to its end |
//! | `access.rs` | the global `process` over the host |
//! | `commands.rs` | processes that run as commands |

mod access;
mod commands;
mod life;
mod spawn;

pub(crate) use access::Access;
pub use commands::Command;
pub(crate) use commands::decode;
