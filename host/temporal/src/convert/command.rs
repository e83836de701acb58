//! What a machine wants, as core is told.

use super::failure::{to_failure, to_query_failure, to_retry};
use super::fields::{memo, search_attributes, signal_headers};
use super::payload::{to_fields, to_list, to_payload};
use super::{policy, time, version};
use perilune_value::{Failure, Value};
use perilune_workflow::{
    Answer, Code, Command, CommandKind, ConflictPolicy, ContinueAsNew, ExternalTarget, Fields,
    ScheduleActivity, Signal, StartChild, TaskFailure,
};
use std::collections::{HashMap, VecDeque};
use temporalio_common::protos::coresdk::common::NamespacedWorkflowExecution;
use temporalio_common::protos::coresdk::workflow_commands as core;
use temporalio_common::protos::coresdk::workflow_commands::workflow_command::Variant;
use temporalio_common::protos::temporal::api::common::v1::Payloads;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowIdReusePolicy;
use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;

/// What of a run its commands need, beside themselves.
#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) namespace: String,
    pub(crate) task_queue: String,
    /// Stands before the name of every queue.
    pub(crate) queue_prefix: String,
    pub(crate) run_id: String,
    /// The run's own, for the next run: the protocol does not hand them on.
    pub(crate) headers: Fields,
    /// The protocol names an update's answers otherwise than the update.
    pub(crate) updates: HashMap<String, String>,
    /// Signals for children that do not run yet.
    pub(crate) child_signals: HashMap<u32, (String, VecDeque<Signal>)>,
    /// Such signals that are on their way, with those that follow them.
    pub(crate) own_signals: HashMap<u32, (String, VecDeque<Signal>)>,
    pub(crate) sent_signals: u32,
    /// Activities are not handed back with the answer to a workflow task.
    pub(crate) no_eager_activities: bool,
}

impl Context {
    /// Commands in their order.
    pub(crate) fn commands(
        &mut self,
        commands: Vec<Command>,
    ) -> Result<Vec<core::WorkflowCommand>, TaskFailure> {
        let mut converted = Vec::with_capacity(commands.len());
        for command in commands {
            let user_metadata = command.position.as_deref().map(|position| UserMetadata {
                summary: Some(to_payload(&Value::from(position))),
                ..UserMetadata::default()
            });
            converted.push(core::WorkflowCommand {
                user_metadata,
                variant: Some(self.command(command.kind)?),
                ..core::WorkflowCommand::default()
            });
        }
        Ok(converted)
    }

    fn command(&mut self, kind: CommandKind) -> Result<Variant, TaskFailure> {
        Ok(match kind {
            CommandKind::StartTimer { seq, after } => Variant::StartTimer(core::StartTimer {
                seq,
                start_to_fire_timeout: Some(time::duration(after)),
            }),
            CommandKind::CancelTimer { seq } => Variant::CancelTimer(core::CancelTimer { seq }),
            CommandKind::ScheduleActivity(activity) => Variant::ScheduleActivity(self.activity(*activity)),
            CommandKind::CancelActivity { seq } => {
                Variant::RequestCancelActivity(core::RequestCancelActivity { seq })
            }
            CommandKind::StartChild(child) => Variant::StartChildWorkflowExecution(self.child(*child)),
            CommandKind::CancelChild { seq, reason } => {
                Variant::CancelChildWorkflowExecution(core::CancelChildWorkflowExecution {
                    child_workflow_seq: seq,
                    reason,
                })
            }
            CommandKind::SignalExternal { seq, target, signal } => {
                Variant::SignalExternalWorkflowExecution(core::SignalExternalWorkflowExecution {
                    seq,
                    headers: signal_headers(&signal),
                    args: to_list(&signal.args),
                    signal_name: signal.name,
                    target: Some(core::signal_external_workflow_execution::Target::WorkflowExecution(
                        self.execution(target),
                    )),
                })
            }
            CommandKind::CancelExternal { seq, target, reason } => {
                Variant::RequestCancelExternalWorkflowExecution(
                    core::RequestCancelExternalWorkflowExecution {
                        seq,
                        workflow_execution: Some(self.execution(target)),
                        reason,
                    },
                )
            }
            CommandKind::RecordSideEffect { .. } => {
                return Err(TaskFailure::coded(
                    Code::InvalidCommand,
                    "a Temporal server keeps no side effects: draw the value from the run's seed, or let an \
                     activity make it",
                ));
            }
            CommandKind::RecordVersion { change_id, version } => {
                Variant::SetPatchMarker(core::SetPatchMarker {
                    patch_id: version::to_patch(&change_id, version),
                    deprecated: false,
                })
            }
            CommandKind::UpsertSearchAttributes(fields) => {
                Variant::UpsertWorkflowSearchAttributes(core::UpsertWorkflowSearchAttributes {
                    search_attributes: search_attributes(&fields),
                })
            }
            CommandKind::UpsertMemo(fields) => {
                Variant::ModifyWorkflowProperties(core::ModifyWorkflowProperties {
                    upserted_memo: Some(memo(&fields).unwrap_or_default()),
                })
            }
            CommandKind::AcceptUpdate { id } => {
                self.update(&id, core::update_response::Response::Accepted(()), false)
            }
            CommandKind::RejectUpdate { id, failure } => {
                self.update(&id, core::update_response::Response::Rejected(to_failure(&failure)), true)
            }
            CommandKind::CompleteUpdate { id, outcome } => {
                let response = match outcome {
                    Ok(value) => core::update_response::Response::Completed(to_payload(&value)),
                    Err(failure) => core::update_response::Response::Rejected(to_failure(&failure)),
                };
                self.update(&id, response, true)
            }
            CommandKind::AnswerQuery(answer) => query_result(&answer),
            CommandKind::Complete(value) => {
                Variant::CompleteWorkflowExecution(core::CompleteWorkflowExecution {
                    result: Some(to_payload(&value)),
                })
            }
            CommandKind::Fail(failure) => Variant::FailWorkflowExecution(core::FailWorkflowExecution {
                failure: Some(to_failure(&failure)),
            }),
            CommandKind::Cancelled(details) => {
                Variant::CancelWorkflowExecution(core::CancelWorkflowExecution {
                    details: details.map(|details| Payloads { payloads: vec![to_payload(&details)] }),
                })
            }
            CommandKind::ContinueAsNew(next) => {
                Variant::ContinueAsNewWorkflowExecution(self.continue_as_new(*next))
            }
        })
    }

    /// A queue as the server knows it.
    fn queue(&self, named: Option<&str>) -> String {
        named.map_or_else(|| self.task_queue.clone(), |name| format!("{}{name}", self.queue_prefix))
    }

    fn activity(&self, activity: ScheduleActivity) -> core::ScheduleActivity {
        let options = activity.options;
        core::ScheduleActivity {
            seq: activity.seq,
            activity_id: activity.activity_id.unwrap_or_else(|| activity.seq.to_string()),
            activity_type: activity.activity_type,
            task_queue: self.queue(options.queue.as_deref()),
            headers: to_fields(&activity.headers),
            arguments: to_list(&activity.args),
            schedule_to_close_timeout: options.schedule_to_close.map(time::duration),
            schedule_to_start_timeout: options.schedule_to_start.map(time::duration),
            start_to_close_timeout: options.start_to_close.map(time::duration),
            heartbeat_timeout: options.heartbeat.map(time::duration),
            retry_policy: Some(to_retry(&options.retry)),
            cancellation_type: policy::activity_cancellation(options.cancellation),
            do_not_eagerly_execute: self.no_eager_activities,
            ..core::ScheduleActivity::default()
        }
    }

    fn child(&mut self, child: StartChild) -> core::StartChildWorkflowExecution {
        let options = child.options.start;
        let workflow_id = options.id.unwrap_or_else(|| format!("{}/{}", self.run_id, child.seq));
        if !options.signals.is_empty() {
            self.child_signals.insert(child.seq, (workflow_id.clone(), options.signals.into()));
        }
        // Children know no conflict policy: the old reuse policy has one of its two words, and the other is refusing.
        let reuse = match options.conflict {
            #[allow(deprecated)]
            ConflictPolicy::TerminateExisting => WorkflowIdReusePolicy::TerminateIfRunning as i32,
            ConflictPolicy::Fail | ConflictPolicy::UseExisting => policy::reuse(options.reuse),
        };
        core::StartChildWorkflowExecution {
            seq: child.seq,
            namespace: self.namespace.clone(),
            workflow_id,
            workflow_type: child.workflow_type,
            task_queue: self.queue(options.queue.as_deref()),
            input: to_list(&child.args),
            workflow_execution_timeout: options.execution_timeout.map(time::duration),
            workflow_run_timeout: options.run_timeout.map(time::duration),
            workflow_task_timeout: options.task_timeout.map(time::duration),
            parent_close_policy: policy::parent_close(child.options.parent_close),
            workflow_id_reuse_policy: reuse,
            retry_policy: options.retry.as_ref().map(to_retry),
            cron_schedule: options.cron.unwrap_or_default(),
            headers: to_fields(&options.headers),
            memo: to_fields(&options.memo),
            search_attributes: search_attributes(&options.search_attributes),
            cancellation_type: policy::child_cancellation(child.options.cancellation),
            ..core::StartChildWorkflowExecution::default()
        }
    }

    /// The first signal that a child was to be started with, once it runs.
    pub(crate) fn first_signal(&mut self, child: u32) -> Option<core::WorkflowCommand> {
        let (workflow_id, signals) = self.child_signals.remove(&child)?;
        self.next_signal(workflow_id, signals)
    }

    /// What follows on the end of a signal of a child's start; none where the machine itself sent that signal.
    pub(crate) fn after_signal(&mut self, seq: u32) -> Option<Option<core::WorkflowCommand>> {
        let (workflow_id, signals) = self.own_signals.remove(&seq)?;
        Some(self.next_signal(workflow_id, signals))
    }

    /// Signals that are sent together may overtake each other, so each waits for the one before.
    fn next_signal(
        &mut self,
        workflow_id: String,
        mut signals: VecDeque<Signal>,
    ) -> Option<core::WorkflowCommand> {
        let signal = signals.pop_front()?;
        // Counts down from the last number: machines count up.
        self.sent_signals += 1;
        let seq = u32::MAX - self.sent_signals;
        self.own_signals.insert(seq, (workflow_id.clone(), signals));
        Some(core::WorkflowCommand {
            variant: Some(Variant::SignalExternalWorkflowExecution(core::SignalExternalWorkflowExecution {
                seq,
                headers: signal_headers(&signal),
                args: to_list(&signal.args),
                signal_name: signal.name,
                target: Some(core::signal_external_workflow_execution::Target::ChildWorkflowId(workflow_id)),
            })),
            ..core::WorkflowCommand::default()
        })
    }

    fn continue_as_new(&self, next: ContinueAsNew) -> core::ContinueAsNewWorkflowExecution {
        core::ContinueAsNewWorkflowExecution {
            workflow_type: next.workflow_type.unwrap_or_default(),
            task_queue: self.task_queue.clone(),
            arguments: to_list(&next.args),
            workflow_run_timeout: next.run_timeout.map(time::duration),
            memo: next.memo.as_ref().map(to_fields).unwrap_or_default(),
            headers: to_fields(next.headers.as_ref().unwrap_or(&self.headers)),
            search_attributes: next.search_attributes.as_ref().and_then(search_attributes),
            retry_policy: next.retry.as_ref().map(to_retry),
            ..core::ContinueAsNewWorkflowExecution::default()
        }
    }

    fn execution(&self, target: ExternalTarget) -> NamespacedWorkflowExecution {
        NamespacedWorkflowExecution {
            namespace: self.namespace.clone(),
            workflow_id: target.workflow_id,
            run_id: target.run_id.unwrap_or_default(),
        }
    }

    fn update(&mut self, id: &str, response: core::update_response::Response, last: bool) -> Variant {
        let known = if last { self.updates.remove(id) } else { self.updates.get(id).cloned() };
        Variant::UpdateResponse(core::UpdateResponse {
            // An update that nobody asked for is named as it is: core says what is wrong.
            protocol_instance_id: known.unwrap_or_else(|| id.to_owned()),
            response: Some(response),
        })
    }
}

fn query_result(answer: &Answer) -> Variant {
    Variant::RespondToQuery(core::QueryResult {
        query_id: answer.id.clone(),
        variant: Some(match &answer.outcome {
            Ok(value) => core::query_result::Variant::Succeeded(core::QuerySuccess {
                response: Some(to_payload(value)),
            }),
            Err(failure) => core::query_result::Variant::Failed(to_query_failure(failure)),
        }),
    })
}

/// The answer to a query that the machine could not answer.
pub(crate) fn failed_query(id: String, failure: Failure) -> Variant {
    query_result(&Answer { id, outcome: Err(failure) })
}
