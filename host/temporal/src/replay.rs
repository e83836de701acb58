//! Runs a recorded history against today's code.

use crate::convert::command::Context;
use crate::recorded::Recorded;
use crate::worker::workflows::{Runs, drive};
use futures_util::stream;
use perilune_workflow::{Code, Event, Machines};
use std::sync::{Arc, PoisonError};
use temporalio_common::protos::coresdk::workflow_activation::remove_from_cache::EvictionReason;
use temporalio_common::worker::WorkerTaskTypes;
use temporalio_sdk_core::replay::{HistoryForReplay, ReplayWorkerInput};
use temporalio_sdk_core::{WorkerConfig, WorkerVersioningStrategy, init_replay_worker};

/// What a replay found.
#[derive(Clone, Debug, PartialEq)]
pub enum Replayed {
    /// The code did what the history says.
    Same,
    /// The code did something else.
    Differs(Box<Difference>),
    /// The code could not be run: it is not there, trapped, or took too long.
    Failed {
        /// The stable code.
        code: Code,
        /// For people.
        message: String,
    },
}

/// The first place where code and history part.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The event that the code did not make; none where core does not name it.
    pub event_id: Option<u64>,
    /// The event as it was recorded.
    pub expected: Option<Event>,
    /// What core says: what it had and what it wanted.
    pub message: String,
}

/// Replays one history. Needs no server.
pub async fn replay(recorded: &Recorded, machines: Arc<dyn Machines>) -> Replayed {
    let runs = Arc::new(Runs::for_replay(
        machines,
        Context { task_queue: "replay".to_owned(), ..Context::default() },
    ));
    let failed = |message: String| Replayed::Failed { code: Code::TaskFailed, message };
    let unplayed = || failed("the history was not replayed: it holds no completed workflow task".to_owned());
    // Core would wait for one for ever.
    if !recorded.has_completed_task() {
        return unplayed();
    }
    let types = WorkerTaskTypes::workflow_only();
    let config = WorkerConfig::builder()
        .namespace("replay")
        .task_queue("replay")
        .task_types(types)
        .versioning_strategy(WorkerVersioningStrategy::None { build_id: String::new() })
        .build();
    let config = match config {
        Ok(config) => config,
        Err(error) => return failed(error),
    };
    let history = HistoryForReplay::new(recorded.0.clone(), recorded.workflow_id());
    let worker = match init_replay_worker(ReplayWorkerInput::new(config, stream::iter([history]))) {
        Ok(worker) => Arc::new(worker),
        Err(error) => return failed(format!("{error:#}")),
    };
    drive(Arc::clone(&worker), Arc::clone(&runs)).await;
    worker.shutdown().await;

    let evicted = std::mem::take(&mut *runs.evicted.lock().unwrap_or_else(PoisonError::into_inner));
    let Some((reason, message)) = evicted.into_iter().next() else {
        return unplayed();
    };
    match reason {
        EvictionReason::LangRequested
        | EvictionReason::CacheFull
        | EvictionReason::WorkflowExecutionEnding => Replayed::Same,
        EvictionReason::Nondeterminism => Replayed::Differs(Box::new(difference(recorded, &message))),
        EvictionReason::LangFail => match runs.failure() {
            Some(failure) => Replayed::Failed { code: failure.code, message: failure.failure.message },
            None => failed(message),
        },
        _ => failed(message),
    }
}

/// Core tells it in a sentence of its own, around the event's number.
fn difference(recorded: &Recorded, message: &str) -> Difference {
    const EVENT: &str = "HistoryEvent(id: ";
    const CODE: &str = "[TMPRL1100]";
    let event_id: Option<u64> = message.find(EVENT).and_then(|at| {
        let rest = &message[at + EVENT.len()..];
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    let said = message.find(CODE).map_or(message, |at| &message[at..]);
    // What follows is the rest of a failure, printed as Rust prints structs.
    let said = said.split("\", source:").next().unwrap_or(said);
    Difference {
        event_id,
        expected: event_id.and_then(|id| recorded.events().into_iter().find(|event| event.id == id)),
        message: said.replace("\\\"", "\""),
    }
}
