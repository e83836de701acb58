//! Runs and their relations: pids, names, links, monitors, mailboxes, and the hosts that processes run on.
//!
//! A *run* is a process, the call of a function, or something on the host that has a mailbox, such as the connection of a
//! client. This crate knows who there is and what one learns of another; it runs nothing itself.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `table.rs` | [`Table`]: all runs of a host; how one begins and ends |
//! | `run.rs` | [`Run`]: one of them, with its relations |
//! | `vitals.rs` | [`Vitals`]: what can be seen of one from outside |
//! | `relations.rs` | links and monitors |
//! | `names.rs` | names of runs |
//! | `notice.rs` | events that runs get of each other, as messages |
//! | `dead_letters.rs` | [`DeadLetter`]: messages that nobody will read |
//! | `host.rs` | kinds `process.host` and `terminal.host` |
//! | `total.rs` | [`Total`]: how many all hosts may run together |
//! | `terminal.rs` | [`Terminal`]: what a process on a `terminal.host` reads and writes |

mod dead_letters;
mod host;
mod names;
pub mod notice;
mod relations;
mod run;
mod table;
mod terminal;
mod total;
mod vitals;

pub use dead_letters::DeadLetter;
pub use host::{KINDS, Place, ProcessHost, Settings};
pub use relations::Relation;
pub use run::{Born, Changed, Nature, Outcome, Run, Upgrade};
pub use table::{Birth, Table};
pub use terminal::{Attached, LONGEST_LINE, Target, Terminal};
pub use total::Total;
pub use vitals::{Activity, Vitals};
