//! Kind `queue.consumer`: calls a function with each message of a queue.
//!
//! | the call | the message |
//! |---|---|
//! | settles it itself | is what the call made it |
//! | returns | is acknowledged |
//! | returns `false`, raises, returns an error, reaches a limit | failed: it is delivered again, or goes to the dead letters |
//! | could not begin, or is ended because the consumer stops | is put back; that counts as no attempt |
//!
//! With `auto_ack` a message is acknowledged before the call, and what becomes of the call is all the same.

use crate::{Delivery, Queue};
use futures_util::future::{AbortHandle, BoxFuture, abortable};
use perilune_registry::{Field, Fields, KindSpec, Type};
use perilune_resource::{
    Invocation, Invoke, LIFECYCLE, Lifecycle, Opened, Opening, ResourceKind, Security, Service, in_proportion,
};
use perilune_value::{Failure, Kind, Value};
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "queue.consumer",
        doc: "Calls a function with each message of a queue",
        fields: Fields::Known(&[
            Field {
                name: "queue",
                ty: Type::Entry(&["queue.queue"]),
                required: true,
                doc: "where the messages come from",
                ..FIELD
            },
            Field {
                name: "func",
                ty: Type::Entry(&["function.lua", "function.wasm"]),
                required: true,
                doc: "called with the body of each message",
                ..FIELD
            },
            Field {
                name: "concurrency",
                ty: Type::Integer { min: 1, max: 1_000 },
                default: "1",
                doc: "calls at the same time; more than one may overtake each other",
                ..FIELD
            },
            Field {
                name: "prefetch",
                ty: Type::Integer { min: 1, max: 10_000 },
                default: "10",
                doc: "messages in the consumer's hands at the same time; it takes none ahead of the call that they are for",
                ..FIELD
            },
            Field {
                name: "auto_ack",
                ty: Type::Bool,
                default: "false",
                doc: "acknowledge messages before the call: each is delivered once at most",
                ..FIELD
            },
            Field { name: "driver_options", ty: Type::Map, doc: "the memory driver has none", ..FIELD },
            LIFECYCLE,
        ]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open,
};

#[derive(Deserialize)]
struct Config {
    queue: String,
    func: String,
    #[serde(default = "one")]
    concurrency: usize,
    #[serde(default = "ten")]
    prefetch: usize,
    #[serde(default)]
    auto_ack: bool,
    #[serde(default)]
    lifecycle: Lifecycle,
}

fn one() -> usize {
    1
}

fn ten() -> usize {
    10
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    Ok(Opened::service(Arc::new(Consumer {
        work: Arc::new(Work {
            id: opening.id().to_string(),
            queue: opening.resource(&config.queue)?,
            call: Invocation::new(opening.resolve(&config.func)?.to_string()),
            functions: opening.host().functions.clone(),
            security: Security::of(opening, &config.lifecycle)?,
            at_once: config.concurrency.min(config.prefetch),
            auto_ack: config.auto_ack,
        }),
        running: Arc::default(),
    })))
}

/// What an entry of kind `queue.consumer` becomes.
pub struct Consumer {
    work: Arc<Work>,
    running: Arc<Mutex<Option<Running>>>,
}

/// What a consumer does.
struct Work {
    id: String,
    queue: Arc<Queue>,
    /// Without arguments.
    call: Invocation,
    functions: Arc<dyn Invoke>,
    /// What the calls act with.
    security: Security,
    /// Calls at the same time.
    at_once: usize,
    auto_ack: bool,
}

/// A consumer's task. Dropping it ends the task and all calls, whose messages go back.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    abort: AbortOnDrop,
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Service for Consumer {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let (work, running) = (self.work.clone(), self.running.clone());
        Box::pin(async move {
            let (stop, stopped) = oneshot::channel();
            let (task, abort) = abortable(work.run(stopped));
            let task = tokio::spawn(async move { task.await.unwrap_or_default() });
            let started = Running { stop, task, abort: AbortOnDrop(abort) };
            *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
            Ok(())
        })
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        let running = self.running.clone();
        Box::pin(async move {
            let running = running.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(Running { stop, task, abort }) = running else { return };
            // It has ended where nobody hears this.
            let _ = stop.send(());
            let _ = task.await;
            drop(abort);
        })
    }
}

impl Work {
    async fn run(self: Arc<Self>, mut stopped: oneshot::Receiver<()>) {
        let _attendance = self.queue.attend();
        // Dropped, it ends the calls.
        let mut calls = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                // Also when the sender is gone, and with it the consumer.
                _ = &mut stopped => break,
                Some(_) = calls.join_next(), if !calls.is_empty() => {}
                delivery = self.queue.take(), if calls.len() < self.at_once => {
                    calls.spawn(self.clone().deliver(delivery));
                }
            }
        }
        while calls.join_next().await.is_some() {}
    }

    async fn deliver(self: Arc<Self>, delivery: Delivery) {
        let in_hand = InHand(Arc::new(delivery));
        let delivery = &in_hand.0;
        if self.auto_ack {
            // Nobody else has it, so it is not settled.
            let _ = delivery.ack();
        }
        let called = self.call(delivery).await;
        let settled = match &called {
            Ok(Value::Bool(false)) => delivery.nack("the function returned false"),
            Ok(_) => delivery.ack(),
            Err(failure) if had_no_room(failure, &self.call.target) => {
                delivery.put_back();
                Ok(())
            }
            Err(failure) => delivery.nack(&failure.message),
        };
        let (consumer, id) = (&self.id, &delivery.message().id);
        if let Err(failure) = called {
            let (error, was_settled) = (&failure.message, settled.is_err());
            tracing::warn!(%consumer, %id, attempts = delivery.attempts(), was_settled, %error, "a message failed");
        }
    }

    async fn call(&self, delivery: &Arc<Delivery>) -> Result<Value, Failure> {
        let attachment = delivery.clone();
        let bytes = delivery.message().body.len();
        let message = delivery.clone();
        let body = in_proportion(bytes, move || message.message().value()).await?;
        let authority = self.security.authority()?;
        let call =
            Invocation { args: vec![body], attachment: Some(attachment), authority, ..self.call.clone() };
        self.functions.invoke(call).await
    }
}

/// A delivery that goes back when its call is broken off, even if a cell that is being cleaned up still has it.
struct InHand(Arc<Delivery>);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.put_back();
    }
}

/// Whether a call of a function failed before it began: its pool or the host had no room for it.
fn had_no_room(failure: &Failure, function: &str) -> bool {
    let detail = |name| failure.details.as_ref().and_then(|details| details.get(name));
    let text = |name| detail(name).and_then(Value::as_str);
    // What the function got from others that it called is its own affair.
    let is_own = text("entry") == Some(function);
    match failure.kind {
        Kind::Unavailable => text("limit") == Some("cells") || (is_own && text("limit") == Some("queue")),
        Kind::Timeout => is_own && detail("waited_ms").is_some(),
        _ => false,
    }
}
