//! Starts.

use super::{TemporalBackend, timed};
use crate::client::REQUEST;
use crate::convert::failure::to_retry;
use crate::convert::fields::{header, memo, search_attributes};
use crate::convert::payload::to_payloads;
use crate::convert::{policy, time};
use perilune_value::Value;
use perilune_workflow::{ConflictPolicy, Signal, StartOptions, Started, Target, WorkflowError};
use temporalio_common::protos::temporal::api::common::v1::{Header, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueKind;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest,
};

impl TemporalBackend {
    pub(super) async fn start_workflow(
        &self,
        workflow_type: String,
        args: Vec<Value>,
        mut options: StartOptions,
    ) -> Result<Started, WorkflowError> {
        // An id that was just made meets no open run, so the way that takes a signal along is open to it.
        let fresh = options.id.is_none();
        let id = options.id.take().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let mut signals = std::mem::take(&mut options.signals).into_iter();
        let request = self.request(workflow_type, &args, &id, options);
        let target = Target { workflow_id: id, run_id: None };
        let can_signal =
            fresh || request.workflow_id_conflict_policy != policy::conflict(ConflictPolicy::Fail);
        let mut service = self.service().await?;
        let (run_id, is_new) = match can_signal.then(|| signals.next()).flatten() {
            Some(first) => {
                let request = with_signal(request, &first, fresh);
                let response = service.signal_with_start_workflow_execution(timed(request, REQUEST)).await;
                let response = response.map_err(|status| self.error(&target, &status))?.into_inner();
                (response.run_id, response.started)
            }
            None => {
                let response = service.start_workflow_execution(timed(request, REQUEST)).await;
                let response = response.map_err(|status| self.error(&target, &status))?.into_inner();
                (response.run_id, response.started)
            }
        };
        let target = Target { run_id: Some(run_id.clone()), ..target };
        for signal in signals {
            self.send_signal(&target, signal).await?;
        }
        Ok(Started { workflow_id: target.workflow_id, run_id, is_new })
    }

    fn request(
        &self,
        workflow_type: String,
        args: &[Value],
        id: &str,
        options: StartOptions,
    ) -> StartWorkflowExecutionRequest {
        StartWorkflowExecutionRequest {
            namespace: self.namespace(),
            workflow_id: id.to_owned(),
            workflow_type: Some(WorkflowType { name: workflow_type }),
            task_queue: Some(TaskQueue {
                name: options.queue.as_deref().map_or_else(
                    || self.task_queue.clone(),
                    |queue| self.client.settings().task_queue(queue),
                ),
                kind: TaskQueueKind::Normal as i32,
                ..TaskQueue::default()
            }),
            input: (!args.is_empty()).then(|| to_payloads(args)),
            workflow_execution_timeout: options.execution_timeout.map(time::duration),
            workflow_run_timeout: options.run_timeout.map(time::duration),
            workflow_task_timeout: options.task_timeout.map(time::duration),
            identity: self.identity(),
            // The server takes a request that is sent twice for one.
            request_id: uuid::Uuid::new_v4().to_string(),
            workflow_id_reuse_policy: policy::reuse(options.reuse),
            workflow_id_conflict_policy: policy::conflict(options.conflict),
            retry_policy: options.retry.as_ref().map(to_retry),
            cron_schedule: options.cron.unwrap_or_default(),
            memo: memo(&options.memo),
            search_attributes: search_attributes(&options.search_attributes),
            header: header(&options.headers),
            workflow_start_delay: options.start_delay.map(time::duration),
            ..StartWorkflowExecutionRequest::default()
        }
    }
}

fn with_signal(
    request: StartWorkflowExecutionRequest,
    signal: &Signal,
    fresh: bool,
) -> SignalWithStartWorkflowExecutionRequest {
    // Start and signal have one header between them.
    let mut fields = request.header.map(|header| header.fields).unwrap_or_default();
    fields.extend(crate::convert::fields::signal_headers(signal));
    SignalWithStartWorkflowExecutionRequest {
        namespace: request.namespace,
        workflow_id: request.workflow_id,
        workflow_type: request.workflow_type,
        task_queue: request.task_queue,
        input: request.input,
        workflow_execution_timeout: request.workflow_execution_timeout,
        workflow_run_timeout: request.workflow_run_timeout,
        workflow_task_timeout: request.workflow_task_timeout,
        identity: request.identity,
        request_id: request.request_id,
        workflow_id_reuse_policy: request.workflow_id_reuse_policy,
        workflow_id_conflict_policy: if fresh {
            policy::conflict(ConflictPolicy::UseExisting)
        } else {
            request.workflow_id_conflict_policy
        },
        signal_name: signal.name.clone(),
        signal_input: Some(to_payloads(&signal.args)),
        retry_policy: request.retry_policy,
        cron_schedule: request.cron_schedule,
        memo: request.memo,
        search_attributes: request.search_attributes,
        header: (!fields.is_empty()).then_some(Header { fields }),
        workflow_start_delay: request.workflow_start_delay,
        ..SignalWithStartWorkflowExecutionRequest::default()
    }
}
