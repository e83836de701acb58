//! The global `process` over the host.

use crate::runtime::Inner;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::{Message, Pid};
use perilune_modules::process::{Order, Processes, Signal};
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

impl Processes for Access {
    fn resolve(&self, text: &str) -> Result<Pid, Failure> {
        self.table.find(text).map(|run| run.pid.clone())
    }

    fn send(&self, to: &str, message: Message) -> Result<(), Failure> {
        self.table.send(&*self.table.find(to)?, message)
    }

    fn spawn(&self, order: Order) -> Result<Pid, Failure> {
        self.inner()?.spawn(order).map(|run| run.pid.clone())
    }

    fn exec(&self, order: Order) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
        // The result of a process that somebody else has started is not this one's.
        let taken = order.name.as_deref().filter(|name| self.table.named(name).is_some());
        if let Some(name) = taken {
            let message = format!("the name `{name}` is already registered: nothing was started");
            return std::future::ready(Err(Failure::new(Kind::AlreadyExists, message))).boxed();
        }
        let limit = order.timeout;
        let run = self.inner().and_then(|inner| inner.spawn(order));
        async move {
            let run = run?;
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

    fn signal(&self, from: &Pid, to: &Pid, signal: Signal) -> Result<(), Failure> {
        let other = self.run(to)?;
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

    fn register(&self, name: &str, run: &Pid) -> Result<(), Failure> {
        self.table.register(name, &self.run(run)?)
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
