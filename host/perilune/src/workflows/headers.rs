//! What travels with workflows and activities: the context that module `ctx` reads, and what the calls act with.
//!
//! Headers are kept with the history, and policies are named by their ids: they hold as they are when they are asked.

use crate::runtime::Inner;
use perilune_security::{Actor, Authority, Scope};
use perilune_value::{Failure, Value};
use perilune_workflow::Fields;
use std::sync::Arc;

const CONTEXT: &str = "perilune-context";
const ACTOR: &str = "perilune-actor";
const SCOPE: &str = "perilune-scope";
/// Messages that a run had not read when it continued as new.
pub(super) const UNREAD: &str = "perilune-unread";

pub(super) fn write(values: &Value, authority: &Authority) -> Fields {
    let mut headers = Fields::new();
    if matches!(values, Value::Map(fields) if !fields.is_empty()) {
        headers.insert(CONTEXT.to_owned(), values.clone());
    }
    if let Some(actor) = &authority.actor {
        let actor = Value::Array(vec![Value::from(actor.id.as_str()), actor.meta.clone()]);
        headers.insert(ACTOR.to_owned(), actor);
    }
    if let Some(scope) = &authority.scope {
        let ids = scope.policies().iter().map(|policy| Value::from(policy.id())).collect();
        headers.insert(SCOPE.to_owned(), Value::Array(ids));
    }
    headers
}

/// # Errors
///
/// `Invalid` for headers that nobody here wrote, `NotFound` for a policy that is gone: what it denied must not become allowed.
pub(super) fn read(inner: &Inner, headers: &Fields) -> Result<(Value, Authority), Failure> {
    let values = headers.get(CONTEXT).cloned().unwrap_or_else(|| Value::Map(Vec::new()));
    let actor = headers.get(ACTOR).map(actor).transpose()?.map(Arc::new);
    let scope = headers.get(SCOPE).map(|ids| scope(inner, ids)).transpose()?;
    Ok((values, Authority { actor, scope }))
}

fn actor(written: &Value) -> Result<Actor, Failure> {
    match written {
        Value::Array(parts) => match parts.as_slice() {
            [id, meta] if id.as_str().is_some() => {
                Ok(Actor { id: id.as_str().unwrap_or_default().to_owned(), meta: meta.clone() })
            }
            _ => Err(foreign(ACTOR)),
        },
        _ => Err(foreign(ACTOR)),
    }
}

fn scope(inner: &Inner, written: &Value) -> Result<Scope, Failure> {
    let ids: &[Value] = match written {
        Value::Array(ids) => ids,
        // An empty list of another writer.
        Value::Map(fields) if fields.is_empty() => &[],
        _ => return Err(foreign(SCOPE)),
    };
    let index = inner.modules.policies.of(&inner.registry);
    let policy = |id: &Value| {
        let id = id.as_str().ok_or_else(|| foreign(SCOPE))?;
        let gone = || Failure::not_found(format!("policy {id}, which the workflow acts under, is gone"));
        index.policy(id).cloned().ok_or_else(gone)
    };
    Ok(Scope::new(ids.iter().map(policy).collect::<Result<Vec<_>, _>>()?))
}

fn foreign(header: &str) -> Failure {
    Failure::invalid(format!("header `{header}` of the workflow is not as it was written"))
}
