//! The global `process` over the host.

use crate::runtime::Inner;
use crate::workflows::Handle;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::{Message, Pid};
use perilune_modules::process::{Order, Processes, Sent, Signal};
use perilune_process::{Nature, Relation, Run, Table, Upgrade};
use perilune_value::{Failure, Kind};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What cells ask of processes. It must not keep the runtime alive.
pub(crate) struct Access {
    pub(crate) inner: Weak<Inner>,
    pub(crate) table: Arc<Table>,
}

impl Access {
    fn inner(&self) -> Result<Arc<Inner>, Failure> {
        self.inner.upgrade().ok_or_else(|| Failure::new(Kind::Unavailable, "the host is shutting down"))
    }

    fn run(&self, pid: &Pid) -> Result<Arc<Run>, Failure> {
        let gone = || Failure::not_found(format!("no process {pid} is running"));
        self.table.by_number(pid.number).ok_or_else(gone)
    }
}

impl Access {
    /// The workflow that a pid names.
    fn workflow(&self, pid: &str) -> Option<Result<Handle, Failure>> {
        self.inner.upgrade()?.workflow(pid)
    }

    /// What can be done to a workflow takes time, and nobody waits for it.
    fn signal_other(&self, from: &Pid, workflow: Handle, signal: Signal) -> Result<(), Failure> {
        let relation = match signal {
            Signal::Monitor(true) => Relation::Monitor,
            Signal::Link(true) => Relation::Link,
            Signal::Monitor(false) | Signal::Link(false) => {
                return Err(Failure::invalid("whoever watches or links a workflow does so to its end"));
            }
            Signal::Cancel(_) | Signal::Terminate => {
                tokio::spawn(async move {
                    let done = match &signal {
                        Signal::Cancel(reason) => {
                            workflow.cancel(reason.as_deref().unwrap_or_default()).await
                        }
                        _ => workflow.terminate("process terminated").await,
                    };
                    if let Err(failure) = done {
                        tracing::warn!(target: "perilune::workflow", pid = workflow.pid(), %failure, "a workflow was not reached");
                    }
                });
                return Ok(());
            }
        };
        self.inner()?.watch(&self.run(from)?, workflow, relation);
        Ok(())
    }
}

impl Processes for Access {
    fn identify(&self, text: &str) -> Result<String, Failure> {
        match self.table.find(text) {
            Ok(run) => Ok(run.pid.text()),
            Err(unknown) => self.workflow(text).map_or(Err(unknown), |found| found.map(|found| found.pid())),
        }
    }

    fn send(&self, to: &str, message: &Message) -> Result<Sent, Failure> {
        match self.table.find(to) {
            Ok(run) => self.table.send(&run, message.clone()).map(|()| Sent::Now),
            Err(unknown) => self.workflow(to).map_or(Err(unknown), |found| found.map(|_| Sent::Slowly)),
        }
    }

    fn spawn(&self, order: Order) -> Result<Option<String>, Failure> {
        let inner = self.inner()?;
        if inner.is_workflow(&order.entry) {
            return Ok(None);
        }
        inner.spawn(order).map(|run| Some(run.pid.text()))
    }

    fn signal_workflow(&self, to: &str, message: Message) -> BoxFuture<'static, Result<(), Failure>> {
        let workflow = self.workflow(to);
        let to = to.to_owned();
        async move {
            let gone = || Err(Failure::not_found(format!("no process {to} is running")));
            workflow.unwrap_or_else(gone)?.signal(message).await
        }
        .boxed()
    }

    fn start_workflow(&self, order: Order) -> BoxFuture<'static, Result<String, Failure>> {
        let inner = self.inner();
        async move { inner?.start_workflow(order).await.map(|workflow| workflow.pid()) }.boxed()
    }

    fn exec(&self, order: Order) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
        // The result of a process that somebody else has started is not this one's.
        let taken = order.name.as_deref().filter(|name| self.table.named(name).is_some());
        if let Some(name) = taken {
            let message = format!("the name `{name}` is already registered: nothing was started");
            return std::future::ready(Err(Failure::new(Kind::AlreadyExists, message))).boxed();
        }
        let limit = order.timeout;
        let inner = self.inner();
        async move {
            let inner = inner?;
            if inner.is_workflow(&order.entry) {
                return inner.start_workflow(order).await?.result().await.map(|result| result.to_msgpack());
            }
            let run = inner.spawn(order)?;
            drop(inner);
            let outcome = match limit {
                None => run.outcome().await,
                Some(limit) => tokio::time::timeout(limit, run.outcome()).await.unwrap_or_else(|_| {
                    let failure = too_late(&run, limit);
                    run.kill(failure.clone());
                    Err(failure)
                }),
            };
            outcome.map(|result| result.to_vec())
        }
        .boxed()
    }

    fn signal(&self, from: &Pid, to: &str, signal: Signal) -> Result<(), Failure> {
        let other = match (self.table.find(to), self.workflow(to)) {
            (Ok(run), _) => run,
            (Err(_), Some(workflow)) => return self.signal_other(from, workflow?, signal),
            (Err(unknown), None) => return Err(unknown),
        };
        match signal {
            Signal::Terminate => {
                other.kill(Failure::new(Kind::Canceled, "process terminated"));
                Ok(())
            }
            Signal::Cancel(reason) => self.table.cancel(&other, &from.to_string(), reason.as_deref()),
            Signal::Monitor(true) => self.table.relate(&*self.run(from)?, &other, Relation::Monitor),
            Signal::Monitor(false) => self.table.unrelate(&*self.run(from)?, &other, Relation::Monitor),
            Signal::Link(true) => self.table.relate(&*self.run(from)?, &other, Relation::Link),
            Signal::Link(false) => self.table.unrelate(&*self.run(from)?, &other, Relation::Link),
        }
    }

    fn trap_links(&self, run: &Pid, trap: Option<bool>) -> bool {
        self.run(run).is_ok_and(|run| run.trap_links(trap))
    }

    fn upgradable(&self, run: &Pid, value: Option<bool>) -> Result<bool, Failure> {
        let run = self.run(run)?;
        let is_so = self.table.set_upgradable(&run, value)?;
        if value == Some(true) {
            // It may have changed before.
            self.inner()?.tell_if_outdated(&run);
        }
        Ok(is_so)
    }

    fn register(&self, name: &str, run: &str) -> Result<(), Failure> {
        self.table.register(name, &self.table.find(run)?)
    }

    fn unregister(&self, name: &str, run: &Pid) -> bool {
        self.run(run).is_ok_and(|run| self.table.unregister(name, &run))
    }

    fn upgrade(&self, run: &Pid, entry: Option<String>, args: Vec<u8>) -> Result<(), Failure> {
        let run = self.run(run)?;
        if run.nature != Nature::Process {
            return Err(Failure::invalid("only a process on a process host can be upgraded, not a call"));
        }
        if let Some(entry) = &entry {
            self.inner()?.process_entry(entry)?;
        }
        run.upgrade(Upgrade { entry, args, unread: Vec::new() });
        Ok(())
    }

    fn hand_over(&self, run: &Pid, message: Message) {
        if let Ok(run) = self.run(run) {
            run.hand_over(message);
        }
    }

    fn left_unread(&self, run: &Pid, topic: &str, sender: &str, bytes: usize) {
        self.table.left_unread(run, topic, sender, bytes);
    }
}

fn too_late(run: &Run, limit: Duration) -> Failure {
    let message = format!("{} took longer than option `timeout` allows ({limit:?})", run.entry());
    Failure::new(Kind::Timeout, message).with_detail("limit", "timeout")
}
