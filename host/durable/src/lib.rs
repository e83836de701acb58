//! Durable workflows on one SQLite file: the backend that needs nothing installed.
//!
//! A [`Durable`] keeps the history of every run, and of each open run what the history amounts to. What happens to a run (a signal, a
//! timer, the end of an activity) becomes an event; its machine is told; the machine's commands become events and are carried out.
//! All that one step changes, in whatever runs, is one transaction, and nothing is acted on before it is on the disk. So a host that
//! dies at any moment goes on where it was: machines are made again and given their histories, activities that ran are tried again.
//!
//! Steps of many runs share transactions: one thread writes, and takes all that waits at once. Timers and ends of activities wait for
//! the step that they cause, and go to the disk with it.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `settings.rs` | [`Settings`], and the [`Gate`] that tests stop a host with |
//! | `clock.rs` | [`Clock`]: the real one, and a simulated one for tests |
//! | `engine/` | [`Durable`]: who drives runs and attempts, and waits |
//! | `archive.rs` | [`Archive`]: the file while no host works on it |
//! | `core/` | all open runs, and what follows from what happens to them |
//! | `batches.rs` | what a machine is told, live and on replay |
//! | `compare.rs`, `replay.rs` | [`replay()`]: whether a machine does what its history says |
//! | `cron.rs` | when runs of a cron workflow begin |
//! | `size.rs` | how much values take |
//! | `store/` | the file: who may open it, the thread that writes, what is read back |

mod archive;
mod batches;
mod clock;
mod compare;
mod core;
mod cron;
mod engine;
mod replay;
mod settings;
mod size;
mod store;

pub use archive::Archive;
pub use clock::{Clock, Hold, SimulatedClock, SystemClock};
pub use engine::Durable;
pub use replay::{Difference, replay};
pub use settings::{Gate, Settings};
