//! Workflows for who runs a host: the embedding application, and the command line.

use super::activities::FromWorkflows;
use super::host::{Whereabouts, Workflows};
use super::machines::FromEntries;
use super::{is_host, type_name, worker};
use crate::Runtime;
use perilune_registry::{EntryId, Snapshot};
use perilune_temporal::Recorded;
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{Activities, Backend, Event, Machines, Recording, StartOptions, Started};
use std::sync::Arc;

/// Whether today's code does what a recorded run did.
#[derive(Clone, Debug, PartialEq)]
pub enum Replayed {
    /// It does.
    Same {
        /// So many events.
        events: usize,
    },
    /// It does something else.
    Differs(Box<Difference>),
    /// It could not be run to the end: it is not there, trapped, or took too long.
    Failed {
        /// The stable code.
        code: String,
        /// For people.
        message: String,
    },
}

/// The first place where code and history part.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The event; none where nobody tells which one it is.
    pub event: Option<u64>,
    /// What was recorded.
    pub expected: String,
    /// What the code does now.
    pub got: String,
    /// Where in the code, as `entry:line`.
    pub position: Option<String>,
}

/// A run as a file, in one of the forms that are read.
enum File {
    Own(Recording),
    Server(Recorded),
}

impl File {
    fn read(text: &[u8]) -> Result<Self, Failure> {
        let invalid = |message: String| Failure::invalid(message);
        if Recording::is_meant(text) {
            return Recording::read(text).map(File::Own).map_err(|error| invalid(error.to_string()));
        }
        Recorded::read(text).map(File::Server).map_err(|error| {
            invalid(format!(
                "neither written by `perilune workflow show --json` nor by Temporal's tools: {error}"
            ))
        })
    }

    fn workflow_type(&self) -> &str {
        match self {
            File::Own(recording) => &recording.workflow_type,
            File::Server(recorded) => recorded.workflow_type(),
        }
    }
}

impl Runtime {
    /// The ids of all hosts of workflows: entries of kinds `workflow.host` and `temporal.worker`.
    pub fn workflow_hosts(&self) -> Vec<EntryId> {
        let snapshot = self.registry().snapshot();
        snapshot.entries().filter(|entry| is_host(entry.kind())).map(|entry| entry.id().clone()).collect()
    }

    /// The workflows of a host: to start, ask, tell and look at.
    ///
    /// # Errors
    ///
    /// `NotFound` and `Invalid` for what is no such host, `Unavailable` where a `workflow.host` does not run.
    pub fn workflows(&self, host: &str) -> Result<Arc<dyn Backend>, Failure> {
        self.resource::<Workflows>(host)?.backend()
    }

    /// Starts a workflow on the host that its entry names, and says which host that is.
    ///
    /// # Errors
    ///
    /// `NotFound` and `Invalid` for what is no workflow or names no host, and what the host says.
    pub async fn start_workflow(
        &self,
        entry: &str,
        args: Vec<Value>,
        options: StartOptions,
    ) -> Result<(String, Started), Failure> {
        let host = self.inner.host_of(entry, "")?;
        let started = host.backend()?.start(&self.inner.type_on(&host, entry), args, options).await;
        Ok((host.id().to_string(), started.map_err(|error| error.into_failure())?))
    }

    /// The workflows of a host while this runtime does not run them: to look at, and on a server also to start, ask and tell.
    ///
    /// # Errors
    ///
    /// As for [`Runtime::workflows`], and when there is no file yet or it cannot be read.
    pub fn workflows_at_rest(&self, host: &str) -> Result<Arc<dyn Backend>, Failure> {
        self.resource::<Workflows>(host)?.at_rest()
    }

    /// The code of a host's workflows, for who keeps their histories elsewhere.
    ///
    /// # Errors
    ///
    /// `NotFound` and `Invalid` for what is no such host.
    pub fn workflow_machines(&self, host: &str) -> Result<Arc<dyn Machines>, Failure> {
        let at = self.resource::<Workflows>(host)?.whereabouts.clone();
        Ok(Arc::new(FromEntries { at }))
    }

    /// The functions that a host's workflows call, for who keeps their histories elsewhere.
    ///
    /// # Errors
    ///
    /// `NotFound` and `Invalid` for what is no such host.
    pub fn workflow_activities(&self, host: &str) -> Result<Arc<dyn Activities>, Failure> {
        let at = self.resource::<Workflows>(host)?.whereabouts.clone();
        Ok(Arc::new(FromWorkflows { at }))
    }

    /// Runs a recorded history against the code that is loaded. Nothing of it takes effect.
    ///
    /// `file` is what [`Backend::export`] gave, what `temporal workflow show -o json` writes, or protobuf bytes of a history.
    ///
    /// # Errors
    ///
    /// `Invalid` for anything else.
    pub async fn replay_workflow(&self, file: &[u8]) -> Result<Replayed, Failure> {
        let file = File::read(file)?;
        let host = owner(&self.registry().snapshot(), file.workflow_type());
        let at = match host {
            Some(host) => self.resource::<Workflows>(&host.to_string())?.whereabouts.clone(),
            None => Whereabouts::nowhere(self),
        };
        let machines = FromEntries { at };
        match file {
            File::Own(recording) => own(&machines, &recording).await,
            File::Server(recorded) => Ok(server(machines, &recorded).await),
        }
    }
}

/// The host that a workflow names as its own.
fn owner(snapshot: &Snapshot, workflow_type: &str) -> Option<EntryId> {
    let mut workflows = snapshot.entries().filter(|entry| entry.runs_as() == super::WORKFLOW);
    let is_meant = |id: &EntryId, name: &str| id.to_string() == workflow_type || name == workflow_type;
    workflows
        .find(|entry| is_meant(entry.id(), &type_name(entry)))
        .and_then(|entry| worker(entry, "workflow"))
}

async fn own(machines: &FromEntries, recording: &Recording) -> Result<Replayed, Failure> {
    use perilune_durable::Difference as Parted;
    let machine = machines.create(&recording.workflow_type, &recording.run_id).await;
    let mut machine = match machine {
        Ok(machine) => machine,
        Err(failure) => {
            let (code, message) = (failure.code.as_str().to_owned(), failure.failure.message);
            return Ok(Replayed::Failed { code, message });
        }
    };
    Ok(match perilune_durable::replay(&recording.events, &mut *machine).await {
        Ok(()) => Replayed::Same { events: recording.events.len() },
        Err(Parted::Nondeterminism { event_id, expected, got, position }) => {
            Replayed::Differs(Box::new(Difference { event: Some(event_id), expected, got, position }))
        }
        Err(Parted::Task { event_id, failure }) => Replayed::Failed {
            code: failure.code.as_str().to_owned(),
            message: format!("event {event_id}: {}", failure.failure.message),
        },
        Err(malformed) => return Err(Failure::invalid(malformed.to_string())),
    })
}

async fn server(machines: FromEntries, recorded: &Recorded) -> Replayed {
    use perilune_temporal::Replayed as Told;
    let text = |event: &Event| format!("{} ({})", event.kind.name(), event.id);
    match perilune_temporal::replay(recorded, Arc::new(machines)).await {
        Told::Same => Replayed::Same { events: recorded.len() },
        Told::Differs(parted) => Replayed::Differs(Box::new(Difference {
            event: parted.event_id,
            expected: parted.expected.as_ref().map_or_else(|| "what the history has".to_owned(), text),
            got: parted.message,
            position: parted.expected.and_then(|event| event.position),
        })),
        Told::Failed { code, message } => Replayed::Failed { code: code.as_str().to_owned(), message },
    }
}

impl Workflows {
    fn at_rest(&self) -> Result<Arc<dyn Backend>, Failure> {
        match self.backend() {
            Err(failure) if failure.kind == Kind::Unavailable => self.look(),
            found => found,
        }
    }
}
