//! Calls: a worker of the entry's pool runs them, or a cell of their own.

use crate::pools::{LuaTarget, Target};
use crate::processes::decode;
use crate::program::Program;
use crate::runtime::Inner;
use crate::workflows::WORKFLOW;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::{CallSpec, Cell, Identity, Limits};
use perilune_modules::CallContext;
use perilune_modules::funcs::{FunctionCall, Functions};
use perilune_process::{Birth, Born, Nature, Outcome, Table};
use perilune_resource::{Invocation, Invoke};
use perilune_value::{Failure, Kind, Value, args_to_msgpack};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// One call, its target found.
pub(crate) struct Run {
    pub(crate) target: Target,
    pub(crate) args: Vec<u8>,
    pub(crate) context: CallContext,
    pub(crate) timeout: Option<Duration>,
    /// In a fresh cell that no other call uses.
    pub(crate) is_alone: bool,
}

/// One call of an entry in Lua.
struct LuaRun {
    target: LuaTarget,
    args: Vec<u8>,
    context: CallContext,
    is_alone: bool,
}

impl Inner {
    /// Finds what a target names.
    pub(crate) fn find(&self, name: &str) -> Result<Target, Failure> {
        self.pools.find(&self.registry, name)
    }

    /// Runs a call to its end. Dropping the future ends it: a call that waits leaves the queue, one that runs loses its cell.
    pub(crate) async fn run(&self, run: Run) -> Result<Vec<u8>, Failure> {
        let began = Instant::now();
        let Run { target, args, context, timeout, is_alone } = run;
        match target {
            Target::Component(callee) => {
                self.call_component(callee, args, context, timeout, began).boxed().await
            }
            Target::Lua(target) => {
                self.run_lua(LuaRun { target, args, context, is_alone }, timeout, began).await
            }
        }
    }

    async fn run_lua(
        &self,
        run: LuaRun,
        timeout: Option<Duration>,
        began: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let callee = run.target.callee.clone();
        let limits = limited(callee.program.limits(), timeout);
        // An entry that is called back by one that it calls must not wait for its own worker.
        let is_called_back = run.context.chain.contains(callee.program.name());
        let Some(pool) = callee.pool().filter(|_| !is_called_back && !run.is_alone) else {
            if callee.program.kind == WORKFLOW {
                let LuaRun { args, context, .. } = run;
                let CallContext { values, authority, .. } = context;
                let result = self.run_workflow(callee.program.name(), args, values, authority).boxed();
                return result.await.map(|result| result.to_msgpack());
            }
            return self.run_alone(callee.program.clone(), run, limits, began).boxed().await;
        };
        let mut lease = match pool.try_lease() {
            Some(lease) => lease,
            None => pool.lease(deadline(limits, began)).boxed().await?,
        };
        callee.program.wake(&mut lease);
        let LuaRun { target, args, context, .. } = run;
        let mut running = self.begin(&mut lease, &callee.program, context, limits, began);
        let ticked = lease.ticked();
        let call = async move {
            let program = &target.callee.program;
            if !target.callee.keeps_state()
                && let Err(failure) = finish_loading(&mut lease, program).await
            {
                return (lease, Err(failure));
            }
            let result = lease.run(&target.method, &args, Some(&mut running.mailbox)).await;
            running.end_with(|| outcome(&result));
            (lease, result)
        };
        let (lease, result) = self.heavy.run(call, ticked).await;
        if !lease.is_dead() {
            lease.finish();
        }
        result
    }

    /// Runs a call in a cell of its own.
    async fn run_alone(
        &self,
        program: Arc<Program>,
        run: LuaRun,
        limits: Limits,
        began: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let mut cell = match deadline(limits, began) {
            None => program.cell().await?,
            Some(deadline) => tokio::time::timeout_at(deadline, program.cell())
                .await
                .unwrap_or_else(|_| Err(too_late(&program)))?,
        };
        let LuaRun { target, args, context, .. } = run;
        let mut running = self.begin(&mut cell, &program, context, limits, began);
        let ticked = cell.ticked();
        let call = async move {
            finish_loading(&mut cell, &program).await?;
            let result = cell.run(&target.method, &args, Some(&mut running.mailbox)).await;
            running.end_with(|| outcome(&result));
            result
        };
        self.heavy.run(call, ticked).await
    }

    /// Makes a cell this call's.
    fn begin(
        &self,
        cell: &mut Cell,
        program: &Program,
        mut context: CallContext,
        limits: Limits,
        began: Instant,
    ) -> Born {
        let name = program.name();
        let running = self.runs.begin(Birth {
            nature: Nature::Call,
            host: program.host(),
            entry: name,
            code: None,
            actor: context.authority.actor.clone(),
            parent: None,
            began,
            messages: Table::MESSAGES,
            bytes: Table::BYTES,
        });
        context.entry = name.clone();
        let identity = Identity { entry: name.clone(), pid: running.run.pid.clone() };
        cell.begin_call(CallSpec { identity, limits, context: Arc::new(context), began });
        running
    }
}

pub(crate) fn outcome(result: &Result<Vec<u8>, Failure>) -> Outcome {
    result.as_ref().map(|bytes| bytes.as_slice().into()).map_err(Clone::clone)
}

async fn finish_loading(cell: &mut Cell, program: &Program) -> Result<(), Failure> {
    match program.loaded() {
        Some(image) if !image.is_complete() => program.finish_loading(cell).boxed().await,
        _ => Ok(()),
    }
}

pub(crate) fn deadline(limits: Limits, began: Instant) -> Option<tokio::time::Instant> {
    limits.timeout.and_then(|timeout| began.checked_add(timeout)).map(Into::into)
}

/// The entry's limits, with the shorter of its time and the caller's.
pub(crate) fn limited(mut limits: Limits, timeout: Option<Duration>) -> Limits {
    limits.timeout = match (limits.timeout, timeout) {
        (Some(entry), Some(call)) => Some(entry.min(call)),
        (entry, call) => entry.or(call),
    };
    limits
}

fn too_late(program: &Program) -> Failure {
    let name = &**program.name();
    Failure::new(Kind::Timeout, format!("{name}: the call's time ran out before there was room for its cell"))
        .with_retryable(true)
        .with_detail("entry", name)
        .with_detail("limit", "timeout")
}

/// Calls that come from cells. It must not keep the runtime alive.
pub(crate) struct FromCells(pub(crate) Weak<Inner>);

impl Functions for FromCells {
    fn call(&self, call: FunctionCall) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
        let inner = self.0.clone();
        async move {
            let gone = || Failure::new(Kind::Unavailable, "the host is shutting down");
            let inner = inner.upgrade().ok_or_else(gone)?;
            let target = inner.find(&call.target)?;
            let FunctionCall { args, context, timeout, chain, authority, .. } = call;
            let host = inner.modules.clone();
            let context = CallContext { values: context, chain, authority, ..CallContext::new(host) };
            inner.run(Run { target, args, context, timeout, is_alone: false }).await
        }
        .boxed()
    }
}

/// Calls that come from services. It must not keep the runtime alive either.
pub(crate) struct FromServices(pub(crate) Weak<Inner>);

impl Invoke for FromServices {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Result<Value, Failure>> {
        let inner = self.0.clone();
        async move {
            let gone = || Failure::new(Kind::Unavailable, "the host is shutting down");
            let inner = inner.upgrade().ok_or_else(gone)?;
            let Invocation { target, args, values, authority, attachment, timeout } = invocation;
            let target = inner.find(&target)?;
            let host = inner.modules.clone();
            let context = CallContext { values, authority, attachment, ..CallContext::new(host) };
            decode(
                inner
                    .run(Run { target, args: args_to_msgpack(&args), context, timeout, is_alone: false })
                    .await?,
            )
        }
        .boxed()
    }
}
