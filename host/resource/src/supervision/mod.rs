//! What keeps services running.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `services.rs` | [`Services`](crate::Services): all of a host |
//! | `plan.rs`, `members.rs` | in which order they start; who is in which group |
//! | `keeper.rs` | the task that keeps one of them running |
//! | `unit.rs` | one service within its time limits |
//! | `restart.rs` | whether one that ended starts again, and when |
//! | `group.rs`, `crew.rs` | kind `service.group`; the members of one that runs |
//! | `strategy.rs` | who starts again with a member, and how often |
//! | `process.rs` | kind `process.service` |
//! | `status.rs` | [`Status`](crate::Status): what has become of a service |

mod crew;
mod group;
mod keeper;
mod members;
mod plan;
mod process;
pub mod restart;
mod services;
mod status;
pub mod strategy;
mod unit;

pub use services::Services;
pub use status::{ServiceState, Status};
pub(crate) use unit::Unit;

/// The kinds of this folder.
pub const KINDS: &[crate::ResourceKind] = &[group::KIND, process::KIND];
