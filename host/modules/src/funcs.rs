//! Module `funcs`: calls of other entries.

use crate::bindings::funcs::{Host, add_to_linker};
use crate::bindings::{Answer as Told, answer};
use crate::security::passed_on;
use crate::{CallContext, Chain};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use perilune_cell::interfaces::{failure_to_wit, types};
use perilune_cell::{CellState, Class, Identity, Module, Reservation, Ticket};
use perilune_registry::EntryId;
use perilune_security::Authority;
use perilune_time::duration;
use perilune_value::{Failure, Kind, Value};
use std::time::Duration;
use tokio::task::JoinHandle;
use wasmtime::component::HasSelf;

/// Calls that may lead from one to the next. A function that calls itself for ever takes this many cells, not all.
const MAX_DEPTH: u32 = 32;

/// The module.
pub const MODULE: Module = Module {
    name: "funcs",
    summary: "Calls other entries, at once or in the background.",
    classes: &[Class::Workflow, Class::Nondeterministic],
    link: |linker| add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// A call of an entry from inside a cell.
pub struct FunctionCall {
    /// Who calls.
    pub caller: Identity,
    /// Entry id, perhaps followed by `.method`.
    pub target: String,
    /// MessagePack, an array of values, not yet checked.
    pub args: Vec<u8>,
    /// What the callee reads through module `ctx`: the caller's context with what the call adds.
    pub context: Value,
    /// The caller's own limit for the call; the entry's holds besides.
    pub timeout: Option<Duration>,
    /// How it is called, all of it: workflows know options of their own.
    pub options: Value,
    /// The calls that lead to this one.
    pub chain: Chain,
    /// What the callee acts with.
    pub authority: Authority,
}

/// Who carries out calls.
pub trait Functions: Send + Sync {
    /// The callee's result as MessagePack. Dropping the future ends the callee.
    fn call(&self, call: FunctionCall) -> BoxFuture<'static, Result<Vec<u8>, Failure>>;
}

/// A result that waits for the caller to take it.
type Answer = (Vec<u8>, Reservation);

impl Host for CellState {
    fn start_call(&mut self, target: Vec<u8>, options: Vec<u8>, args: Vec<u8>) -> wasmtime::Result<Ticket> {
        let args_held = self.hold(args.len())?;
        let held = self.held.clone();
        let context = CallContext::of(self)?;
        let call = told(target, &options)
            .and_then(|(target, options)| prepare(context, &self.identity, target, options, args));
        let functions = context.host.functions.clone();
        if context.durable.is_some() {
            // It is noted down where it is made: the history has one order.
            let result = call.map(|call| functions.call(call));
            return self.tickets.start::<Answer>(async move {
                let result = result?.await?;
                drop(args_held);
                let reserved = held.reserve(result.len()).ok_or_else(|| too_large("a workflow"))?;
                Ok((result, reserved))
            });
        }
        self.tickets.start::<Answer>(async move {
            let call = call?;
            let target = call.target.clone();
            in_task(async move {
                let result = functions.call(call).await?;
                drop(args_held);
                let reserved = held.reserve(result.len()).ok_or_else(|| too_large(&target))?;
                Ok((result, reserved))
            })
            .await
        })
    }

    fn may_choose_context(&mut self) -> Told<()> {
        answer(CallContext::of(self)?.check("funcs.context", "context"))
    }

    fn may_choose_security(&mut self) -> Told<()> {
        answer(CallContext::of(self)?.check("funcs.security", "security"))
    }

    fn take_call(&mut self, ticket: Ticket) -> wasmtime::Result<Result<Vec<u8>, types::Failure>> {
        Ok(self.tickets.take::<Answer>(ticket)?.map(|(result, _)| result).map_err(failure_to_wit))
    }
}

fn too_large(target: &str) -> Failure {
    let message = format!("{target}: results that wait for their caller exceed the caller's `limits.memory`");
    Failure::new(Kind::RateLimited, message).with_detail("limit", "memory")
}

/// Calls an entry as a caller in Lua does: with its permissions, its context and the calls that lead to it. The result is
/// MessagePack. Dropping the future ends the callee.
pub fn call(
    context: &CallContext,
    caller: &Identity,
    target: String,
    options: Value,
    args: Vec<u8>,
) -> BoxFuture<'static, Result<Vec<u8>, Failure>> {
    match prepare(context, caller, target, options, args) {
        Ok(call) => in_task(context.host.functions.call(call)).boxed(),
        Err(failure) => ready(Err(failure)).boxed(),
    }
}

/// A target and options as a cell gives them.
fn told(target: Vec<u8>, options: &[u8]) -> Result<(String, Value), Failure> {
    let target =
        String::from_utf8(target).map_err(|_| Failure::invalid("the target of a call is not valid UTF-8"))?;
    let options = Value::from_msgpack(options).map_err(|error| Failure::invalid(error.to_string()))?;
    Ok((target, options))
}

fn prepare(
    context: &CallContext,
    caller: &Identity,
    target: String,
    options: Value,
    args: Vec<u8>,
) -> Result<FunctionCall, Failure> {
    // On a queue that a workflow names, hosts in other languages may serve, with names of their own.
    let is_elsewhere = context.is_workflow && names_a_queue(&options) && !target.is_empty();
    let is_id = target.split_once(':').is_some_and(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
    if !is_id && !is_elsewhere {
        let message = format!("`{target}` is no entry id: write `namespace:name` or `namespace:name.method`");
        return Err(Failure::invalid(message));
    }
    let chain = context.chain.with(caller.entry.clone());
    if chain.depth() > MAX_DEPTH {
        let message = format!("{target}: calls lead from one to the next more than {MAX_DEPTH} times");
        return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "depth"));
    }
    check(context, &target)?;
    let added = options.get("context");
    if added.is_some() {
        context.check("funcs.context", "context")?;
    }
    Ok(FunctionCall {
        caller: caller.clone(),
        target,
        args,
        context: merge(&context.values, added),
        timeout: options.get("timeout").map(|limit| duration_option("timeout", limit)).transpose()?,
        chain,
        authority: passed_on(context, &caller.pid, options.get("actor"), options.get("scope"))?,
        options,
    })
}

/// Whether a workflow says on which task queue its activity runs.
fn names_a_queue(options: &Value) -> bool {
    ["activity.task_queue", "temporal.activity.task_queue"].iter().any(|name| options.get(name).is_some())
}

/// A method of a module is called where its entry or the method itself is allowed, and neither is denied. Names of entries may hold
/// dots as well: one of the complete name has nothing to do with a shorter one.
fn check(context: &CallContext, target: &str) -> Result<(), Failure> {
    if let Some((module, _)) = target.rsplit_once('.')
        && module.contains(':')
        && let Ok(id) = EntryId::parse(target)
        && context.host.registry.registry().snapshot().get(&id).is_none()
    {
        return context.check_any("funcs.call", &[target, module], &Value::Map(Vec::new()));
    }
    context.check("funcs.call", target)
}

/// An option that is a positive time: milliseconds, or a text such as `1m30s`.
/// # Errors
///
/// `Invalid`, naming the option.
pub fn duration_option(name: &str, value: &Value) -> Result<Duration, Failure> {
    let nanos = match value {
        Value::Integer(millis) => millis.checked_mul(1_000_000),
        Value::Float(millis) => Some((millis * 1e6) as i64),
        Value::String(text) => duration::parse(text).ok(),
        _ => None,
    };
    let nanos = nanos.and_then(|nanos| u64::try_from(nanos).ok()).filter(|nanos| *nanos > 0);
    nanos.map(Duration::from_nanos).ok_or_else(|| {
        Failure::invalid(format!(
            "option `{name}` is neither a positive number of milliseconds nor a text such as \"1m30s\""
        ))
    })
}

/// The inherited context with the new values on top.
pub(crate) fn merge(inherited: &Value, added: Option<&Value>) -> Value {
    let mut fields = match inherited {
        Value::Map(fields) => fields.clone(),
        _ => Vec::new(),
    };
    if let Some(Value::Map(added)) = added {
        fields.retain(|(key, _)| !added.iter().any(|(name, _)| name == key));
        fields.extend(added.iter().cloned());
    }
    Value::Map(fields)
}

/// Runs in a task of its own, so that a callee goes on while its caller computes.
async fn in_task<T: Send + 'static>(
    running: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    EndOnDrop(tokio::spawn(running)).result().await
}

/// A task that ends when nobody waits for it any more.
struct EndOnDrop<T>(JoinHandle<T>);

impl<T> EndOnDrop<Result<T, Failure>> {
    async fn result(mut self) -> Result<T, Failure> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => {
                Err(Failure::internal("the host failed while it carried out the call"))
            }
            Err(_) => Err(Failure::new(Kind::Canceled, "the host is shutting down")),
        }
    }
}

impl<T> Drop for EndOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
