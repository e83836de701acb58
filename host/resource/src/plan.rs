//! In which order services start.

use crate::{Lifecycle, Resources};
use perilune_registry::{Entry, EntryId, Snapshot, Type};
use perilune_value::{Failure, from_value};
use std::collections::HashMap;
use std::sync::Arc;

/// An entry that starts with the application, or that such an entry needs.
pub(crate) struct Step {
    pub(crate) entry: Arc<Entry>,
    pub(crate) lifecycle: Lifecycle,
    /// What must run before: what it requires, and the entries in its fields.
    pub(crate) needs: Vec<EntryId>,
    /// Why it cannot start at all.
    pub(crate) refusal: Option<Failure>,
}

/// All that is to run, each once, after what it needs.
///
/// Walks with a stack of its own: entries may form chains and diamonds of any size, and they may be made by code that nobody
/// vouches for.
pub(crate) fn plan(resources: &Resources) -> Vec<Step> {
    let snapshot = resources.host().registry.snapshot();
    let mut plan = Vec::new();
    let mut seen: HashMap<EntryId, Seen> = HashMap::new();
    let wanted = snapshot.entries().filter(|entry| entry.data().get("lifecycle").is_some());
    for entry in wanted.filter(|entry| resources.knows(entry.kind())) {
        let step = step(resources, entry);
        if (step.lifecycle.auto_start || step.refusal.is_some()) && !seen.contains_key(entry.id()) {
            visit(resources, &snapshot, step, &mut seen, &mut plan);
        }
    }
    plan
}

/// How far the walk has got with an entry.
#[derive(PartialEq)]
enum Seen {
    /// It is on the way to the present one.
    Open,
    Done,
}

fn visit(
    resources: &Resources,
    snapshot: &Snapshot,
    first: Step,
    seen: &mut HashMap<EntryId, Seen>,
    plan: &mut Vec<Step>,
) {
    seen.insert(first.entry.id().clone(), Seen::Open);
    // Each with the position of the next entry that it needs.
    let mut way = vec![(first, 0)];
    while let Some((step, next)) = way.last_mut() {
        let Some(id) = step.needs.get(*next).cloned() else {
            let (step, _) = way.pop().unwrap_or_else(|| unreachable!("invariant: the way has a last step"));
            seen.insert(step.entry.id().clone(), Seen::Done);
            plan.push(step);
            continue;
        };
        *next += 1;
        match seen.get(&id) {
            Some(Seen::Done) => {}
            Some(Seen::Open) => {
                let circle = circle(way.iter().map(|(step, _)| step.entry.id()), &id);
                if let Some((step, _)) = way.last_mut() {
                    step.refusal = Some(circle);
                }
            }
            None => {
                let entry = snapshot.get(&id).filter(|entry| resources.knows(entry.kind()));
                if let Some(entry) = entry {
                    way.push((self::step(resources, entry), 0));
                    seen.insert(id, Seen::Open);
                }
            }
        }
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

fn step(resources: &Resources, entry: &Arc<Entry>) -> Step {
    let (lifecycle, refusal) = match lifecycle(entry) {
        Ok(lifecycle) => (lifecycle, None),
        Err(failure) => (Lifecycle::default(), Some(failure)),
    };
    Step { needs: needs(resources, entry, &lifecycle), entry: entry.clone(), lifecycle, refusal }
}

fn needs(resources: &Resources, entry: &Entry, lifecycle: &Lifecycle) -> Vec<EntryId> {
    let mut references: Vec<String> =
        lifecycle.requires.iter().chain(&lifecycle.depends_on).cloned().collect();
    if let Some(kind) = resources.host().registry.rules().kinds().get(entry.kind()) {
        kind.each_value(entry, &mut |ty, value, _| {
            if let (Type::Entry(_), Some(text)) = (ty, value.as_str()) {
                references.push(text.to_owned());
            }
        });
    }
    let relative = |reference: &String| EntryId::relative(reference, entry.id().namespace()).ok();
    references.iter().filter_map(relative).filter(|id| id != entry.id()).collect()
}

fn lifecycle(entry: &Entry) -> Result<Lifecycle, Failure> {
    match entry.data().get("lifecycle") {
        None => Ok(Lifecycle::default()),
        Some(value) => from_value(value.clone())
            .map_err(|error| Failure::invalid(format!("{}: field `lifecycle`: {error}", entry.id()))),
    }
}
