//! What can be done with workflows from outside.

use super::{Durable, Inner, Reply, drive, interrupted, written};
use crate::core::{Begin, Core, status};
use crate::store::{Found, Op};
use futures_util::future::BoxFuture;
use perilune_value::Value;
use perilune_workflow::{
    Backend, Code, Description, Event, EventKind, Filter, Outcome, Page, ParentClosePolicy, PendingActivity,
    QueryRequest, Recording, ReusePolicy, Signal, StartOptions, Started, Status, Summary, Target,
    TaskTrouble, Timestamp, UpdateRequest, WorkflowError,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;

impl Inner {
    fn open_for_business(&self) -> Result<(), WorkflowError> {
        if self.closing.load(Ordering::Relaxed) {
            let message = "the host of this workflow is shutting down; ask again when it is back";
            return Err(WorkflowError::new(Code::ShuttingDown, message));
        }
        Ok(())
    }

    /// Does something to an open run, and waits until it is on the disk.
    async fn with_open<T>(
        self: &Arc<Self>,
        target: Target,
        act: impl FnOnce(&mut Core, i64) -> Result<T, WorkflowError>,
    ) -> Result<T, WorkflowError> {
        self.open_for_business()?;
        let (done, committed) = self.change(|core| {
            let key = core.find_open(&target.workflow_id, target.run_id.as_deref())?;
            Some(act(core, key))
        });
        match done {
            Some(Ok(done)) => written(committed).await.map(|()| done),
            Some(Err(error)) => Err(error),
            None => Err(self.not_open(target).await),
        }
    }

    /// Why a run is not open.
    async fn not_open(self: &Arc<Self>, target: Target) -> WorkflowError {
        let id = target.workflow_id.clone();
        match self.stored(target).await {
            Err(error) => error,
            Ok(found) if found.summary.status == Status::Running => self.damage(found.key, &id),
            Ok(found) => {
                let status = found.summary.status.as_str();
                WorkflowError::new(Code::Closed, format!("the workflow `{id}` is closed ({status})"))
            }
        }
    }

    fn damage(&self, key: i64, id: &str) -> WorkflowError {
        let damage = self.core().damaged.get(&key).cloned();
        damage.unwrap_or_else(|| {
            WorkflowError::new(Code::Closed, format!("the workflow `{id}` has just changed; ask again"))
        })
    }

    /// The run that is meant, as the store has it.
    async fn stored(self: &Arc<Self>, target: Target) -> Result<Found, WorkflowError> {
        written(self.flush()).await?;
        let id = target.workflow_id.clone();
        let found = self.read(move |reader| reader.find(&target)).await?;
        found.ok_or_else(|| {
            WorkflowError::new(Code::NotFound, format!("there is no workflow `{id}`, or no such run of it"))
        })
    }

    async fn start(self: Arc<Self>, begin: Begin) -> Result<Started, WorkflowError> {
        self.open_for_business()?;
        let Some(id) =
            begin.options.id.clone().filter(|_| begin.options.reuse != ReusePolicy::AllowDuplicate)
        else {
            let (started, committed) = self.change(|core| core.start(begin, None));
            let started = started?;
            written(committed).await?;
            return Ok(started);
        };
        // What the store says counts only if nothing closed while it was asked.
        let mut begin = Some(begin);
        loop {
            let closes = self.core().closes;
            let last = match self.stored(Target::from(id.as_str())).await {
                Ok(found) => Some(found.summary.status),
                Err(error) if error.code == Code::NotFound => None,
                Err(error) => return Err(error),
            };
            let (started, committed) = self.change(|core| {
                if core.closes != closes { None } else { begin.take().map(|begin| core.start(begin, last)) }
            });
            if let Some(started) = started {
                let started = started?;
                written(committed).await?;
                return Ok(started);
            }
        }
    }

    async fn query(self: Arc<Self>, target: Target, query: QueryRequest) -> Result<Value, WorkflowError> {
        self.open_for_business()?;
        let (reply, answer) = Reply::new();
        let mut asked = Some((query, reply));
        let (open, _) = self.change(|core| {
            let key = core.find_open(&target.workflow_id, target.run_id.as_deref())?;
            core.runs.get_mut(&key)?.live.queries.extend(asked.take());
            core.drive(key);
            Some(())
        });
        if open.is_some() {
            return tokio::select! {
                answer = answer => answer.map_err(|_| interrupted())?,
                () = self.stop.cancelled() => Err(interrupted()),
            };
        }
        let found = self.stored(target).await?;
        let Some((query, _)) = asked else { return Err(interrupted()) };
        drive::ask_closed(&self, found.key, query).await
    }

    async fn describe(self: Arc<Self>, target: Target) -> Result<Description, WorkflowError> {
        let open = {
            let core = self.core();
            core.find_open(&target.workflow_id, target.run_id.as_deref())
                .and_then(|key| core.runs.get(&key))
                .map(described)
        };
        if let Some(description) = open {
            return Ok(description);
        }
        let found = self.stored(target).await?;
        let key = found.key;
        let trouble = self.core().damaged.get(&key).map(|error| TaskTrouble {
            code: error.code.as_str().to_owned(),
            failure: error.clone().into_failure(),
            attempts: 1,
            next_attempt_at: Timestamp::MAX,
        });
        let last = match self.read(move |reader| reader.last_event(key)).await {
            // What can be said of a damaged run is said.
            Err(error) if error.code == Code::StoreCorrupt => None,
            last => last?,
        };
        Ok(Description {
            summary: found.summary,
            next_run_id: last.and_then(|event| follower(&event.kind)),
            activities: Vec::new(),
            timers: 0,
            children: 0,
            trouble,
        })
    }

    /// How one run ended, once it has.
    async fn end(self: &Arc<Self>, target: Target) -> Result<EventKind, WorkflowError> {
        let (sender, waiter) = oneshot::channel();
        let open = {
            let mut core = self.core();
            let key = core.find_open(&target.workflow_id, target.run_id.as_deref());
            key.and_then(|key| core.runs.get_mut(&key)).map(|run| {
                // Those who went away leave nothing behind.
                run.live.waiters.retain(|waiter| !waiter.is_closed());
                run.live.waiters.push(sender);
            })
        };
        if open.is_some() {
            return tokio::select! {
                end = waiter => end.map_err(|_| interrupted()),
                () = self.stop.cancelled() => Err(interrupted()),
            };
        }
        let id = target.workflow_id.clone();
        let key = self.stored(target).await?.key;
        let last = self.read(move |reader| reader.last_event(key)).await?;
        match last {
            Some(event) if status(&event.kind) != Status::Running => Ok(event.kind),
            _ => Err(self.damage(key, &id)),
        }
    }

    async fn result(self: Arc<Self>, mut target: Target) -> Result<Outcome, WorkflowError> {
        loop {
            let end = self.end(target.clone()).await?;
            if let Some(next) = follower(&end) {
                target.run_id = Some(next);
                continue;
            }
            return Ok(match end {
                EventKind::WorkflowExecutionCompleted { result, .. } => Outcome::Completed(result),
                EventKind::WorkflowExecutionFailed { failure, .. } => Outcome::Failed(failure),
                EventKind::WorkflowExecutionCanceled { details } => Outcome::Canceled(details),
                EventKind::WorkflowExecutionTerminated { reason } => Outcome::Terminated(reason),
                _ => Outcome::TimedOut,
            });
        }
    }

    async fn terminate(self: Arc<Self>, target: Target, reason: String) -> Result<(), WorkflowError> {
        let closing = target.clone();
        let result = self
            .with_open(target, |core, key| {
                core.terminate(key, &reason);
                Ok(())
            })
            .await;
        match result {
            // One whose history is damaged can be put away, too.
            Err(error) if error.code == Code::StoreCorrupt => {
                let found = self.stored(closing).await?;
                let ((), committed) = self.change(|core| {
                    core.damaged.remove(&found.key);
                    core.out.ops.push(Op::Close {
                        run: found.key,
                        status: Status::Terminated,
                        closed_at: core.now,
                        length: 0,
                        bytes: 0,
                        fields: Vec::new(),
                    });
                });
                written(committed).await
            }
            result => result,
        }
    }

    async fn shutdown(self: Arc<Self>, grace: Duration) {
        self.closing.store(true, Ordering::Relaxed);
        self.leaving.cancel();
        self.attempts.close();
        // Whoever does not make it in time is tried again by the next host.
        let _ = tokio::time::timeout(grace, self.attempts.wait()).await;
        drop(self.flush().await);
        self.stop.cancel();
        self.others.close();
        self.others.wait().await;
        self.attempts.wait().await;
        let _ = tokio::task::spawn_blocking(move || self.writer.close()).await;
    }
}

/// A history as a file.
pub(crate) fn exported(events: Vec<Event>) -> Result<String, WorkflowError> {
    let recording = Recording::of(events)
        .ok_or_else(|| WorkflowError::new(Code::StoreCorrupt, "the history does not begin with a start"))?;
    recording.to_json().map_err(|error| WorkflowError::new(Code::StoreUnavailable, error.to_string()))
}

/// The run that follows one that ended so.
fn follower(end: &EventKind) -> Option<String> {
    match end {
        EventKind::WorkflowExecutionCompleted { next_run_id, .. }
        | EventKind::WorkflowExecutionFailed { next_run_id, .. }
        | EventKind::WorkflowExecutionTimedOut { next_run_id } => next_run_id.clone(),
        EventKind::WorkflowExecutionContinuedAsNew { next_run_id, .. } => Some(next_run_id.clone()),
        _ => None,
    }
}

fn described(run: &crate::core::Run) -> Description {
    let activity = |pending: &crate::core::Pending| PendingActivity {
        activity_id: pending.activity_id(),
        activity_type: pending.command.activity_type.clone(),
        attempt: pending.state.attempt,
        next_attempt_at: (!pending.state.running).then_some(pending.state.next_at),
        last_failure: pending.state.failure.clone(),
    };
    Description {
        summary: summary(run),
        next_run_id: None,
        activities: run.activities.values().map(activity).collect(),
        timers: run.timers.len(),
        children: run.children.len(),
        trouble: run.live.trouble.as_ref().map(|trouble| TaskTrouble {
            code: trouble.code.to_owned(),
            failure: trouble.failure.clone(),
            attempts: trouble.attempts,
            next_attempt_at: trouble.retry_at,
        }),
    }
}

fn summary(run: &crate::core::Run) -> Summary {
    Summary {
        workflow_id: run.started.workflow_id.clone(),
        run_id: run.started.run_id.clone(),
        workflow_type: run.started.workflow_type.clone(),
        status: Status::Running,
        started_at: run.started_at,
        closed_at: None,
        history_length: run.length,
        history_bytes: run.bytes,
        memo: run.shown.memo.clone(),
        search_attributes: run.shown.search_attributes.clone(),
    }
}

impl Backend for Durable {
    fn start(
        &self,
        workflow_type: &str,
        args: Vec<Value>,
        options: StartOptions,
    ) -> BoxFuture<'_, Result<Started, WorkflowError>> {
        let begin = Begin {
            workflow_type: workflow_type.to_owned(),
            args,
            options,
            parent: None,
            parent_close: ParentClosePolicy::default(),
        };
        Box::pin(self.0.clone().start(begin))
    }

    fn signal(&self, target: Target, signal: Signal) -> BoxFuture<'_, Result<(), WorkflowError>> {
        Box::pin(self.0.with_open(target, |core, key| core.signal(key, signal)))
    }

    fn query(&self, target: Target, query: QueryRequest) -> BoxFuture<'_, Result<Value, WorkflowError>> {
        Box::pin(self.0.clone().query(target, query))
    }

    fn update(&self, target: Target, update: UpdateRequest) -> BoxFuture<'_, Result<Value, WorkflowError>> {
        Box::pin(async move {
            let (reply, answer) = Reply::new();
            self.0
                .with_open(target, |core, key| {
                    core.update(key, update, reply);
                    Ok(())
                })
                .await?;
            tokio::select! {
                answer = answer => answer.map_err(|_| interrupted())?,
                () = self.0.stop.cancelled() => Err(interrupted()),
            }
        })
    }

    fn cancel(&self, target: Target, reason: &str) -> BoxFuture<'_, Result<(), WorkflowError>> {
        let reason = reason.to_owned();
        Box::pin(self.0.with_open(target, move |core, key| {
            core.request_cancel(key, &reason);
            Ok(())
        }))
    }

    fn terminate(&self, target: Target, reason: &str) -> BoxFuture<'_, Result<(), WorkflowError>> {
        Box::pin(self.0.clone().terminate(target, reason.to_owned()))
    }

    fn describe(&self, target: Target) -> BoxFuture<'_, Result<Description, WorkflowError>> {
        Box::pin(self.0.clone().describe(target))
    }

    fn list(&self, filter: Filter) -> BoxFuture<'_, Result<Page, WorkflowError>> {
        Box::pin(async move {
            written(self.0.flush()).await?;
            let mut page = self.0.read(move |reader| reader.list(&filter)).await?;
            let core = self.0.core();
            for listed in &mut page.runs {
                let open = core.find_open(&listed.workflow_id, Some(&listed.run_id));
                if let Some(run) = open.and_then(|key| core.runs.get(&key)) {
                    *listed = summary(run);
                }
            }
            Ok(page)
        })
    }

    fn history(&self, target: Target) -> BoxFuture<'_, Result<Vec<Event>, WorkflowError>> {
        Box::pin(async move {
            let key = self.0.stored(target).await?.key;
            self.0.read(move |reader| reader.history(key)).await
        })
    }

    fn export(&self, target: Target) -> BoxFuture<'_, Result<String, WorkflowError>> {
        Box::pin(async move { exported(self.history(target).await?) })
    }

    fn result(&self, target: Target) -> BoxFuture<'_, Result<Outcome, WorkflowError>> {
        Box::pin(self.0.clone().result(target))
    }

    fn shutdown(&self, grace: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.0.clone().shutdown(grace))
    }
}
