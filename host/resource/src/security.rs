//! What a service acts with: the field `lifecycle.security` of its entry.

use crate::{Lifecycle, Opening};
use perilune_registry::Registry;
use perilune_security::{Actor, Authority, Index, Policies};
use perilune_value::{Failure, Value, from_value};
use serde::Deserialize;
use std::sync::{Arc, PoisonError, RwLock};

/// The authority of a service's calls. Policies change while it runs: it asks anew for each call, which costs no more than a
/// comparison as long as none has changed.
pub struct Security {
    registry: Arc<Registry>,
    policies: Arc<Policies>,
    given: Option<Given>,
    resolved: RwLock<Option<(Arc<Index>, Authority)>>,
}

/// What the entry says, with complete ids.
struct Given {
    actor: Arc<Actor>,
    policies: Vec<String>,
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct Written {
    actor: WrittenActor,
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct WrittenActor {
    id: String,
    #[serde(default)]
    meta: Value,
}

impl Security {
    /// Reads what the entry that is being opened says. An entry that says nothing acts without an actor and a scope.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no such field, `NotFound` for a policy or a group that does not exist.
    pub fn of(opening: &Opening<'_>, lifecycle: &Lifecycle) -> Result<Self, Failure> {
        let given = lifecycle.security.as_ref().map(|written| read(opening, written)).transpose()?;
        let security = Security {
            registry: opening.host().registry.clone(),
            policies: opening.shared().get::<Policies>(),
            given,
            resolved: RwLock::default(),
        };
        security.authority()?;
        Ok(security)
    }

    /// What a call that begins now acts with.
    ///
    /// # Errors
    ///
    /// `NotFound` for a policy or a group that is gone: the call must not run with less than was asked for.
    pub fn authority(&self) -> Result<Authority, Failure> {
        let Some(given) = &self.given else { return Ok(Authority::default()) };
        let index = self.policies.of(&self.registry);
        let resolved = self.resolved.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, authority)) = &*resolved
            && Arc::ptr_eq(known, &index)
        {
            return Ok(authority.clone());
        }
        drop(resolved);
        let scope = index.scope(&given.policies, &given.groups)?;
        let authority = Authority { actor: Some(given.actor.clone()), scope: Some(scope) };
        *self.resolved.write().unwrap_or_else(PoisonError::into_inner) = Some((index, authority.clone()));
        Ok(authority)
    }
}

fn read(opening: &Opening<'_>, written: &Value) -> Result<Given, Failure> {
    let invalid = |error: String| Failure::invalid(format!("{}: lifecycle.security: {error}", opening.id()));
    let Written { actor, policies, groups } =
        from_value(written.clone()).map_err(|error| invalid(error.to_string()))?;
    let complete = |names: Vec<String>| {
        names.iter().map(|name| opening.resolve(name).map(|id| id.to_string())).collect::<Result<Vec<_>, _>>()
    };
    let meta = match actor.meta {
        Value::Nil => Value::Map(Vec::new()),
        meta => meta,
    };
    Ok(Given {
        actor: Arc::new(Actor { id: actor.id, meta }),
        policies: complete(policies)?,
        groups: complete(groups)?,
    })
}
