//! What modules find in their cell: whoever drives it put this there.

use crate::Chain;
use crate::funcs::Functions;
use perilune_cell::CellState;
use perilune_resource::{Allowed, Attachment, Resources, Shared};
use perilune_security::{Authority, Decision};
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;

/// The context of one call, in [`CellState::context`].
pub struct CallContext {
    /// What module `ctx` reads: a map.
    pub values: Value,
    /// The calls that led to this one.
    pub chain: Chain,
    /// What the call acts with.
    pub authority: Authority,
    /// What the call carries for one module, such as the HTTP exchange that it answers.
    pub attachment: Option<Attachment>,
    /// The services of the host.
    pub host: Arc<Host>,
}

/// What modules ask the host for; the same in all calls.
pub struct Host {
    /// Who carries out calls of other entries.
    pub functions: Arc<dyn Functions>,
    /// Who answers module `registry`.
    pub registry: Arc<dyn crate::registry::RegistryAccess>,
    /// Who answers module `system`.
    pub system: Arc<dyn crate::system::SystemAccess>,
    /// Databases, stores and whatever else is made from entries.
    pub resources: Arc<Resources>,
}

impl CallContext {
    /// The context of a call that nobody said anything about.
    pub fn new(host: Arc<Host>) -> Self {
        CallContext {
            values: Value::Map(Vec::new()),
            chain: Chain::default(),
            authority: Authority::default(),
            attachment: None,
            host,
        }
    }

    /// The context of a cell.
    ///
    /// # Errors
    ///
    /// Traps the cell when its driver gave it none: a defect of the driver.
    pub fn of(state: &CellState) -> wasmtime::Result<&CallContext> {
        state
            .context
            .downcast_ref()
            .ok_or_else(|| wasmtime::Error::msg("this cell was made without a call context"))
    }

    /// The live thing of an entry, such as a database.
    ///
    /// # Errors
    ///
    /// As [`Resources::get`].
    pub fn resource<T: Send + Sync + 'static>(&self, id: &str) -> Result<Arc<T>, Failure> {
        self.host.resources.get(id)
    }

    /// What exists once in the host.
    pub fn shared(&self) -> &Shared {
        &self.host.resources.host().shared
    }

    /// What the host lets entries reach outside.
    pub fn allowed(&self) -> &Allowed {
        &self.host.resources.host().allowed
    }

    /// What the call carries, if it is a `T`.
    pub fn attachment<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.attachment.clone()?.downcast().ok()
    }

    /// Lets a guarded action pass: `check("db.get", "app:db")`.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when the policies of the call's scope do not allow it.
    pub fn check(&self, action: &str, resource: &str) -> Result<(), Failure> {
        self.check_with(action, resource, &Value::Map(Vec::new()))
    }

    /// As [`CallContext::check`], with a map of what else policies may ask about.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when the policies of the call's scope do not allow it.
    pub fn check_with(&self, action: &str, resource: &str, meta: &Value) -> Result<(), Failure> {
        if self.allows(action, resource, meta) {
            return Ok(());
        }
        let who = match &self.authority.actor {
            Some(actor) => format!("actor `{}`", actor.id),
            None => "a call without an actor".to_owned(),
        };
        let message = format!("{who} may not {action} `{resource}`: no policy of its scope allows it");
        Err(Failure::new(Kind::PermissionDenied, message)
            .with_detail("action", action)
            .with_detail("resource", resource))
    }

    /// Whether a guarded action may happen.
    pub fn allows(&self, action: &str, resource: &str, meta: &Value) -> bool {
        if !self.authority.is_complete() && !self.is_strict() {
            return true;
        }
        self.authority.evaluate(action, resource, meta) == Decision::Allow
    }

    /// Whether calls without an actor or a scope may do nothing that is guarded.
    fn is_strict(&self) -> bool {
        false
    }
}
