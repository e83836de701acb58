//! The policies of a registry, by id and by group.

use crate::{Decision, EXPRESSION_POLICY, POLICY, Policy, Question, Rule, Scope, WrittenRule};
use arc_swap::ArcSwapOption;
use perilune_registry::{Entry, EntryId, Registry, Snapshot, VersionId};
use perilune_value::{Failure, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// When calls without an actor or a scope may do nothing that is guarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// As soon as the application has a policy.
    #[default]
    WhenPoliciesExist,
    /// Always.
    Always,
    /// Never: whoever runs the host answers for those calls. Calls with a scope are held to it all the same.
    Never,
}

/// The policies of a registry. One version is read once; policies whose entries stay the same are kept.
#[derive(Default)]
pub struct Policies {
    strictness: Strictness,
    current: ArcSwapOption<Index>,
    /// Held while a version is read.
    reading: Mutex<()>,
}

/// The policies of one version.
pub struct Index {
    version: VersionId,
    policies: BTreeMap<String, (Arc<Entry>, Policy)>,
    groups: BTreeMap<String, Vec<Policy>>,
}

impl Policies {
    /// No version is read yet.
    pub fn new(strictness: Strictness) -> Self {
        Policies { strictness, ..Policies::default() }
    }

    /// The policies of the current version.
    pub fn of(&self, registry: &Registry) -> Arc<Index> {
        let head = registry.head();
        let is_current = |index: &Arc<Index>| index.version == head;
        if let Some(index) = self.current.load_full().filter(is_current) {
            return index;
        }
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load_full();
        if let Some(index) = before.clone().filter(is_current) {
            return index;
        }
        let index = Arc::new(Index::read(&registry.snapshot(), before.as_deref()));
        self.current.store(Some(index.clone()));
        index
    }

    /// Whether a call without an actor or a scope may do nothing that is guarded.
    pub fn is_strict(&self, registry: &Registry) -> bool {
        match self.strictness {
            Strictness::Always => true,
            Strictness::Never => false,
            Strictness::WhenPoliciesExist => !self.of(registry).policies.is_empty(),
        }
    }
}

impl Index {
    fn read(snapshot: &Snapshot, before: Option<&Index>) -> Self {
        let mut index =
            Index { version: snapshot.version().id, policies: BTreeMap::new(), groups: BTreeMap::new() };
        for entry in snapshot.entries() {
            if !matches!(entry.kind(), POLICY | EXPRESSION_POLICY) {
                continue;
            }
            let id = entry.id().to_string();
            let kept = before.and_then(|index| index.policies.get(&id));
            let policy = match kept.filter(|(known, _)| Arc::ptr_eq(known, entry)) {
                Some((_, policy)) => policy.clone(),
                None => Policy::new(id.as_str(), Unread { entry: entry.clone(), rule: OnceLock::new() }),
            };
            for group in groups(entry) {
                index.groups.entry(group).or_default().push(policy.clone());
            }
            index.policies.insert(id, (entry.clone(), policy));
        }
        index
    }

    /// The policy of an entry.
    pub fn policy(&self, id: &str) -> Option<&Policy> {
        self.policies.get(id).map(|(_, policy)| policy)
    }

    /// The policies that declare a group.
    pub fn group(&self, id: &str) -> Option<&[Policy]> {
        self.groups.get(id).map(Vec::as_slice)
    }

    /// Named policies and those of named groups together.
    ///
    /// # Errors
    ///
    /// `NotFound` for a name that stands for nothing: a scope that left it out could allow what it was to deny. `Invalid` for too
    /// many policies.
    pub fn scope<S: AsRef<str>>(
        &self,
        policies: impl IntoIterator<Item = S>,
        groups: impl IntoIterator<Item = S>,
    ) -> Result<Scope, Failure> {
        let mut all = Vec::new();
        for id in policies {
            let id = id.as_ref();
            let policy = self.policy(id);
            all.push(policy.ok_or_else(|| unknown("policy", id))?.clone());
        }
        for id in groups {
            let id = id.as_ref();
            all.extend_from_slice(self.group(id).ok_or_else(|| unknown("group of policies", id))?);
        }
        let scope = Scope::new(all);
        match scope.policies().len() <= Scope::MOST {
            true => Ok(scope),
            false => Err(Failure::invalid(format!("a scope holds at most {} policies", Scope::MOST))),
        }
    }
}

fn unknown(what: &str, id: &str) -> Failure {
    let shown: String = id.chars().take(256).collect();
    Failure::not_found(format!("there is no {what} `{shown}`"))
}

/// A policy that is read when it is first asked: whoever adds thousands must not make others wait for all of them.
struct Unread {
    entry: Arc<Entry>,
    rule: OnceLock<Option<WrittenRule>>,
}

impl Unread {
    /// `None` for an entry that cannot be read; the registry refuses such an entry where it knows the kind.
    fn read(&self) -> Option<WrittenRule> {
        WrittenRule::read(&self.entry)
            .inspect_err(|problems| {
                let problem = problems.first().map(|problem| problem.title()).unwrap_or_default();
                tracing::error!(target: "perilune::security", problem, "a policy that cannot be read denies everything");
            })
            .ok()
    }
}

impl Rule for Unread {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        let rule = self.rule.get_or_init(|| self.read());
        // Whatever it was to deny is denied, and more.
        rule.as_ref().map_or(Decision::Deny, |rule| rule.evaluate(question))
    }
}

/// The groups that a policy declares, complete with their namespace.
fn groups(entry: &Entry) -> Vec<String> {
    let written: &[Value] = match entry.data().get("groups") {
        Some(Value::Array(items)) => items,
        _ => &[],
    };
    let read = |item: &Value| EntryId::relative(item.as_str()?, entry.id().namespace()).ok();
    written.iter().filter_map(read).map(|id| id.to_string()).collect()
}
