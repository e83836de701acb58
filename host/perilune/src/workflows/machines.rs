//! How machines are made from entries.

use super::host::Whereabouts;
use super::machine::{LuaMachine, failed};
use super::{type_name, worker};
use crate::program::Program;
use crate::runtime::Inner;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_registry::{Entry, EntryId};
use perilune_value::{Failure, Kind};
use perilune_workflow::{Code, Machine, Machines, TaskFailure};
use std::sync::Arc;

/// The kind of workflows.
pub(crate) const WORKFLOW: &str = "workflow.lua";

/// Makes machines for one host.
pub(super) struct FromEntries {
    pub(super) at: Whereabouts,
}

impl FromEntries {
    fn program(&self, workflow_type: &str) -> Result<(Arc<Inner>, Arc<Program>), Failure> {
        let gone = || Failure::new(Kind::Unavailable, "the host is shutting down");
        let inner = self.at.home.upgrade().ok_or_else(gone)?;
        let entry = self.entry(&inner, workflow_type)?;
        let program = inner.find(&entry)?.into_lua()?.callee.program.clone();
        if program.kind != WORKFLOW {
            return Err(Failure::invalid(format!("{entry} is a {}, not a workflow", program.kind)));
        }
        Ok((inner, program))
    }

    /// The entry that a workflow's type means: its id, or the name that it has among those of this host.
    fn entry(&self, inner: &Inner, workflow_type: &str) -> Result<String, Failure> {
        let snapshot = inner.registry.snapshot();
        let is_here = |entry: &Entry| {
            worker(entry, "workflow").is_some_and(|worker| worker.to_string() == *self.at.host)
        };
        let by_id = EntryId::parse(workflow_type).ok().and_then(|id| snapshot.get(&id));
        // Whoever reaches a shared queue may ask for what is offered there, and for nothing else.
        if by_id.is_some_and(|entry| !self.at.is_shared() || is_here(entry)) {
            return Ok(workflow_type.to_owned());
        }
        let named = snapshot
            .entries()
            .find(|entry| entry.runs_as() == WORKFLOW && is_here(entry) && type_name(entry) == workflow_type);
        let named = named.map(|entry| entry.id().to_string());
        named.ok_or_else(|| {
            Failure::not_found(match self.at.is_nowhere() {
                true => format!("there is no workflow `{workflow_type}`: add the entry"),
                false => {
                    let host = &self.at.host;
                    format!(
                        "there is no workflow `{workflow_type}` on {host}: add the entry, or name {host} in its `meta.temporal.workflow.worker`"
                    )
                }
            })
        })
    }
}

impl Machines for FromEntries {
    fn knows(&self, workflow_type: &str) -> bool {
        self.program(workflow_type).is_ok()
    }

    fn create<'a>(
        &'a self,
        workflow_type: &'a str,
        _run_id: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn Machine>, TaskFailure>> {
        async move {
            let (inner, program) = self.program(workflow_type).map_err(|failure| match failure.kind {
                Kind::NotFound => TaskFailure { code: Code::UnknownType, failure },
                _ => failed(failure),
            })?;
            Ok(Box::new(LuaMachine::new(&inner, program, self.at.clone())) as Box<dyn Machine>)
        }
        .boxed()
    }
}
