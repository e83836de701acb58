//! Workflows from outside, through the server.

mod call;
mod read;
mod start;

use crate::{Client, Worker};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_value::Value;
use perilune_workflow::{
    Backend, Description, Event, Filter, Outcome, Page, QueryRequest, Signal, StartOptions, Started, Target,
    UpdateRequest, WorkflowError,
};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use temporalio_client::grpc::WorkflowService;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use tonic::Request;

/// Workflows on a server. Workflows that it starts go to one queue; those of any queue can be talked to.
#[derive(Debug)]
pub struct TemporalBackend {
    client: Client,
    /// As the server knows it.
    task_queue: String,
    /// Ended by [`Backend::shutdown`].
    worker: Mutex<Option<Worker>>,
}

impl TemporalBackend {
    /// A backend that starts workflows on a queue, named without the client's prefix.
    pub fn new(client: Client, task_queue: &str) -> Self {
        let task_queue = client.settings().task_queue(task_queue);
        TemporalBackend { client, task_queue, worker: Mutex::default() }
    }

    /// Gives it a worker to end when it is shut down.
    #[must_use]
    pub fn with_worker(self, worker: Worker) -> Self {
        TemporalBackend { worker: Mutex::new(Some(worker)), ..self }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn service(&self) -> Result<Box<dyn WorkflowService>, WorkflowError> {
        Ok(self.client.service().await?)
    }

    fn namespace(&self) -> String {
        self.client.namespace().to_owned()
    }

    fn identity(&self) -> String {
        self.client.identity().to_owned()
    }

    fn error(&self, target: &Target, status: &tonic::Status) -> WorkflowError {
        self.client.asked(&about(target)).error(status)
    }
}

/// How messages name a workflow.
fn about(target: &Target) -> String {
    match &target.run_id {
        Some(run_id) => format!("workflow `{}`, run `{run_id}`", target.workflow_id),
        None => format!("workflow `{}`", target.workflow_id),
    }
}

fn execution(target: &Target) -> WorkflowExecution {
    WorkflowExecution {
        workflow_id: target.workflow_id.clone(),
        run_id: target.run_id.clone().unwrap_or_default(),
    }
}

/// A request that gives up after a while.
fn timed<T>(message: T, limit: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(limit);
    request
}

impl Backend for TemporalBackend {
    fn start(
        &self,
        workflow_type: &str,
        args: Vec<Value>,
        options: StartOptions,
    ) -> BoxFuture<'_, Result<Started, WorkflowError>> {
        let workflow_type = workflow_type.to_owned();
        async move { self.start_workflow(workflow_type, args, options).await }.boxed()
    }

    fn signal(&self, target: Target, signal: Signal) -> BoxFuture<'_, Result<(), WorkflowError>> {
        async move { self.send_signal(&target, signal).await }.boxed()
    }

    fn query(&self, target: Target, query: QueryRequest) -> BoxFuture<'_, Result<Value, WorkflowError>> {
        async move { self.ask(&target, query).await }.boxed()
    }

    fn update(&self, target: Target, update: UpdateRequest) -> BoxFuture<'_, Result<Value, WorkflowError>> {
        async move { self.call(&target, update).await }.boxed()
    }

    fn cancel(&self, target: Target, reason: &str) -> BoxFuture<'_, Result<(), WorkflowError>> {
        let reason = reason.to_owned();
        async move { self.request_cancel(&target, reason).await }.boxed()
    }

    fn terminate(&self, target: Target, reason: &str) -> BoxFuture<'_, Result<(), WorkflowError>> {
        let reason = reason.to_owned();
        async move { self.end(&target, reason).await }.boxed()
    }

    fn describe(&self, target: Target) -> BoxFuture<'_, Result<Description, WorkflowError>> {
        async move { self.description(&target).await }.boxed()
    }

    fn list(&self, filter: Filter) -> BoxFuture<'_, Result<Page, WorkflowError>> {
        async move { self.page(filter).await }.boxed()
    }

    fn history(&self, target: Target) -> BoxFuture<'_, Result<Vec<Event>, WorkflowError>> {
        async move { Ok(self.recorded(&target).await?.events()) }.boxed()
    }

    fn export(&self, target: Target) -> BoxFuture<'_, Result<String, WorkflowError>> {
        async move { Ok(self.recorded(&target).await?.to_json()) }.boxed()
    }

    fn result(&self, target: Target) -> BoxFuture<'_, Result<Outcome, WorkflowError>> {
        async move { self.outcome(target).await }.boxed()
    }

    fn shutdown(&self, grace: Duration) -> BoxFuture<'_, ()> {
        async move {
            let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(worker) = worker {
                worker.shutdown(grace).await;
            }
        }
        .boxed()
    }
}
