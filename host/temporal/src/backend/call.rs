//! Signals, queries, updates, and the two ways to end a run.

use super::{TemporalBackend, execution, timed};
use crate::client::REQUEST;
use crate::convert::event::update_outcome;
use crate::convert::failure::from_query_failure;
use crate::convert::fields::{header, signal_headers};
use crate::convert::payload::{first, to_payloads};
use perilune_value::Value;
use perilune_workflow::{Code, QueryRequest, Signal, Target, UpdateRequest, WorkflowError};
use std::time::Duration;
use temporalio_common::protos::temporal::api::common::v1::Header;
use temporalio_common::protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_common::protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_common::protos::temporal::api::update::v1::{
    Input, Meta, Outcome, Request as UpdateProto, UpdateRef, WaitPolicy,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    PollWorkflowExecutionUpdateRequest, QueryWorkflowRequest, RequestCancelWorkflowExecutionRequest,
    SignalWorkflowExecutionRequest, TerminateWorkflowExecutionRequest, UpdateWorkflowExecutionRequest,
};

/// How long a question may take: a run that is not in memory is replayed first.
const QUESTION: Duration = Duration::from_secs(30);
/// How long one request may wait for the end of an update; then it is asked again.
const UPDATE: Duration = Duration::from_secs(60);

impl TemporalBackend {
    pub(super) async fn send_signal(&self, target: &Target, signal: Signal) -> Result<(), WorkflowError> {
        let fields = signal_headers(&signal);
        let request = SignalWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_execution: Some(execution(target)),
            signal_name: signal.name,
            input: Some(to_payloads(&signal.args)),
            identity: self.identity(),
            request_id: uuid::Uuid::new_v4().to_string(),
            header: (!fields.is_empty()).then_some(Header { fields }),
            ..SignalWorkflowExecutionRequest::default()
        };
        let sent = self.service().await?.signal_workflow_execution(timed(request, REQUEST)).await;
        sent.map(drop).map_err(|status| self.error(target, &status))
    }

    pub(super) async fn ask(&self, target: &Target, query: QueryRequest) -> Result<Value, WorkflowError> {
        let request = QueryWorkflowRequest {
            namespace: self.namespace(),
            execution: Some(execution(target)),
            query: Some(WorkflowQuery {
                query_type: query.name,
                query_args: Some(to_payloads(&query.args)),
                ..WorkflowQuery::default()
            }),
            ..QueryWorkflowRequest::default()
        };
        let answer = self.service().await?.query_workflow(timed(request, QUESTION)).await;
        let answer = answer.map_err(|status| {
            let error = self.error(target, &status);
            match from_query_failure(status.message()) {
                Some(failure) if status.code() == tonic::Code::InvalidArgument => error.with_failure(failure),
                _ => error,
            }
        })?;
        let answer = answer.into_inner();
        Ok(first(answer.query_result.as_ref()).unwrap_or(Value::Nil))
    }

    pub(super) async fn call(&self, target: &Target, update: UpdateRequest) -> Result<Value, WorkflowError> {
        let update_id = update.id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let wait = Some(WaitPolicy { lifecycle_stage: Stage::Completed as i32 });
        let request = UpdateWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_execution: Some(execution(target)),
            wait_policy: wait,
            request: Some(UpdateProto {
                meta: Some(Meta { update_id: update_id.clone(), identity: self.identity() }),
                input: Some(Input {
                    header: header(&update.headers),
                    name: update.name,
                    args: Some(to_payloads(&update.args)),
                }),
                ..UpdateProto::default()
            }),
            ..UpdateWorkflowExecutionRequest::default()
        };
        let mut service = self.service().await?;
        // Until it is accepted it is nowhere but in this request, which is then sent again under the same id.
        let accepted = loop {
            match service.update_workflow_execution(timed(request.clone(), UPDATE)).await {
                Ok(response) => {
                    let response = response.into_inner();
                    if response.outcome.is_some() {
                        return answered(response.outcome.as_ref());
                    }
                    if response.stage >= Stage::Accepted as i32 {
                        break response.update_ref;
                    }
                }
                Err(status) if is_pause(&status) => {}
                Err(status) => return Err(self.error(target, &status)),
            }
        };
        let request = PollWorkflowExecutionUpdateRequest {
            namespace: self.namespace(),
            update_ref: Some(
                accepted
                    .unwrap_or_else(|| UpdateRef { workflow_execution: Some(execution(target)), update_id }),
            ),
            identity: self.identity(),
            wait_policy: wait,
        };
        loop {
            match service.poll_workflow_execution_update(timed(request.clone(), UPDATE)).await {
                Ok(response) => {
                    let outcome = response.into_inner().outcome;
                    if outcome.is_some() {
                        return answered(outcome.as_ref());
                    }
                }
                Err(status) if is_pause(&status) => {}
                Err(status) => return Err(self.error(target, &status)),
            }
        }
    }

    pub(super) async fn request_cancel(&self, target: &Target, reason: String) -> Result<(), WorkflowError> {
        let request = RequestCancelWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_execution: Some(execution(target)),
            identity: self.identity(),
            request_id: uuid::Uuid::new_v4().to_string(),
            reason,
            ..RequestCancelWorkflowExecutionRequest::default()
        };
        let asked = self.service().await?.request_cancel_workflow_execution(timed(request, REQUEST)).await;
        asked.map(drop).map_err(|status| self.error(target, &status))
    }

    pub(super) async fn end(&self, target: &Target, reason: String) -> Result<(), WorkflowError> {
        let request = TerminateWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_execution: Some(execution(target)),
            identity: self.identity(),
            reason,
            ..TerminateWorkflowExecutionRequest::default()
        };
        let ended = self.service().await?.terminate_workflow_execution(timed(request, REQUEST)).await;
        ended.map(drop).map_err(|status| self.error(target, &status))
    }
}

/// Whether a long request ended for no other reason than that it was long.
pub(super) fn is_pause(status: &tonic::Status) -> bool {
    // A deadline that this side set comes back as "cancelled".
    matches!(status.code(), tonic::Code::DeadlineExceeded)
        || (status.code() == tonic::Code::Cancelled && status.message().contains("Timeout"))
}

fn answered(outcome: Option<&Outcome>) -> Result<Value, WorkflowError> {
    update_outcome(outcome).map_err(|failure| {
        WorkflowError::new(Code::UpdateRejected, failure.message.clone()).with_failure(failure)
    })
}
