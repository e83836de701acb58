//! Policies: what somebody may or may not do.

use crate::Actor;
use perilune_value::Value;
use std::fmt;
use std::sync::Arc;

/// What a policy, or several, say about an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may happen.
    Allow,
    /// It may not, whatever others say.
    Deny,
    /// Nothing is said.
    Undefined,
}

impl Decision {
    /// As Lua sees it: `allow`, `deny`, `undefined`.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Allow => "allow",
            Decision::Deny => "deny",
            Decision::Undefined => "undefined",
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who wants to act.
    pub actor: &'a Actor,
    /// What is to be done, such as `db.get`.
    pub action: &'a str,
    /// To what, such as an entry's id; may be empty.
    pub resource: &'a str,
    /// What else is known about the action: a map.
    pub meta: &'a Value,
}

/// Answers questions.
pub trait Rule: Send + Sync {
    /// What the rule says. A rule that fails to find out must not answer less strictly than if it had applied.
    fn evaluate(&self, question: &Question<'_>) -> Decision;
}

/// A rule with a name. Cheap to clone.
#[derive(Clone)]
pub struct Policy {
    id: Arc<str>,
    rule: Arc<dyn Rule>,
}

impl Policy {
    /// A policy.
    pub fn new(id: impl Into<Arc<str>>, rule: impl Rule + 'static) -> Self {
        Policy { id: id.into(), rule: Arc::new(rule) }
    }

    /// The id of its entry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it says.
    pub fn evaluate(&self, question: &Question<'_>) -> Decision {
        self.rule.evaluate(question)
    }
}

impl Rule for Policy {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        self.rule.evaluate(question)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.id).finish()
    }
}
