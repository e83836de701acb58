//! Workflows as the rest of the host sees them: pids, starts, messages, monitors.

use super::calls::parts;
use super::host::Workflows;
use super::machines::WORKFLOW;
use super::{headers, options};
use crate::runtime::Inner;
use perilune_cell::Message;
use perilune_modules::process::Order;
use perilune_process::{Outcome, Relation, Run};
use perilune_registry::EntryId;
use perilune_security::Authority;
use perilune_value::{Failure, Kind, Value, args_from_msgpack};
use perilune_workflow::{Backend, Fields, Outcome as End, Signal, StartOptions, Target};
use std::sync::Arc;

/// One workflow on a host.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) host: Arc<Workflows>,
    pub(crate) workflow_id: String,
    /// The run that a start gave, with those that follow it; the open one without it.
    pub(crate) run_id: Option<String>,
}

impl Handle {
    /// The workflow's name among all that run.
    pub(crate) fn pid(&self) -> String {
        format!("{{{}|{}}}", self.host.id(), self.workflow_id)
    }

    fn backend(&self) -> Result<Arc<dyn Backend>, Failure> {
        self.host.backend()
    }

    fn target(&self) -> Target {
        Target::from(self.workflow_id.as_str())
    }

    pub(crate) async fn signal(&self, message: Message) -> Result<(), Failure> {
        let sent = self.backend()?.signal(self.target(), told(message)?).await;
        sent.map_err(|error| error.into_failure())
    }

    pub(crate) async fn cancel(&self, reason: &str) -> Result<(), Failure> {
        self.backend()?.cancel(self.target(), reason).await.map_err(|error| error.into_failure())
    }

    pub(crate) async fn terminate(&self, reason: &str) -> Result<(), Failure> {
        self.backend()?.terminate(self.target(), reason).await.map_err(|error| error.into_failure())
    }

    /// Waits for the workflow's end.
    pub(crate) async fn result(&self) -> Result<Value, Failure> {
        let target = Target { run_id: self.run_id.clone(), ..self.target() };
        match self.backend()?.result(target).await.map_err(|error| error.into_failure())? {
            End::Completed(value) => Ok(value),
            End::Failed(failure) => Err(failure),
            End::Canceled(_) => Err(Failure::new(Kind::Canceled, "workflow canceled")),
            End::Terminated(reason) if reason.is_empty() => {
                Err(Failure::new(Kind::Canceled, "workflow terminated"))
            }
            End::Terminated(reason) => {
                Err(Failure::new(Kind::Canceled, format!("workflow terminated: {reason}")))
            }
            End::TimedOut => Err(Failure::new(Kind::Timeout, "the workflow took longer than it may")),
        }
    }
}

/// A message as a signal.
fn told(message: Message) -> Result<Signal, Failure> {
    let args = args_from_msgpack(&message.payloads).map_err(|error| Failure::invalid(error.to_string()))?;
    let sender = Some(message.sender).filter(|sender| !sender.is_empty());
    Ok(Signal { name: message.topic, args, headers: Fields::new(), sender })
}

impl Inner {
    /// Whether an entry is a workflow.
    pub(crate) fn is_workflow(&self, id: &str) -> bool {
        let entry = EntryId::parse(id).ok().and_then(|id| self.registry.snapshot().get(&id).cloned());
        entry.is_some_and(|entry| entry.runs_as() == WORKFLOW)
    }

    /// The workflow that a pid names, if it is one of a host of workflows.
    pub(crate) fn workflow(&self, pid: &str) -> Option<Result<Handle, Failure>> {
        let (host, workflow_id) = parts(pid)?;
        let id = EntryId::parse(host).ok()?;
        let snapshot = self.registry.snapshot();
        if !super::is_host(snapshot.get(&id)?.kind()) {
            return None;
        }
        let host = self.modules.resources.get::<Workflows>(host);
        Some(host.map(|host| Handle { host, workflow_id: workflow_id.to_owned(), run_id: None }))
    }

    /// Starts a workflow. Once it is given, it is safe.
    pub(crate) async fn start_workflow(&self, order: Order) -> Result<Handle, Failure> {
        options::check_spawn(&order.options)?;
        let options = StartOptions {
            headers: headers::write(&order.context, &order.authority),
            signals: order.messages.into_iter().map(told).collect::<Result<_, _>>()?,
            ..options::start(&order.options)?
        };
        let args = args_from_msgpack(&order.args).map_err(|error| Failure::invalid(error.to_string()))?;
        let host = self.host_of(&order.entry, &order.host)?;
        let started = host.backend()?.start(&self.type_on(&host, &order.entry), args, options).await;
        let started = started.map_err(|error| error.into_failure())?;
        let run_id = Some(started.run_id);
        let handle = Handle { host, workflow_id: started.workflow_id, run_id };
        if let Some(parent) = order.parent.and_then(|parent| self.runs.by_number(parent.number)) {
            if order.monitor {
                self.watch(&parent, handle.clone(), Relation::Monitor);
            }
            if order.link {
                self.watch(&parent, handle.clone(), Relation::Link);
            }
        }
        Ok(handle)
    }

    /// Runs a workflow to its end.
    pub(crate) async fn run_workflow(
        &self,
        entry: &str,
        args: Vec<u8>,
        context: Value,
        authority: Authority,
    ) -> Result<Value, Failure> {
        let order = Order { context, ..Order::new(entry.to_owned(), String::new(), args, authority) };
        self.start_workflow(order).await?.result().await
    }

    /// The host that a workflow runs on: the one that is asked for, or its own.
    pub(super) fn host_of(&self, entry: &str, asked: &str) -> Result<Arc<Workflows>, Failure> {
        let id = EntryId::parse(entry).map_err(|error| Failure::invalid(error.to_string()))?;
        let snapshot = self.registry.snapshot();
        let unknown = || Failure::not_found(format!("factory not found: there is no entry {entry}"));
        let entry = snapshot.get(&id).ok_or_else(unknown)?;
        let worker = super::worker(entry, "workflow");
        let host = match (asked, worker) {
            ("", Some(worker)) => worker.to_string(),
            ("", None) => {
                let message =
                    format!("{id} names no host: set `meta.temporal.workflow.worker` to a workflow.host");
                return Err(Failure::invalid(message));
            }
            (asked, _) => asked.to_owned(),
        };
        self.modules.resources.get::<Workflows>(&host)
    }

    /// What a host calls a workflow.
    pub(super) fn type_on(&self, host: &Workflows, entry: &str) -> String {
        let id = EntryId::parse(entry).ok().filter(|_| host.queue().is_some());
        let named = id.and_then(|id| self.registry.snapshot().get(&id).map(|entry| super::type_name(entry)));
        named.unwrap_or_else(|| entry.to_owned())
    }

    /// Tells a run of a workflow's end.
    pub(crate) fn watch(&self, run: &Arc<Run>, workflow: Handle, relation: Relation) {
        let (run, table) = (run.clone(), self.runs.clone());
        tokio::spawn(async move {
            let result = workflow.result().await;
            let outcome: Outcome = result.map(|value| value.to_msgpack().into());
            match relation {
                Relation::Monitor => table.tell_exit(&run, &workflow.pid(), &outcome),
                Relation::Link => {
                    if let Err(failure) = outcome {
                        table.tell_link_down(&run, &workflow.pid(), &failure);
                    }
                }
            }
        });
    }
}
