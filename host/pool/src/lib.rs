//! Who runs a call: a pool leases clean workers to callers, bounds how many run at once, and lets the rest wait in line.
//!
//! The crate knows neither wasm nor Lua. What a worker is, how one is made and how a used one becomes clean again is said by a
//! [`Supply`]. A caller takes a [`Lease`] and runs the call on its own task; nothing is handed to another task on the way.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `supply.rs` | [`Supply`]: where workers come from |
//! | `settings.rs` | [`Settings`] and [`Kind`]: the four types of pool and their defaults |
//! | `pool.rs` | [`Pool`]: leasing, warming, shedding, closing |
//! | `lease.rs` | [`Lease`]: a worker in a caller's hands |
//! | `state.rs` | what a pool's lock guards: places, workers, counts; every change is one method |
//! | `queue.rs` | the callers that wait, first come, first served |
//! | `controller.rs` | how many workers an adaptive pool has: a state machine without a clock |
//! | `janitor.rs` | [`Janitor`]: cleans used workers off the callers' path, for all pools of a host |
//! | `alarms.rs` | what a pool must do later: give back idle workers, look at its load |
//! | `waits.rs`, `stats.rs` | [`Stats`]: what a pool has seen |
//! | `refusal.rs` | the failures that callers meet |

mod alarms;
mod controller;
mod janitor;
mod lease;
mod pool;
mod queue;
mod refusal;
mod settings;
mod state;
mod stats;
mod supply;
mod waits;

pub use janitor::Janitor;
pub use lease::Lease;
pub use pool::Pool;
pub use settings::{Kind, Settings};
pub use stats::{Stats, WaitStats};
pub use supply::Supply;
