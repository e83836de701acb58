//! Processes.
//!
//! | file | holds |
//! |---|---|
//! | `spawn.rs` | how a process is started |
//! | `life.rs` | how it lives: turn after turn, through upgrades, to its end |
//! | `rest.rs` | how it waits: with its cell at first, and without it after a while |
//! | `outdated.rs` | those that want to know when their code has changed |
//! | `access.rs` | the global `process` over the host |
//! | `services.rs` | processes that services start |
//! | `commands.rs` | processes that run as commands |
//! | `view.rs` | what an operator sees of them, and does to them |
//! | `seen.rs` | the same as data |

mod access;
mod commands;
mod life;
mod outdated;
mod rest;
mod seen;
mod services;
mod spawn;
mod view;

pub(crate) use access::Access;
pub use commands::Command;
pub(crate) use commands::decode;
pub use seen::{
    Dead, HostInfo, Letters, MailboxInfo, Overview, ProcessDetails, ProcessInfo, ProcessKind, ServiceInfo,
};
pub(crate) use services::ForServices;
