//! What modules find in their cell: whoever drives it put this there.

use crate::Chain;
use crate::durable::Durable;
use crate::funcs::Functions;
use perilune_cell::CellState;
use perilune_resource::{Allowed, Attachment, Resources, Shared};
use perilune_security::{Audit, Authority, Decision, Denial, Index, Policies, Policy, Question};
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;

/// What stands for an entry where somebody types code: no entry can have this name, and none narrows what it may reach.
pub const SESSION: &str = "session";

/// The context of one call, in [`CellState::context`].
pub struct CallContext {
    /// What module `ctx` reads: a map.
    pub values: Value,
    /// The calls that led to this one.
    pub chain: Chain,
    /// What the call acts with.
    pub authority: Authority,
    /// Whose code runs; empty outside of any call.
    pub entry: Arc<str>,
    /// What the call carries for one module, such as the HTTP exchange that it answers.
    pub attachment: Option<Attachment>,
    /// Whether the cell runs a workflow: also while it loads, when it has no history yet.
    pub is_workflow: bool,
    /// The history that answers a workflow.
    pub durable: Option<Arc<dyn Durable>>,
    /// The services of the host.
    pub host: Arc<Host>,
}

/// What modules ask the host for; the same in all calls, except for those of workflows.
#[derive(Clone)]
pub struct Host {
    /// Who carries out calls of other entries.
    pub functions: Arc<dyn Functions>,
    /// Who knows all runs.
    pub processes: Arc<dyn crate::process::Processes>,
    /// Who answers module `registry`.
    pub registry: Arc<dyn crate::registry::RegistryAccess>,
    /// Who answers module `system`.
    pub system: Arc<dyn crate::system::SystemAccess>,
    /// Databases, stores and whatever else is made from entries.
    pub resources: Arc<Resources>,
    /// Who may do what.
    pub policies: Arc<Policies>,
    /// The record of what was refused.
    pub audit: Arc<Audit>,
}

impl CallContext {
    /// The context of a call that nobody said anything about.
    pub fn new(host: Arc<Host>) -> Self {
        CallContext {
            values: Value::Map(Vec::new()),
            chain: Chain::default(),
            authority: Authority::default(),
            entry: Arc::default(),
            attachment: None,
            is_workflow: false,
            durable: None,
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

    /// The policies of the application as they are now.
    pub fn policies(&self) -> Arc<Index> {
        self.host.policies.of(&self.host.resources.host().registry)
    }

    /// Lets a guarded action pass: `check("db.get", "app:db")`. A refusal is recorded.
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
        self.check_any(action, &[resource], meta)
    }

    /// As [`CallContext::check_with`], for what goes by several names: no policy may deny it under any of them, and one must
    /// allow it under one.
    ///
    /// # Errors
    ///
    /// `PermissionDenied`, which names the first.
    pub fn check_any(&self, action: &str, names: &[&str], meta: &Value) -> Result<(), Failure> {
        if self.is_unguarded() {
            return Ok(());
        }
        let mut allowed = false;
        for name in names {
            match self.authority.evaluate(action, name, meta) {
                Decision::Allow => allowed = true,
                Decision::Deny => return Err(self.refuse(action, name, meta)),
                Decision::Undefined => {}
            }
        }
        match (allowed, names) {
            (true, _) | (false, []) => Ok(()),
            (false, [first, ..]) => Err(self.refuse(action, first, meta)),
        }
    }

    /// Whether a guarded action may happen. For questions about many things, whose answers are left out silently; who gives an error
    /// asks [`CallContext::check_with`].
    pub fn allows(&self, action: &str, resource: &str, meta: &Value) -> bool {
        self.is_unguarded() || self.authority.evaluate(action, resource, meta) == Decision::Allow
    }

    /// Whether guarded actions need a permission here.
    pub fn is_guarded(&self) -> bool {
        !self.is_unguarded()
    }

    /// Whether the call may do whatever its modules offer: nothing said what it acts under, and the host does not insist.
    fn is_unguarded(&self) -> bool {
        self.authority.scope.is_none() && !self.is_strict()
    }

    /// Whether calls without an actor or a scope may do nothing that is guarded.
    pub fn is_strict(&self) -> bool {
        self.host.policies.is_strict(&self.host.resources.host().registry)
    }

    /// Records a refusal and says why.
    fn refuse(&self, action: &str, resource: &str, meta: &Value) -> Failure {
        let Authority { actor, scope } = &self.authority;
        let denier = actor.as_ref().zip(scope.as_ref()).and_then(|(actor, scope)| {
            scope.denier(&Question { actor, action, resource, meta }).map(Policy::id)
        });
        self.host.audit.denied(&Denial {
            actor: actor.as_ref().map(|actor| actor.id.as_str()),
            action,
            resource,
            entry: &self.entry,
            policy: denier,
        });
        let shown: String = resource.chars().take(MOST_SHOWN).collect();
        let who = match actor {
            Some(actor) => format!("actor `{}`", actor.id.chars().take(MOST_SHOWN).collect::<String>()),
            None => "a call without an actor".to_owned(),
        };
        let why = match (actor, scope, denier) {
            (_, _, Some(_)) => "a policy of its scope denies it",
            (_, None, _) => "it has no scope of policies that could allow it",
            (None, _, _) => "policies allow something to actors only",
            (Some(_), Some(_), None) => "no policy of its scope allows it",
        };
        let message = format!("{who} may not {action} `{shown}`: {why}");
        Failure::new(Kind::PermissionDenied, message)
            .with_detail("action", action)
            .with_detail("resource", shown)
    }
}

/// Characters of a text in a message; scripts choose some of them.
const MOST_SHOWN: usize = 256;
