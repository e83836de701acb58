//! Descriptions, lists, histories, results.

use super::call::is_pause;
use super::{TemporalBackend, execution, timed};
use crate::client::REQUEST;
use crate::convert::event::task_code;
use crate::convert::failure::{from_failure, from_optional};
use crate::convert::fields::{from_memo, from_search_attributes};
use crate::convert::payload::first;
use crate::convert::{policy, time};
use crate::recorded::Recorded;
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Code, Description, Filter, Outcome, Page, PendingActivity, Status, Summary, Target, TaskTrouble,
    WorkflowError,
};
use std::time::Duration;
use temporalio_common::protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_common::protos::temporal::api::history::v1::{
    History, HistoryEvent, history_event::Attributes as A,
};
use temporalio_common::protos::temporal::api::workflow::v1::{
    PendingActivityInfo, PendingWorkflowTaskInfo, WorkflowExecutionInfo,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest,
    GetWorkflowExecutionHistoryReverseRequest, ListWorkflowExecutionsRequest,
};

/// How long one request may wait for the end of a run; then it is asked again. The server ends it earlier.
const LONG_POLL: Duration = Duration::from_secs(70);
/// How far back the reason of a failing task is looked for: failed attempts leave at most a few events behind them.
const LAST_EVENTS: i32 = 20;
const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

impl TemporalBackend {
    pub(super) async fn description(&self, target: &Target) -> Result<Description, WorkflowError> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.namespace(),
            execution: Some(execution(target)),
        };
        let described = self.service().await?.describe_workflow_execution(timed(request, REQUEST)).await;
        let described = described.map_err(|status| self.error(target, &status))?.into_inner();
        let info = described.workflow_execution_info.unwrap_or_default();
        let summary = summary(&info);
        let this = Target { workflow_id: summary.workflow_id.clone(), run_id: Some(summary.run_id.clone()) };
        let open = summary.status == Status::Running;
        let next_run_id =
            if open { None } else { self.close_event(&this).await?.and_then(|event| next_run(&event)) };
        let timers = if open { running_timers(&self.recorded(&this).await?.0.events) } else { 0 };
        let trouble = match described.pending_workflow_task {
            Some(task) if task.attempt > 1 => Some(self.trouble(&this, &task).await?),
            _ => None,
        };
        Ok(Description {
            summary,
            next_run_id,
            activities: described.pending_activities.iter().map(pending_activity).collect(),
            timers,
            children: described.pending_children.len(),
            trouble,
        })
    }

    /// The server counts attempts, and keeps the reason of the first in the history.
    async fn trouble(
        &self,
        run: &Target,
        task: &PendingWorkflowTaskInfo,
    ) -> Result<TaskTrouble, WorkflowError> {
        let last = self.last_events(run, LAST_EVENTS).await?;
        let (code, failure) = last
            .iter()
            .find_map(|event| match event.attributes.as_ref()? {
                A::WorkflowTaskFailedEventAttributes(failed) => {
                    let failure = from_optional(failed.failure.as_ref(), failed.cause().as_str_name());
                    Some((task_code(failed.cause, Some(&failure)), failure))
                }
                _ => None,
            })
            .unwrap_or_else(|| {
                let failure = Failure::new(Kind::Timeout, "the workflow task was not answered in time");
                (Code::TaskTimeout.as_str().to_owned(), failure)
            });
        Ok(TaskTrouble {
            code,
            failure,
            attempts: u32::try_from(task.attempt.saturating_sub(1)).unwrap_or(1),
            next_attempt_at: time::moment_or_start(task.scheduled_time.as_ref()),
        })
    }

    pub(super) async fn page(&self, filter: Filter) -> Result<Page, WorkflowError> {
        let limit = if filter.limit == 0 { DEFAULT_PAGE } else { filter.limit.min(LARGEST_PAGE) };
        let next_page_token = match &filter.after {
            Some(after) => unhex(after).ok_or_else(|| {
                WorkflowError::new(Code::Invalid, format!("`{after}` is not where a page ended"))
            })?,
            None => Vec::new(),
        };
        let request = ListWorkflowExecutionsRequest {
            namespace: self.namespace(),
            page_size: i32::try_from(limit).unwrap_or(i32::MAX),
            next_page_token,
            query: query(&filter),
        };
        let listed = self.service().await?.list_workflow_executions(timed(request, REQUEST)).await;
        let listed = listed.map_err(|status| self.client.asked("list").error(&status))?.into_inner();
        Ok(Page {
            runs: listed.executions.iter().map(summary).collect(),
            next: (!listed.next_page_token.is_empty()).then(|| hex(&listed.next_page_token)),
        })
    }

    /// The whole history of a run, to be kept and replayed.
    ///
    /// # Errors
    ///
    /// As those of [`Backend::history`](perilune_workflow::Backend::history).
    pub async fn recorded(&self, target: &Target) -> Result<Recorded, WorkflowError> {
        let mut service = self.service().await?;
        let mut request = GetWorkflowExecutionHistoryRequest {
            namespace: self.namespace(),
            execution: Some(execution(target)),
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        let mut events = Vec::new();
        loop {
            let page = service.get_workflow_execution_history(timed(request.clone(), REQUEST)).await;
            let page = page.map_err(|status| self.error(target, &status))?.into_inner();
            events.extend(page.history.unwrap_or_default().events);
            if page.next_page_token.is_empty() {
                return Ok(Recorded(History { events }));
            }
            request.next_page_token = page.next_page_token;
        }
    }

    pub(super) async fn outcome(&self, mut target: Target) -> Result<Outcome, WorkflowError> {
        loop {
            let event = self.wait_for_end(&target).await?;
            if let Some(next) = next_run(&event) {
                target.run_id = Some(next);
                continue;
            }
            return outcome(&event).ok_or_else(|| {
                WorkflowError::new(Code::StoreUnavailable, "the history does not end with the end of the run")
            });
        }
    }

    async fn wait_for_end(&self, target: &Target) -> Result<HistoryEvent, WorkflowError> {
        let mut service = self.service().await?;
        let mut request = GetWorkflowExecutionHistoryRequest {
            namespace: self.namespace(),
            execution: Some(execution(target)),
            wait_new_event: true,
            history_event_filter_type: HistoryEventFilterType::CloseEvent as i32,
            skip_archival: true,
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        loop {
            match service.get_workflow_execution_history(timed(request.clone(), LONG_POLL)).await {
                Ok(page) => {
                    let page = page.into_inner();
                    if let Some(event) = page.history.unwrap_or_default().events.pop() {
                        return Ok(event);
                    }
                    request.next_page_token = page.next_page_token;
                }
                Err(status) if is_pause(&status) => {}
                Err(status) => return Err(self.error(target, &status)),
            }
        }
    }

    async fn close_event(&self, run: &Target) -> Result<Option<HistoryEvent>, WorkflowError> {
        Ok(self.last_events(run, 1).await?.into_iter().next())
    }

    /// The newest first.
    async fn last_events(&self, run: &Target, count: i32) -> Result<Vec<HistoryEvent>, WorkflowError> {
        let request = GetWorkflowExecutionHistoryReverseRequest {
            namespace: self.namespace(),
            execution: Some(execution(run)),
            maximum_page_size: count,
            ..GetWorkflowExecutionHistoryReverseRequest::default()
        };
        let page =
            self.service().await?.get_workflow_execution_history_reverse(timed(request, REQUEST)).await;
        let page = page.map_err(|status| self.error(run, &status))?.into_inner();
        Ok(page.history.unwrap_or_default().events)
    }
}

fn summary(info: &WorkflowExecutionInfo) -> Summary {
    let execution = info.execution.clone().unwrap_or_default();
    let size = |of: i64| u64::try_from(of).unwrap_or(0);
    Summary {
        workflow_id: execution.workflow_id,
        run_id: execution.run_id,
        workflow_type: info.r#type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
        status: policy::status(info.status),
        started_at: time::moment_or_start(info.start_time.as_ref()),
        closed_at: info.close_time.as_ref().map(time::moment),
        history_length: size(info.history_length),
        history_bytes: size(info.history_size_bytes),
        memo: from_memo(info.memo.as_ref()),
        search_attributes: from_search_attributes(info.search_attributes.as_ref()),
    }
}

fn pending_activity(info: &PendingActivityInfo) -> PendingActivity {
    PendingActivity {
        activity_id: info.activity_id.clone(),
        activity_type: info.activity_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
        attempt: u32::try_from(info.attempt).unwrap_or(1).max(1),
        next_attempt_at: info.next_attempt_schedule_time.as_ref().map(time::moment),
        last_failure: info.last_failure.as_ref().map(from_failure),
    }
}

fn running_timers(events: &[HistoryEvent]) -> usize {
    events.iter().fold(0, |running: usize, event| match &event.attributes {
        Some(A::TimerStartedEventAttributes(_)) => running + 1,
        Some(A::TimerFiredEventAttributes(_) | A::TimerCanceledEventAttributes(_)) => {
            running.saturating_sub(1)
        }
        _ => running,
    })
}

fn next_run(event: &HistoryEvent) -> Option<String> {
    let next = match event.attributes.as_ref()? {
        A::WorkflowExecutionCompletedEventAttributes(a) => &a.new_execution_run_id,
        A::WorkflowExecutionFailedEventAttributes(a) => &a.new_execution_run_id,
        A::WorkflowExecutionTimedOutEventAttributes(a) => &a.new_execution_run_id,
        A::WorkflowExecutionContinuedAsNewEventAttributes(a) => &a.new_execution_run_id,
        _ => return None,
    };
    (!next.is_empty()).then(|| next.clone())
}

fn outcome(event: &HistoryEvent) -> Option<Outcome> {
    Some(match event.attributes.as_ref()? {
        A::WorkflowExecutionCompletedEventAttributes(a) => {
            Outcome::Completed(first(a.result.as_ref()).unwrap_or(Value::Nil))
        }
        A::WorkflowExecutionFailedEventAttributes(a) => {
            Outcome::Failed(from_optional(a.failure.as_ref(), "workflow failed"))
        }
        A::WorkflowExecutionCanceledEventAttributes(a) => Outcome::Canceled(first(a.details.as_ref())),
        A::WorkflowExecutionTerminatedEventAttributes(a) => Outcome::Terminated(a.reason.clone()),
        A::WorkflowExecutionTimedOutEventAttributes(_) => Outcome::TimedOut,
        _ => return None,
    })
}

/// A filter in the server's words.
fn query(filter: &Filter) -> String {
    let mut terms = Vec::new();
    if let Some(workflow_type) = &filter.workflow_type {
        terms.push(format!("WorkflowType = {}", quoted(workflow_type)));
    }
    if let Some(status) = filter.status {
        terms.push(format!("ExecutionStatus = '{}'", policy::status_name(status)));
    }
    if let Some(prefix) = &filter.id_prefix {
        terms.push(format!("WorkflowId STARTS_WITH {}", quoted(prefix)));
    }
    terms.join(" AND ")
}

/// A text that stays one, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
