//! Module `security`: actors, scopes and policies, as Lua sees them.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `seal.rs` | what a cell may hand on, in a form that it cannot make up |
//! | `kinds.rs` | the kinds of entries |
//! | `tokens.rs` | kind `security.token_store` |

pub mod kinds;
pub(crate) mod seal;
mod tokens;

use crate::CallContext;
use crate::bindings::{Answer, answer, security as wit};
use crate::funcs::duration_option;
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Handle, Module, Ticket};
use perilune_security::{Actor, Authority, Decision, Grant, Policy, Question, Scope, Tokens};
use perilune_value::{Failure, Value};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "security",
    summary: "On whose behalf a call runs, and what policies allow it.",
    classes: &[Class::Security, Class::Nondeterministic],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// Bytes of the metadata of an actor or a question: policies look at it on the cell's thread, each of them; one with an expression
/// takes half a millisecond for as much.
const MOST_META: usize = 16 << 10;
/// Bytes of an actor's id, an action and a resource.
const MOST_TEXT: usize = 4 << 10;

/// A policy by its id: as its entry says now, or as this call has it from whoever runs the host.
pub(crate) fn policy(context: &CallContext, id: &str) -> Result<Policy, Failure> {
    let own = || context.authority.scope.as_ref().and_then(|scope| scope.get(id));
    let found = context.policies();
    found.policy(id).or_else(own).cloned().ok_or_else(|| {
        let shown: String = id.chars().take(MOST_SHOWN).collect();
        Failure::not_found(format!("there is no policy `{shown}`"))
    })
}

/// Characters of a text in a message.
const MOST_SHOWN: usize = 256;

/// A policy that the call may look at: one of its own scope, or one that it is allowed to get.
fn visible_policy(context: &CallContext, id: &str) -> Result<Policy, Failure> {
    let is_own = context.authority.scope.as_ref().is_some_and(|scope| scope.contains(id));
    if !is_own {
        context.check("security.policy.get", id)?;
    }
    policy(context, id)
}

/// A map within bounds; nothing is an empty one.
fn meta(bytes: &[u8]) -> Result<Value, Failure> {
    if bytes.len() > MOST_META {
        return Err(Failure::invalid(format!("the metadata is larger than {} KiB", MOST_META >> 10)));
    }
    match Value::from_msgpack(bytes)? {
        Value::Nil => Ok(Value::Map(Vec::new())),
        Value::Array(items) if items.is_empty() => Ok(Value::Map(Vec::new())),
        map @ Value::Map(_) => Ok(map),
        other => Err(Failure::invalid(format!("metadata is a table of named values, got {}", other.type_name()))),
    }
}

fn text<'a>(what: &str, text: &'a str) -> Result<&'a str, Failure> {
    match text.len() <= MOST_TEXT {
        true => Ok(text),
        false => Err(Failure::invalid(format!("the {what} is longer than {} KiB", MOST_TEXT >> 10))),
    }
}

fn identity(state: &CellState, context: &CallContext, actor: &Actor) -> wit::Identity {
    wit::Identity {
        id: actor.id.clone(),
        meta: actor.meta.to_msgpack(),
        seal: seal::close_actor(state, context, actor),
    }
}

fn rights(state: &CellState, context: &CallContext, scope: &Scope) -> wit::Rights {
    wit::Rights {
        policies: scope.policies().iter().map(|policy| policy.id().to_owned()).collect(),
        seal: seal::close_scope(state, context, scope),
    }
}

/// The scope of so many policies, sealed.
fn made(state: &CellState, context: &CallContext, policies: Vec<Policy>) -> Result<wit::Rights, Failure> {
    let scope = Scope::new(policies);
    match scope.policies().len() <= Scope::MOST {
        true => Ok(rights(state, context, &scope)),
        false => Err(Failure::invalid(format!("a scope holds at most {} policies", Scope::MOST))),
    }
}

fn new_scope(state: &CellState, ids: &[String]) -> wasmtime::Result<Result<wit::Rights, Failure>> {
    let context = CallContext::of(state)?;
    Ok((|| {
        context.check("security.scope.create", "custom")?;
        if ids.len() > Scope::MOST {
            return Err(Failure::invalid(format!("a scope holds at most {} policies", Scope::MOST)));
        }
        let policies = ids.iter().map(|id| visible_policy(context, id)).collect::<Result<Vec<_>, _>>()?;
        made(state, context, policies)
    })())
}

/// A scope with one policy more or less.
fn changed(
    state: &CellState,
    sealed: &[u8],
    how: &str,
    id: &str,
) -> wasmtime::Result<Result<wit::Rights, Failure>> {
    let context = CallContext::of(state)?;
    Ok((|| {
        context.check("security.scope.create", how)?;
        let scope = seal::open_scope(&state.identity.pid, context, sealed)?;
        let mut policies = scope.policies().to_vec();
        if how == "with" {
            policies.push(visible_policy(context, id)?);
        } else {
            policies.retain(|policy| policy.id() != id);
        }
        made(state, context, policies)
    })())
}

fn named_scope(state: &CellState, group: &str) -> wasmtime::Result<Result<wit::Rights, Failure>> {
    let context = CallContext::of(state)?;
    Ok((|| {
        context.check("security.policy_group.get", group)?;
        let scope = context.policies().scope([], [group])?;
        Ok(rights(state, context, &scope))
    })())
}

fn new_actor(state: &CellState, id: &str, about: &[u8]) -> wasmtime::Result<Result<wit::Identity, Failure>> {
    let context = CallContext::of(state)?;
    Ok((|| {
        if text("actor's id", id)?.is_empty() {
            return Err(Failure::invalid("the actor's id is empty"));
        }
        context.check("security.actor.create", id)?;
        Ok(identity(state, context, &Actor { id: id.to_owned(), meta: meta(about)? }))
    })())
}

fn can(context: &CallContext, action: &str, resource: &str, about: &[u8]) -> Result<bool, Failure> {
    let about = meta(about)?;
    let decision = context.authority.evaluate(text("action", action)?, text("resource", resource)?, &about);
    Ok(decision == Decision::Allow)
}

/// What a scope says of an actor that the cell names.
fn evaluate(
    state: &CellState,
    context: &CallContext,
    scope: &Scope,
    actor: &[u8],
    (action, resource, about): (&str, &str, &[u8]),
) -> Result<String, Failure> {
    let actor = seal::open_actor(&state.identity.pid, context, actor)?;
    let (action, resource) = (text("action", action)?, text("resource", resource)?);
    let question = Question { actor: &actor, action, resource, meta: &meta(about)? };
    Ok(scope.evaluate(&question).as_str().to_owned())
}

impl wit::Host for CellState {
    fn actor(&mut self) -> wasmtime::Result<Option<wit::Identity>> {
        let context = CallContext::of(self)?;
        Ok(context.authority.actor.as_ref().map(|actor| identity(self, context, actor)))
    }

    fn scope(&mut self) -> wasmtime::Result<Option<wit::Rights>> {
        let context = CallContext::of(self)?;
        Ok(context.authority.scope.as_ref().map(|scope| rights(self, context, scope)))
    }

    fn can(&mut self, action: String, resource: String, meta: Vec<u8>) -> Answer<bool> {
        answer(can(CallContext::of(self)?, &action, &resource, &meta))
    }

    fn find_policy(&mut self, id: String) -> Answer<()> {
        answer(visible_policy(CallContext::of(self)?, &id).map(drop))
    }

    fn named_scope(&mut self, group: String) -> Answer<wit::Rights> {
        answer(named_scope(self, &group)?)
    }

    fn new_scope(&mut self, policies: Vec<String>) -> Answer<wit::Rights> {
        answer(new_scope(self, &policies)?)
    }

    fn new_actor(&mut self, id: String, meta: Vec<u8>) -> Answer<wit::Identity> {
        answer(new_actor(self, &id, &meta)?)
    }

    fn scope_with(&mut self, scope: Vec<u8>, policy: String) -> Answer<wit::Rights> {
        answer(changed(self, &scope, "with", &policy)?)
    }

    fn scope_without(&mut self, scope: Vec<u8>, policy: String) -> Answer<wit::Rights> {
        answer(changed(self, &scope, "without", &policy)?)
    }

    fn evaluate_policy(
        &mut self,
        policy: String,
        actor: Vec<u8>,
        action: String,
        resource: String,
        meta: Vec<u8>,
    ) -> Answer<String> {
        let context = CallContext::of(self)?;
        answer(visible_policy(context, &policy).and_then(|policy| {
            evaluate(self, context, &Scope::new([policy]), &actor, (&action, &resource, &meta))
        }))
    }

    fn evaluate_scope(
        &mut self,
        scope: Vec<u8>,
        actor: Vec<u8>,
        action: String,
        resource: String,
        meta: Vec<u8>,
    ) -> Answer<String> {
        let context = CallContext::of(self)?;
        answer(seal::open_scope(&self.identity.pid, context, &scope).and_then(|scope| {
            evaluate(self, context, &scope, &actor, (&action, &resource, &meta))
        }))
    }

    fn token_store(&mut self, id: String) -> Answer<Handle> {
        let context = CallContext::of(self)?;
        let found = context
            .check("security.token_store.get", &id)
            .and_then(|()| context.resource::<Tokens>(&id));
        answer(found.and_then(|tokens| self.handles.insert(tokens)))
    }

    fn close_token_store(&mut self, store: Handle) -> wasmtime::Result<bool> {
        Ok(self.handles.remove(store))
    }

    fn start_validate_token(&mut self, store: Handle, token: String) -> wasmtime::Result<Ticket> {
        let tokens = token_store(self, store, "security.token.validate", &nothing())?;
        self.tickets.start(async move { tokens?.validate(&token).await })
    }

    fn take_validate_token(&mut self, ticket: Ticket) -> Answer<wit::Granted> {
        let granted: Result<Grant, Failure> = self.tickets.take(ticket)?;
        let context = CallContext::of(self)?;
        answer(granted.and_then(|grant| {
            let scope = context.policies().scope(&grant.policies, &[])?;
            Ok(wit::Granted {
                actor: identity(self, context, &grant.actor),
                scope: rights(self, context, &scope),
            })
        }))
    }

    fn start_create_token(
        &mut self,
        store: Handle,
        actor: Vec<u8>,
        scope: Vec<u8>,
        options: Vec<u8>,
    ) -> wasmtime::Result<Ticket> {
        let new = new_token(self, store, (&actor, &scope), &options)?;
        self.tickets.start(async move {
            let NewToken { tokens, grant, expiration } = new?;
            tokens.create(&grant, expiration).await
        })
    }

    fn take_create_token(&mut self, ticket: Ticket) -> Answer<String> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }

    fn start_revoke_token(&mut self, store: Handle, token: String) -> wasmtime::Result<Ticket> {
        let tokens = token_store(self, store, "security.token.revoke", &nothing())?;
        self.tickets.start(async move { tokens?.revoke(&token).await })
    }

    fn take_revoke_token(&mut self, ticket: Ticket) -> Answer<()> {
        Ok(self.tickets.take(ticket)?.map_err(failure_to_wit))
    }
}

/// The token store of a handle, for a guarded action.
fn token_store(
    state: &CellState,
    store: Handle,
    action: &str,
    about: &Value,
) -> wasmtime::Result<Result<Arc<Tokens>, Failure>> {
    let context = CallContext::of(state)?;
    let found = state.handles.get::<Tokens>(store, "token store");
    Ok(found.and_then(|tokens| context.check_with(action, &tokens.id, about).map(|()| tokens)))
}

/// A token that is to be made.
struct NewToken {
    tokens: Arc<Tokens>,
    grant: Grant,
    expiration: Option<Duration>,
}

fn new_token(
    state: &CellState,
    store: Handle,
    (actor, scope): (&[u8], &[u8]),
    options: &[u8],
) -> wasmtime::Result<Result<NewToken, Failure>> {
    let context = CallContext::of(state)?;
    let pid = &state.identity.pid;
    let prepared = (|| {
        let options = meta(options)?;
        let about = options.get("meta").cloned().unwrap_or_else(|| Value::Map(Vec::new()));
        let expiration = options.get("expiration").map(|time| duration_option("expiration", time)).transpose()?;
        let (actor, scope) = (seal::open_actor(pid, context, actor)?, seal::open_scope(pid, context, scope)?);
        let policies: Vec<String> = scope.policies().iter().map(|policy| policy.id().to_owned()).collect();
        // Whoever validates the token finds policies by their entries.
        context.policies().scope(&policies, &[])?;
        Ok((Grant { actor, policies, meta: about }, expiration))
    })();
    let (grant, expiration) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return Ok(Err(failure)),
    };
    let tokens = token_store(state, store, "security.token.create", &grant.meta)?;
    Ok(tokens.map(|tokens| NewToken { tokens, grant, expiration }))
}

fn nothing() -> Value {
    Value::Map(Vec::new())
}

/// What a callee acts with: its caller's authority, with what the caller put in its place.
///
/// # Errors
///
/// `PermissionDenied` when the call may not choose, `Invalid` for what was not given to this run.
pub(crate) fn passed_on(
    context: &CallContext,
    pid: &perilune_cell::Pid,
    actor: Option<&Value>,
    scope: Option<&Value>,
) -> Result<Authority, Failure> {
    passed_on_for("funcs.security", context, pid, actor, scope)
}

/// As [`passed_on`], where choosing takes another permission.
pub(crate) fn passed_on_for(
    permission: &str,
    context: &CallContext,
    pid: &perilune_cell::Pid,
    actor: Option<&Value>,
    scope: Option<&Value>,
) -> Result<Authority, Failure> {
    let mut authority = context.authority.clone();
    if actor.is_none() && scope.is_none() {
        return Ok(authority);
    }
    context.check(permission, "security")?;
    let bytes = |value: &'_ Value| match value {
        Value::String(bytes) => Ok(bytes.clone()),
        other => Err(Failure::invalid(format!("expected an actor or a scope, got {}", other.type_name()))),
    };
    if let Some(actor) = actor {
        authority.actor = Some(Arc::new(seal::open_actor(pid, context, &bytes(actor)?)?));
    }
    if let Some(scope) = scope {
        authority.scope = Some(seal::open_scope(pid, context, &bytes(scope)?)?);
    }
    Ok(authority)
}
