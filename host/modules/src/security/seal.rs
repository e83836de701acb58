//! Seals: what a cell may hand on, in a form that it can keep but not make up.
//!
//! An actor or a scope that a call was allowed to get goes to its cell as bytes with a signature, and comes back when the cell calls
//! somebody with it. The key exists once in a host and is never kept. The signature covers the pid of the run, so that bytes that
//! reach another cell, by a message or from an earlier call, are worth nothing there. The host keeps nothing for them.

use hmac::{Hmac, Mac};
use perilune_cell::CellState;
use perilune_security::{Actor, Scope};
use perilune_value::{Failure, Value};
use sha2::Sha256;

use crate::CallContext;
use perilune_cell::Pid;

/// Bytes of a signature.
const SIGNATURE: usize = 32;

/// The key of a host.
pub(crate) struct Seals {
    key: [u8; 32],
}

impl Default for Seals {
    fn default() -> Self {
        Seals { key: rand::random() }
    }
}

/// What is sealed.
#[derive(Clone, Copy)]
enum What {
    Actor,
    Scope,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            What::Actor => "actor",
            What::Scope => "scope",
        }
    }
}

impl Seals {
    fn signature(&self, what: What, pid: &Pid, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .unwrap_or_else(|_| unreachable!("invariant: a key may have any length"));
        mac.update(what.name().as_bytes());
        mac.update(&[0]);
        mac.update(pid.to_string().as_bytes());
        mac.update(&[0]);
        mac.update(body);
        mac
    }

    fn close(&self, what: What, pid: &Pid, value: &Value) -> Vec<u8> {
        let body = value.to_msgpack();
        let mut sealed = self.signature(what, pid, &body).finalize().into_bytes().to_vec();
        sealed.extend_from_slice(&body);
        sealed
    }

    fn open(&self, what: What, pid: &Pid, sealed: &[u8]) -> Result<Value, Failure> {
        let foreign = || {
            let what = what.name();
            Failure::invalid(format!("this {what} belongs to another call: get or make it in the call that uses it"))
        };
        let (signature, body) = sealed.split_at_checked(SIGNATURE).ok_or_else(foreign)?;
        self.signature(what, pid, body).verify_slice(signature).map_err(|_| foreign())?;
        Value::from_msgpack(body).map_err(|_| foreign())
    }
}

/// An actor for the cell to keep.
pub(crate) fn close_actor(state: &CellState, context: &CallContext, actor: &Actor) -> Vec<u8> {
    let value = Value::Array(vec![Value::from(actor.id.as_str()), actor.meta.clone()]);
    context.shared().get::<Seals>().close(What::Actor, &state.identity.pid, &value)
}

/// A scope for the cell to keep.
pub(crate) fn close_scope(state: &CellState, context: &CallContext, scope: &Scope) -> Vec<u8> {
    let ids = scope.policies().iter().map(|policy| Value::from(policy.id())).collect();
    context.shared().get::<Seals>().close(What::Scope, &state.identity.pid, &Value::Array(ids))
}

/// The actor that a cell gives back.
///
/// # Errors
///
/// `Invalid` for bytes that were not given to this run.
pub(crate) fn open_actor(pid: &Pid, context: &CallContext, sealed: &[u8]) -> Result<Actor, Failure> {
    let broken = || Failure::internal("a sealed actor is not as it was closed");
    match context.shared().get::<Seals>().open(What::Actor, pid, sealed)? {
        Value::Array(parts) => match <[Value; 2]>::try_from(parts) {
            Ok([id, meta]) => Ok(Actor { id: id.as_str().ok_or_else(broken)?.to_owned(), meta }),
            Err(_) => Err(broken()),
        },
        _ => Err(broken()),
    }
}

/// The scope that a cell gives back, with its policies as they are now.
///
/// # Errors
///
/// `Invalid` for bytes that were not given to this run, `NotFound` for a policy that is gone.
pub(crate) fn open_scope(pid: &Pid, context: &CallContext, sealed: &[u8]) -> Result<Scope, Failure> {
    let ids: Vec<Value> = match context.shared().get::<Seals>().open(What::Scope, pid, sealed)? {
        Value::Array(ids) => ids,
        _ => Vec::new(),
    };
    let policies = ids.iter().filter_map(Value::as_str).map(|id| super::policy(context, id));
    Ok(Scope::new(policies.collect::<Result<Vec<_>, _>>()?))
}
