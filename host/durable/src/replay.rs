//! Bringing a new machine to where a history ends.

use crate::batches::Batches;
use crate::compare::{command_text, event_text, is_recorded, same};
use perilune_workflow::{Code, Command, Event, Machine, TaskFailure};

/// Where a machine and a history part.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Difference {
    /// The code does something else than it did.
    #[error(
        "[{}] event {event_id}: the history has {expected}, the code now gives {got}{}; bring back the old code, or guard the \
         change with `workflow.version`",
        Code::Nondeterminism,
        .position.as_deref().map(|position| format!(" (at {position})")).unwrap_or_default()
    )]
    Nondeterminism {
        /// The first event that differs.
        event_id: u64,
        /// What the history has.
        expected: String,
        /// What the code gives now.
        got: String,
        /// Where in the code: of what it gives now, or else of what it gave then.
        position: Option<String>,
    },
    /// The code does not get that far.
    #[error("event {event_id}: {failure}")]
    Task {
        /// The event of the activation.
        event_id: u64,
        /// Why.
        failure: Box<TaskFailure>,
    },
    /// The events are no history.
    #[error("[{}] not a history: {reason}", Code::StoreCorrupt)]
    Malformed {
        /// Why.
        reason: String,
    },
}

/// Gives a machine that is new all activations of a history, and compares its commands with those that are recorded.
///
/// # Errors
///
/// The first [`Difference`]; the machine is of no use then.
pub async fn replay(history: &[Event], machine: &mut dyn Machine) -> Result<(), Difference> {
    let batches = Batches::of(history).ok_or_else(|| Difference::Malformed {
        reason: "it does not begin with WorkflowExecutionStarted".to_owned(),
    })?;
    for batch in batches {
        let event_id = batch.event_id;
        let commands = machine
            .activate(batch.activation)
            .await
            .map_err(|failure| Difference::Task { event_id, failure: Box::new(failure) })?;
        compare(event_id, &commands, &batch.commands)?;
    }
    Ok(())
}

fn compare(event_id: u64, commands: &[Command], recorded: &[&Event]) -> Result<(), Difference> {
    let mut events = recorded.iter();
    for command in ordered(commands) {
        let event = events.next();
        if event.is_some_and(|event| same(&command.kind, &event.kind)) {
            continue;
        }
        return Err(Difference::Nondeterminism {
            event_id: event.map_or(event_id, |event| event.id),
            expected: event.map_or_else(|| "no further command".to_owned(), |event| event_text(event)),
            got: command_text(&command.kind),
            position: command.position.clone().or_else(|| event.and_then(|event| event.position.clone())),
        });
    }
    match events.next() {
        None => Ok(()),
        Some(event) => Err(Difference::Nondeterminism {
            event_id: event.id,
            expected: event_text(event),
            got: "no further command".to_owned(),
            position: event.position.clone(),
        }),
    }
}

/// The commands that are recorded, in the order in which they are: of those that end the run only the first counts, and comes last.
pub(crate) fn ordered(commands: &[Command]) -> impl Iterator<Item = &Command> {
    let end = commands.iter().find(|command| command.kind.is_final());
    commands.iter().filter(|command| is_recorded(command) && !command.kind.is_final()).chain(end)
}
