//! Durable workflows: entries of kind `workflow.lua` over a backend that keeps their histories.
//!
//! | file | holds |
//! |---|---|
//! | `recorder.rs` | the history behind a workflow's cell: what the cell asks for becomes commands, jobs answer it |
//! | `calls.rs` | modules `funcs` and `process` in a workflow: activities, children, signals |
//! | `past.rs` | the surroundings of a workflow's cell: the time of its history, its own randomness |
//! | `updates.rs` | updates that a script answers by messages |
//! | `machine.rs` | a workflow's cell as a machine: activations in, commands out |
//! | `machines.rs` | how machines are made from entries; which modules they may use |
//! | `activities.rs` | functions and processes as activities |
//! | `routes.rs` | which host and queue the work goes to |
//! | `operate.rs` | workflows for who runs the host: handles, replay |
//! | `headers.rs` | what travels with workflows and activities: context, actor, scope |
//! | `options.rs` | options of starts, activities and children, as scripts write them |
//! | `kinds.rs`, `places/` | the kinds of hosts: `workflow.host`, `temporal.client`, `temporal.worker` |
//! | `host.rs` | one host as a service |
//! | `checks.rs` | what entries say about workflows, checked when they are loaded |
//! | `outside.rs` | workflows as the rest of the host sees them: pids, starts, messages, monitors |

mod activities;
mod calls;
mod checks;
mod headers;
mod host;
mod kinds;
mod machine;
mod machines;
mod operate;
mod options;
mod outside;
mod past;
mod places;
mod recorder;
mod routes;
mod updates;

pub(crate) use checks::check_modules;
pub(crate) use kinds::{Home, KINDS};
pub(crate) use machines::WORKFLOW;
pub use operate::{Difference, Replayed};
pub(crate) use outside::Handle;
use perilune_registry::{Entry, EntryId};
use perilune_value::Value;

/// Whether entries of a kind run workflows.
fn is_host(kind: &str) -> bool {
    kinds::HOSTS.contains(&kind)
}

/// What `meta.temporal` says about an entry as `workflow` or `activity`.
fn role<'a>(entry: &'a Entry, role: &str) -> Option<&'a Value> {
    entry.meta().get("temporal")?.get(role)
}

/// The host that a workflow or an activity names as its own: `meta.temporal.workflow.worker`. It was checked when it was loaded.
fn worker(entry: &Entry, as_what: &str) -> Option<EntryId> {
    let worker = role(entry, as_what)?.get("worker").and_then(Value::as_str)?;
    EntryId::relative(worker, entry.id().namespace()).ok()
}

/// What servers call a workflow.
fn type_name(entry: &Entry) -> String {
    let name = role(entry, "workflow").and_then(|role| role.get("name")).and_then(Value::as_str);
    name.map_or_else(|| entry.id().to_string(), str::to_owned)
}
