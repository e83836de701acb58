//! Looking into a file without running what is in it.

use crate::engine::exported;
use crate::store::{Found, Reader, open_to_read};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use perilune_value::Value;
use perilune_workflow::{
    Backend, Code, Description, Event, Filter, Outcome, Page, QueryRequest, Signal, StartOptions, Started,
    Target, UpdateRequest, WorkflowError,
};
use std::path::Path;
use std::time::Duration;

/// The runs of a file, to look at. A host may work on the file at the same time. Calls block; what would change a run is refused with
/// [`Code::StoreUnavailable`].
pub struct Archive(Reader);

impl Archive {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`Code::NotFound`] where there is no file, and those of [`Durable::open`](crate::Durable::open).
    pub fn open(path: &Path) -> Result<Self, WorkflowError> {
        open_to_read(path).map(Archive)
    }

    fn find(&self, target: &Target) -> Result<Found, WorkflowError> {
        self.0.find(target)?.ok_or_else(|| {
            let id = &target.workflow_id;
            WorkflowError::new(Code::NotFound, format!("there is no workflow `{id}`, or no such run of it"))
        })
    }

    fn events(&self, target: &Target) -> Result<Vec<Event>, WorkflowError> {
        self.0.history(self.find(target)?.key)
    }
}

fn at_rest<T: Send + 'static>() -> BoxFuture<'static, Result<T, WorkflowError>> {
    let message = "no host runs these workflows at the moment; start the application with `perilune run`";
    ready(Err(WorkflowError::new(Code::StoreUnavailable, message))).boxed()
}

impl Backend for Archive {
    fn start(
        &self,
        _: &str,
        _: Vec<Value>,
        _: StartOptions,
    ) -> BoxFuture<'_, Result<Started, WorkflowError>> {
        at_rest()
    }

    fn signal(&self, _: Target, _: Signal) -> BoxFuture<'_, Result<(), WorkflowError>> {
        at_rest()
    }

    fn query(&self, _: Target, _: QueryRequest) -> BoxFuture<'_, Result<Value, WorkflowError>> {
        at_rest()
    }

    fn update(&self, _: Target, _: UpdateRequest) -> BoxFuture<'_, Result<Value, WorkflowError>> {
        at_rest()
    }

    fn cancel(&self, _: Target, _: &str) -> BoxFuture<'_, Result<(), WorkflowError>> {
        at_rest()
    }

    fn terminate(&self, _: Target, _: &str) -> BoxFuture<'_, Result<(), WorkflowError>> {
        at_rest()
    }

    fn describe(&self, target: Target) -> BoxFuture<'_, Result<Description, WorkflowError>> {
        let described = self.find(&target).map(|found| Description {
            summary: found.summary,
            next_run_id: None,
            activities: Vec::new(),
            timers: 0,
            children: 0,
            trouble: None,
        });
        ready(described).boxed()
    }

    fn list(&self, filter: Filter) -> BoxFuture<'_, Result<Page, WorkflowError>> {
        ready(self.0.list(&filter)).boxed()
    }

    fn history(&self, target: Target) -> BoxFuture<'_, Result<Vec<Event>, WorkflowError>> {
        ready(self.events(&target)).boxed()
    }

    fn export(&self, target: Target) -> BoxFuture<'_, Result<String, WorkflowError>> {
        ready(self.events(&target).and_then(exported)).boxed()
    }

    fn result(&self, _: Target) -> BoxFuture<'_, Result<Outcome, WorkflowError>> {
        at_rest()
    }

    fn shutdown(&self, _: Duration) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
