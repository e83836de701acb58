//! Scopes: policies that hold together.

use crate::{Decision, Policy, Question};
use std::sync::Arc;

/// A set of policies, each id once. Cheap to clone, never changed.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    policies: Arc<[Policy]>,
}

impl Scope {
    /// The policies, by id; of several with one id the last.
    pub fn new(policies: impl IntoIterator<Item = Policy>) -> Self {
        let mut kept: Vec<Policy> = Vec::new();
        for policy in policies {
            kept.retain(|other| other.id() != policy.id());
            kept.push(policy);
        }
        kept.sort_by(|left, right| left.id().cmp(right.id()));
        Scope { policies: kept.into() }
    }

    /// The policies, sorted by id.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// Whether a policy of that id belongs to it.
    pub fn contains(&self, id: &str) -> bool {
        self.policies.iter().any(|policy| policy.id() == id)
    }

    /// What the policies say together: deny wins over allow.
    pub fn evaluate(&self, question: &Question<'_>) -> Decision {
        let mut decision = Decision::Undefined;
        for policy in self.policies.iter() {
            match policy.evaluate(question) {
                Decision::Deny => return Decision::Deny,
                Decision::Allow => decision = Decision::Allow,
                Decision::Undefined => {}
            }
        }
        decision
    }
}
