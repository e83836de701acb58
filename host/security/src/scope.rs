//! Scopes: policies that hold together.

use crate::{Decision, Policy, Question};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A set of policies, each id once. Cheap to clone, never changed.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    policies: Arc<[Policy]>,
}

impl Scope {
    /// Policies in one scope: each guarded action asks all of them.
    pub const MOST: usize = 1_000;

    /// The policies, by id; of several with one id the last.
    pub fn new(policies: impl IntoIterator<Item = Policy>) -> Self {
        let by_id: BTreeMap<String, Policy> =
            policies.into_iter().map(|policy| (policy.id().to_owned(), policy)).collect();
        Scope { policies: by_id.into_values().collect() }
    }

    /// The policies, sorted by id.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The policy of an id, if it belongs to it.
    pub fn get(&self, id: &str) -> Option<&Policy> {
        let at = self.policies.binary_search_by(|policy| policy.id().cmp(id)).ok()?;
        self.policies.get(at)
    }

    /// Whether a policy of that id belongs to it.
    pub fn contains(&self, id: &str) -> bool {
        self.get(id).is_some()
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

    /// The first policy that denies.
    pub fn denier(&self, question: &Question<'_>) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.evaluate(question) == Decision::Deny)
    }
}
