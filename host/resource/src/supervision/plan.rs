//! In which order services start.

use super::keeper::Stakes;
use super::members::{self, Members, listed};
use crate::{Lifecycle, Resources, Startup};
use perilune_registry::{Entry, EntryId, Snapshot, Type};
use perilune_value::Failure;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An entry that starts with the application, or that such an entry needs.
pub(crate) struct Step {
    pub(crate) entry: Arc<Entry>,
    pub(crate) lifecycle: Lifecycle,
    /// What must run before: what it requires, and the entries in its fields.
    pub(crate) needs: Vec<EntryId>,
    /// What depends on it.
    pub(crate) stakes: Stakes,
    /// Why it cannot start at all.
    pub(crate) refusal: Option<Failure>,
}

/// All that is to run, each once, after what it needs.
///
/// Walks with a stack of its own: entries may form chains and diamonds of any size, and they may be made by code that nobody
/// vouches for.
pub(crate) fn plan(resources: &Resources) -> Vec<Step> {
    let snapshot = resources.host().registry.snapshot();
    let mut walk = Walk {
        members: Members::of(&snapshot, resources),
        resources,
        snapshot: &snapshot,
        seen: HashMap::new(),
        plan: Vec::new(),
    };
    let mut asked_for = HashSet::new();
    let wanted = snapshot.entries().filter(|entry| entry.data().get("lifecycle").is_some());
    for entry in wanted.filter(|entry| resources.knows(entry.kind())) {
        let is_asked_for = Lifecycle::of(entry).map_or(true, |lifecycle| lifecycle.auto_start);
        let starter = snapshot.get(walk.members.starter(entry.id())).unwrap_or(entry);
        if is_asked_for {
            asked_for.insert(starter.id().clone());
            if !walk.seen.contains_key(starter.id()) {
                let starter = walk.step(starter);
                walk.visit(starter);
            }
        }
    }
    weigh(&mut walk.plan, &asked_for);
    walk.plan
}

/// What each service means to the application: as much as its `startup` says, or as those that need it.
fn weigh(plan: &mut [Step], asked_for: &HashSet<EntryId>) {
    let mut needed: HashSet<EntryId> = HashSet::new();
    for step in plan.iter_mut().rev() {
        let is_asked_for = asked_for.contains(step.entry.id());
        let to_start = is_asked_for && step.lifecycle.startup == Startup::Required;
        let to_go_on = to_start || (!is_asked_for && needed.contains(step.entry.id()));
        step.stakes = Stakes { to_start, to_go_on, at_once: to_go_on };
        if to_go_on {
            needed.extend(step.needs.iter().cloned());
        }
    }
}

struct Walk<'a> {
    members: Members,
    resources: &'a Resources,
    snapshot: &'a Snapshot,
    seen: HashMap<EntryId, Seen>,
    plan: Vec<Step>,
}

/// How far the walk has got with an entry.
#[derive(PartialEq)]
enum Seen {
    /// It is on the way to the present one.
    Open,
    Done,
}

impl Walk<'_> {
    fn visit(&mut self, first: Step) {
        self.seen.insert(first.entry.id().clone(), Seen::Open);
        // Each with the position of the next entry that it needs.
        let mut way = vec![(first, 0)];
        while let Some((step, next)) = way.last_mut() {
            let Some(id) = step.needs.get(*next).cloned() else {
                let (step, _) =
                    way.pop().unwrap_or_else(|| unreachable!("invariant: the way has a last step"));
                self.seen.insert(step.entry.id().clone(), Seen::Done);
                self.plan.push(step);
                continue;
            };
            *next += 1;
            match self.seen.get(&id) {
                Some(Seen::Done) => {}
                Some(Seen::Open) => {
                    let circle = circle(way.iter().map(|(step, _)| step.entry.id()), &id);
                    if let Some((step, _)) = way.last_mut() {
                        step.refusal = Some(circle);
                    }
                }
                None => {
                    let entry = self.snapshot.get(&id);
                    if let Some(entry) = entry.filter(|entry| self.resources.knows(entry.kind())) {
                        way.push((self.step(entry), 0));
                        self.seen.insert(id, Seen::Open);
                    }
                }
            }
        }
    }

    fn step(&self, entry: &Arc<Entry>) -> Step {
        let (lifecycle, mut refusal) = match Lifecycle::of(entry) {
            Ok(lifecycle) => (lifecycle, None),
            Err(failure) => (Lifecycle::default(), Some(failure)),
        };
        let mut needs = Vec::new();
        if let Err(failure) = self.needs(entry, &mut needs, 0) {
            refusal.get_or_insert(failure);
        }
        needs.retain(|id| id != entry.id());
        Step { needs, entry: entry.clone(), lifecycle, stakes: Stakes::default(), refusal }
    }

    /// What an entry needs: what it refers to, and for a group what its members refer to.
    fn needs(&self, entry: &Entry, needs: &mut Vec<EntryId>, depth: usize) -> Result<(), Failure> {
        if let Some(failure) = self.members.refusal(entry.id()) {
            return Err(failure.clone());
        }
        needs.extend(self.references(entry).iter().map(|id| self.members.starter(id).clone()));
        let members = listed(entry);
        for (position, id) in members.iter().enumerate().take_while(|_| depth < members::DEEPEST) {
            let Some(member) = self.snapshot.get(id) else { continue };
            let references = self.references(member);
            if let Some(needed) = members[position + 1..].iter().find(|later| references.contains(later)) {
                let message = format!("{} must list {needed} before {id}, which needs it", entry.id());
                return Err(Failure::invalid(message));
            }
            self.needs(member, needs, depth + 1)?;
        }
        Ok(())
    }

    /// The entries that an entry requires, and those in its fields.
    fn references(&self, entry: &Entry) -> Vec<EntryId> {
        let lifecycle = Lifecycle::of(entry).unwrap_or_default();
        let mut references: Vec<String> =
            lifecycle.requires.iter().chain(&lifecycle.depends_on).cloned().collect();
        if let Some(kind) = self.resources.host().registry.rules().kinds().get(entry.kind()) {
            kind.each_value(entry, &mut |ty, value, _| {
                if let (Type::Entry(_), Some(text)) = (ty, value.as_str()) {
                    references.push(text.to_owned());
                }
            });
        }
        let relative = |reference: &String| EntryId::relative(reference, entry.id().namespace()).ok();
        references.iter().filter_map(relative).collect()
    }
}

/// The failure of an entry that needs one which is waiting for it.
fn circle<'a>(way: impl Iterator<Item = &'a EntryId>, back_to: &EntryId) -> Failure {
    // Enough of a long way to see where to cut it.
    const SHOWN: usize = 8;
    let circle: Vec<String> = way.skip_while(|id| *id != back_to).map(EntryId::to_string).collect();
    let mut shown: Vec<String> = circle.iter().take(SHOWN).cloned().collect();
    if circle.len() > SHOWN {
        shown.push(format!("… {} more …", circle.len() - SHOWN));
    }
    shown.push(back_to.to_string());
    Failure::invalid(format!("services require each other: {}", shown.join(" → ")))
}
