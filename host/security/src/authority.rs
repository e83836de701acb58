//! What a call acts with.

use crate::{Actor, Decision, Question, Scope};
use perilune_value::Value;
use std::sync::Arc;

/// An actor and a scope, each of which may be missing. Inherited by calls; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    /// On whose behalf.
    pub actor: Option<Arc<Actor>>,
    /// Under which policies.
    pub scope: Option<Scope>,
}

impl Authority {
    /// What the scope says about the actor's doing something. Undefined when either is missing.
    pub fn evaluate(&self, action: &str, resource: &str, meta: &Value) -> Decision {
        match (&self.actor, &self.scope) {
            (Some(actor), Some(scope)) => scope.evaluate(&Question { actor, action, resource, meta }),
            _ => Decision::Undefined,
        }
    }

    /// Whether it names both an actor and a scope.
    pub fn is_complete(&self) -> bool {
        self.actor.is_some() && self.scope.is_some()
    }
}
