//! Functions and processes as activities.

use super::calls::SEND;
use super::headers;
use super::host::Whereabouts;
use super::machines::WORKFLOW;
use super::{type_name, worker};
use crate::functions::Run;
use crate::processes::decode;
use crate::runtime::Inner;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::Message;
use perilune_modules::CallContext;
use perilune_modules::workflow::{Activity, ActivityAccess};
use perilune_registry::{Entry, EntryId};
use perilune_value::{Failure, Kind, Value, args_to_msgpack};
use perilune_workflow::{
    Activities, ActivityContext, ActivityOptions, ActivityTask, Cancellation, Heartbeat, RetryPolicy,
};
use std::sync::Arc;
use std::time::Duration;

/// Runs the activities of one host.
pub(super) struct FromWorkflows {
    pub(super) at: Whereabouts,
}

/// A message to a run on this host is delivered at once or never.
pub(super) fn options_of_send() -> ActivityOptions {
    ActivityOptions {
        start_to_close: Some(Duration::from_secs(10)),
        retry: RetryPolicy::once(),
        ..ActivityOptions::default()
    }
}

impl Activities for FromWorkflows {
    fn execute(
        &self,
        task: ActivityTask,
        context: ActivityContext,
    ) -> BoxFuture<'static, Result<Value, Failure>> {
        let at = self.at.clone();
        async move {
            let gone = || Failure::new(Kind::Unavailable, "the host is shutting down");
            let inner = at.home.upgrade().ok_or_else(gone)?;
            may_run(&inner, &at, &task)?;
            if task.activity_type == SEND {
                return send(&inner, &at.host, &task);
            }
            let mut cancellation = context.cancellation.clone();
            let call = call(&inner, task, context);
            tokio::select! {
                result = call => result,
                reason = cancellation.cancelled() => {
                    Err(Failure::new(Kind::Canceled, format!("the activity was ended: {reason}")))
                }
            }
        }
        .boxed()
    }
}

/// Whoever reaches a shared queue may have run there what is offered as an activity of this host; its own workflows, any function.
fn may_run(inner: &Inner, at: &Whereabouts, task: &ActivityTask) -> Result<(), Failure> {
    let snapshot = inner.registry.snapshot();
    let host = &at.host;
    let is_here =
        |entry: &Entry, role| worker(entry, role).is_some_and(|worker| worker.to_string() == **host);
    let is_offered = || {
        let entry = EntryId::parse(&task.activity_type).ok().and_then(|id| snapshot.get(&id));
        entry.is_some_and(|entry| is_here(entry, "activity"))
    };
    let is_own = || {
        let mut workflows = snapshot.entries().filter(|entry| entry.runs_as() == WORKFLOW);
        workflows.any(|entry| is_here(entry, "workflow") && type_name(entry) == task.workflow_type)
    };
    if !at.is_shared() || is_offered() || is_own() {
        return Ok(());
    }
    let name = &task.activity_type;
    Err(Failure::not_found(format!(
        "there is no activity `{name}` on {host}: name {host} in the entry's `meta.temporal.activity.worker`"
    )))
}

async fn call(inner: &Inner, task: ActivityTask, context: ActivityContext) -> Result<Value, Failure> {
    let target = inner.find(&task.activity_type)?;
    let (values, authority) = headers::read(inner, &task.headers)?;
    let args = args_to_msgpack(&task.args);
    let access = Access { task, heartbeat: context.heartbeat, cancellation: context.cancellation };
    let context = CallContext {
        values,
        authority,
        attachment: Some(Arc::new(Activity(Box::new(access)))),
        ..CallContext::new(inner.modules.clone())
    };
    decode(inner.run(Run { target, args, context, timeout: None, is_alone: false }).await?)
}

/// Delivers a message of a workflow to a run of this host.
fn send(inner: &Inner, host: &str, task: &ActivityTask) -> Result<Value, Failure> {
    let [to, topic, _, payloads @ ..] = task.args.as_slice() else {
        return Err(Failure::invalid("a message has a receiver, a topic and a sender"));
    };
    let (Some(to), Some(topic)) = (to.as_str(), topic.as_str()) else {
        return Err(Failure::invalid("a receiver and a topic are texts"));
    };
    if topic.starts_with('@') {
        return Err(Failure::invalid("a topic does not begin with @"));
    }
    let sender = format!("{{{host}|{}}}", task.workflow_id);
    let message = Message { topic: topic.to_owned(), sender, payloads: args_to_msgpack(payloads) };
    inner.runs.send(&*inner.runs.find(to)?, message)?;
    Ok(Value::Bool(true))
}

/// What the activity learns of itself.
struct Access {
    task: ActivityTask,
    heartbeat: Heartbeat,
    cancellation: Cancellation,
}

impl ActivityAccess for Access {
    fn info(&self) -> Value {
        let task = &self.task;
        let text = |text: &str| Value::from(text);
        Value::from_iter([
            ("workflow_id", text(&task.workflow_id)),
            ("run_id", text(&task.run_id)),
            ("workflow_type", text(&task.workflow_type)),
            ("activity_id", text(&task.activity_id)),
            ("activity_type", text(&task.activity_type)),
            ("idempotency_key", text(&task.idempotency_key)),
            ("attempt", Value::Integer(task.attempt.into())),
            ("heartbeat_details", task.heartbeat_details.clone().unwrap_or_default()),
            ("is_canceled", Value::Bool(self.cancellation.reason().is_some())),
        ])
    }

    fn heartbeat(&self, details: Value) -> Result<(), Failure> {
        self.heartbeat.beat(details);
        match self.cancellation.reason() {
            None => Ok(()),
            Some(reason) => Err(Failure::new(Kind::Canceled, format!("the activity should end: {reason}"))),
        }
    }
}
