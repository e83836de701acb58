//! Functions: a fresh cell for each call.

use crate::program::{PROCESS, Program};
use crate::runtime::Inner;
use crate::target;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::{Cell, CellSpec, Identity};
use perilune_modules::CallContext;
use perilune_modules::funcs::{FunctionCall, Functions};
use perilune_value::{Failure, Value};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// One call, its target found.
pub(crate) struct Run {
    pub(crate) program: Arc<Program>,
    pub(crate) method: String,
    pub(crate) args: Vec<u8>,
    pub(crate) context: Value,
    pub(crate) timeout: Option<Duration>,
    pub(crate) depth: u32,
}

impl Inner {
    /// Finds what a target names in the current version: a change of the registry reaches the next call, not this one.
    pub(crate) fn find(&self, name: &str) -> Result<(Arc<Program>, String), Failure> {
        let snapshot = self.registry.snapshot();
        let (id, method) = target::split(&snapshot, name)?;
        let program = self.programs.get(&self.linker, &snapshot, &id)?;
        let method = target::method(&program, method)?;
        Ok((program, method))
    }

    /// Runs a program in a cell of its own. Dropping the future ends the cell.
    pub(crate) async fn run(self: &Arc<Self>, run: Run) -> Result<Vec<u8>, Failure> {
        let program = &run.program;
        let host = if program.kind == PROCESS { "processes" } else { "functions" };
        let mut running = self.surroundings.pids.register(host);
        let mut limits = program.limits;
        limits.timeout = match (limits.timeout, run.timeout) {
            (Some(entry), Some(call)) => Some(entry.min(call)),
            (entry, call) => entry.or(call),
        };
        let identity = Identity { entry: program.id.to_string(), pid: running.pid.clone() };
        let context = CallContext {
            values: run.context,
            depth: run.depth,
            functions: self.clone_as_functions(),
            registry: self.clone_as_registry(),
        };
        let mut cell = program
            .template
            .instantiate(CellSpec {
                identity,
                limits,
                host: self.surroundings.clone(),
                context: Arc::new(context),
                extensions: program.extensions.clone(),
            })
            .await?;
        load(&mut cell, program).await?;
        cell.run(&run.method, &run.args, Some(&mut running.mailbox)).await
    }
}

async fn load(cell: &mut Cell, program: &Program) -> Result<(), Failure> {
    match cell.load(&program.chunks).await {
        Ok(loaded) => loaded.map(|_| ()),
        Err(death) => Err(death.into_failure(&program.id.to_string())),
    }
}

/// Calls that come from cells. It must not keep the runtime alive.
pub(crate) struct FromCells(pub(crate) Weak<Inner>);

impl Functions for FromCells {
    fn call(&self, call: FunctionCall) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
        let inner = self.0.clone();
        async move {
            let gone = || Failure::new(perilune_value::Kind::Unavailable, "the host is shutting down");
            let inner = inner.upgrade().ok_or_else(gone)?;
            let (program, method) = inner.find(&call.target)?;
            let FunctionCall { args, context, timeout, depth, .. } = call;
            inner.run(Run { program, method, args, context, timeout, depth }).await
        }
        .boxed()
    }
}
