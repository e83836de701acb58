//! One run: its machine, between what core tells it and what it answers.

use crate::convert::command::{Context, failed_query};
use crate::convert::fields::SENDER_HEADER;
use crate::convert::{job, time};
use futures_util::FutureExt;
use perilune_value::Failure;
use perilune_workflow::{Activation, Code, Command, CommandKind, Job, Machine, TaskFailure};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use temporalio_common::protos::coresdk::workflow_activation::{
    WorkflowActivation, workflow_activation_job::Variant,
};
use temporalio_common::protos::coresdk::workflow_commands::WorkflowCommand;

pub(crate) struct Run {
    pub(crate) workflow_type: String,
    pub(crate) workflow_id: String,
    pub(crate) machine: Box<dyn Machine>,
    pub(crate) context: Context,
    /// How long the machine may take.
    pub(crate) limit: Option<Duration>,
}

/// The answer to an activation.
pub(crate) struct Answered {
    pub(crate) commands: Vec<WorkflowCommand>,
    /// Why the machine must not be used again, though there is an answer.
    pub(crate) spoilt: Option<TaskFailure>,
}

impl Run {
    pub(crate) async fn activate(&mut self, given: WorkflowActivation) -> Result<Answered, TaskFailure> {
        let frame = Activation {
            run_id: given.run_id.clone(),
            timestamp: time::moment_or_start(given.timestamp.as_ref()),
            is_replaying: given.is_replaying,
            history_length: u64::from(given.history_length),
            history_bytes: given.history_size_bytes,
            continue_as_new_suggested: given.continue_as_new_suggested,
            jobs: Vec::new(),
        };
        let mut commands = Vec::new();
        let mut jobs = Vec::new();
        for variant in given.jobs.into_iter().filter_map(|job| job.variant) {
            if let Variant::DoUpdate(update) = &variant {
                self.context.updates.insert(update.id.clone(), update.protocol_instance_id.clone());
            }
            let Some(job) = job::job(&given.run_id, variant) else { continue };
            match &job {
                Job::Start(start) => {
                    self.context.run_id.clone_from(&start.run_id);
                    self.context.headers = start.headers.clone();
                    self.context.headers.remove(SENDER_HEADER);
                }
                Job::ResolveSignal { seq, .. } => {
                    if let Some(next) = self.context.after_signal(*seq) {
                        commands.extend(next);
                        continue;
                    }
                }
                Job::ResolveChildStart { seq, outcome: Ok(_) } => {
                    commands.extend(self.context.first_signal(*seq));
                }
                _ => {}
            }
            jobs.push(job);
        }
        if jobs.iter().any(|job| matches!(job, Job::Query { .. })) {
            return Ok(self.answer(&frame, jobs).await);
        }
        let wanted = self.step(Activation { jobs, ..frame }).await?;
        commands.extend(self.context.commands(wanted)?);
        Ok(Answered { commands, spoilt: None })
    }

    /// Core asks several questions at once, machines are asked one at a time.
    async fn answer(&mut self, frame: &Activation, jobs: Vec<Job>) -> Answered {
        let mut commands = Vec::new();
        let mut spoilt: Option<TaskFailure> = None;
        for job in jobs {
            let Job::Query { id, .. } = &job else { continue };
            let id = id.clone();
            let answered = match &spoilt {
                Some(failure) => Err(failure.clone()),
                None => self
                    .step(Activation { jobs: vec![job], ..frame.clone() })
                    .await
                    .and_then(|commands| only_answer(&id, commands)),
            };
            match answered.and_then(|answer| self.context.commands(vec![answer])) {
                Ok(answer) => commands.extend(answer),
                Err(failure) => {
                    commands.push(WorkflowCommand {
                        variant: Some(failed_query(id, failure.failure.clone())),
                        ..WorkflowCommand::default()
                    });
                    spoilt = Some(failure);
                }
            }
        }
        Answered { commands, spoilt }
    }

    async fn step(&mut self, activation: Activation) -> Result<Vec<Command>, TaskFailure> {
        let machine = &mut self.machine;
        let step = contained(async move { machine.activate(activation).await });
        match self.limit {
            None => step.await,
            Some(limit) => tokio::time::timeout(limit, step).await.unwrap_or_else(|_| {
                Err(TaskFailure::coded(
                    Code::TaskTimeout,
                    format!("the workflow's code did not come to rest within {limit:?}"),
                ))
            }),
        }
    }
}

/// A panic of a machine, or of what makes machines, is one run's trouble and not the worker's.
pub(crate) async fn contained<T>(
    step: impl Future<Output = Result<T, TaskFailure>>,
) -> Result<T, TaskFailure> {
    AssertUnwindSafe(step).catch_unwind().await.unwrap_or_else(|panic| {
        Err(TaskFailure::new(Failure::internal(format!("the host panicked: {}", panic_text(panic.as_ref())))))
    })
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}

fn only_answer(id: &str, mut commands: Vec<Command>) -> Result<Command, TaskFailure> {
    match commands.pop() {
        Some(command)
            if commands.is_empty()
                && matches!(&command.kind, CommandKind::AnswerQuery(answer) if answer.id == id) =>
        {
            Ok(command)
        }
        _ => Err(TaskFailure::coded(
            Code::QueryChangedState,
            "a query may only answer; its changes were thrown away",
        )),
    }
}
