//! One sandboxed VM: a wasm instance with its grants and limits, that takes turns.
//!
//! A [`Cell`] never blocks inside the sandbox. [`Cell::start`] and [`Cell::turn`] run guest code until every coroutine waits
//! for something; imports that take time return a ticket at once, and the ticket's completion is an event of a later
//! turn. Between turns a cell is nothing but bytes. [`Cell::run`] drives turns until the method returns.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `engine.rs` | [`Engine`]: wasmtime set up for many small instances; places for cells |
//! | `machine.rs` | how many cells this machine can hold |
//! | `ticker.rs` | the one thread that advances the epoch |
//! | `cpu.rs` | what a turn has used of its CPU budget |
//! | `cache.rs` | compiled guests on disk |
//! | `guest.rs` | [`Guest`] and [`Template`]: a compiled guest, linked for a set of modules |
//! | `module.rs` | [`Module`]: what a granted interface is |
//! | `extension.rs` | [`Extension`]: modules that an embedding application writes in Rust |
//! | `limits.rs` | [`Limits`], and [`Death`]: how a cell ends against its will |
//! | `host.rs`, `pid.rs` | [`Host`]: who answers a cell's questions; [`Identity`] and [`Pid`] |
//! | `coverage.rs` | [`Coverage`]: which lines of scripts ran |
//! | `state.rs` | [`CellState`]: what the host keeps of a cell |
//! | `tickets.rs` | operations under way |
//! | `handles.rs` | what a cell has open on the host |
//! | `held.rs`, `mailbox.rs` | bytes that the host keeps for a cell, and its messages |
//! | `cell.rs` | [`Cell`]: load, start, turn |
//! | `event.rs` | [`Event`]: what a turn is told |
//! | `image/` | [`Image`]: a loaded entry's memory, from which calls begin |
//! | `hibernation/` | [`Hibernated`]: a cell without its instance |
//! | `drive.rs` | turn after turn until the method returns |
//! | `interfaces/` | the interfaces that every cell has, one file each |

mod cache;
mod cell;
mod coverage;
mod cpu;
mod drive;
mod engine;
mod event;
mod extension;
mod guest;
mod handles;
mod held;
mod hibernation;
mod host;
mod image;
pub mod interfaces;
mod limits;
mod machine;
mod mailbox;
mod module;
mod pid;
mod state;
mod ticker;
mod tickets;

pub use cache::compile;
pub use cell::{Backlog, CallSpec, Cell, CellSpec, Chunk, Form, ImportAlias, Status};
pub use coverage::{Coverage, Lines};
pub use cpu::Budget;
pub use engine::{Engine, EngineError, EngineOptions, base_config, busy, wasmtime_config};
pub use event::{Event, Message};
pub use extension::Extension;
pub use guest::{Guest, Template};
pub use handles::{Handle, Handles};
pub use held::{Held, Reservation};
pub use hibernation::Hibernated;
pub use host::{Host, Identity};
pub use image::Image;
pub use limits::{Death, Limit, Limits};
pub use machine::Machine;
pub use mailbox::{Arrival, Inbox, Mailbox, Refused, Sender, mailbox};
pub use module::{Class, Module};
pub use pid::Pid;
pub use state::CellState;
pub use ticker::Ticker;
pub use tickets::{Ticket, Tickets};
