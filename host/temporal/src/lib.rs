//! Durable workflows on a Temporal server.
//!
//! A [`Client`] knows a server and a namespace. A [`Worker`] takes tasks from one queue there, and gives them to
//! [`Machines`](perilune_workflow::Machines) and [`Activities`](perilune_workflow::Activities). A [`TemporalBackend`] is the
//! [`Backend`](perilune_workflow::Backend) through which workflows are started and talked to, whoever runs them. Values are stored as
//! `json/plain` wherever JSON can hold them, so other SDKs and the server's own pages read them.
//!
//! # Where the server differs from the embedded store
//!
//! * Side effects cannot be recorded: machines draw from the run's seed. A
//!   [`RecordSideEffect`](perilune_workflow::CommandKind::RecordSideEffect) fails the task with `WF_INVALID_COMMAND`.
//! * A version is kept as a patch, `change_id@version`.
//! * Where a command came from, [`Command::position`](perilune_workflow::Command::position), is kept as the summary that the server's
//!   pages show beside timers, activities and children.
//! * [`Parent::seq`](perilune_workflow::Parent::seq) is 0 in a child: the protocol does not tell it.
//! * The conflict policy `UseExisting` of a child means `Fail`, a child's delay is ignored, and signals that a child is to be started
//!   with follow when it runs. With [`ConflictPolicy::Fail`](perilune_workflow::ConflictPolicy::Fail) and an id of the caller's, the
//!   same holds for any start: signals follow it.
//! * A query that is not answered gives only the message and the kind of its failure: core passes on no more.
//! * The dev server's SQLite index finds no id with a backslash in it.
//! * A next run's memo and search attributes cannot be emptied, only replaced.
//! * [`Event`](perilune_workflow::Event)s keep the server's numbers, which have gaps.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `settings.rs` | [`ClientSettings`], [`WorkerSettings`]: what entries say |
//! | `client.rs`, `tls.rs` | [`Client`]: the connection, made when it is needed |
//! | `error.rs` | [`TemporalError`]; what the server's refusals mean |
//! | `worker/` | [`Worker`]: loops, one run, activities, core's settings |
//! | `backend/` | [`TemporalBackend`]: starts, calls, reads |
//! | `convert/` | values, failures, jobs, commands, events: the only place that knows the wire |
//! | `recorded.rs` | [`Recorded`]: histories as files |
//! | `replay.rs` | [`replay()`]: a recorded history against today's code |

mod backend;
mod client;
mod convert;
mod error;
mod recorded;
mod replay;
mod settings;
mod tls;
mod worker;

pub use backend::TemporalBackend;
pub use client::Client;
pub use convert::failure::{from_failure, to_failure};
pub use convert::fields::SENDER_HEADER;
pub use convert::payload::{from_payload, to_payload};
pub use error::TemporalError;
pub use recorded::{Recorded, RecordedError};
pub use replay::{Difference, Replayed, replay};
pub use settings::{Auth, ClientSettings, Secret, TlsSettings, Versioning, WorkerSettings};
pub use worker::Worker;
