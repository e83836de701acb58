//! Links and monitors: who learns of whose end.
//!
//! | a run ends | those that watch it | those linked with it |
//! |---|---|---|
//! | well | `pid.exit` with its result | nothing |
//! | with a failure | `pid.exit` with the error | `pid.link.down` if they trap links; else they fail too |
//!
//! Both sides of a relation are written under the locks of both runs, the lower number first; a run's own end takes all its
//! relations at once. So of two that relate and end at the same time, each learns of the other exactly once.

use crate::run::State;
use crate::table::gone;
use crate::{Outcome, Run, Table, notice};
use perilune_cell::Refused;
use perilune_value::{Failure, Kind};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

/// Relations of one run: as many events may reach it at once.
const MOST: usize = 10_000;

/// And of all runs together: twenty for each of 100,000 processes. Each is in two sets, whose nodes take 112 bytes and hold up to
/// eleven, so these take 450 MB at the most.
const MOST_OF_ALL: usize = 2_000_000;

/// How many relations there are: each counts on both of its sides, and is gone on either as soon as that has ended.
#[derive(Default)]
pub(crate) struct Relations(AtomicUsize);

impl Relations {
    fn add(&self) -> bool {
        let add = |sides: usize| (sides < 2 * MOST_OF_ALL).then_some(sides + 2);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    pub(crate) fn remove(&self, sides: usize) {
        self.0.fetch_sub(sides, Ordering::Relaxed);
    }
}

/// What one run may be to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// One learns how the other ends.
    Monitor,
    /// Each fails with the other.
    Link,
}

/// A run learns of a failure that is linked with it, or fails with it.
fn fail(run: &Run, from: &str, failure: &Failure, traps_links: bool) {
    if traps_links {
        let told = run.sender.notify(notice::link_down(from, &Err(failure.clone())));
        if let Err(Refused::TooLarge(_)) = told {
            let _ = run.sender.notify(notice::link_down(from, &notice::without_outcome(from)));
        }
        return;
    }
    let message = format!("linked process failed: {from}: {}", failure.message);
    run.kill(Failure::new(Kind::Canceled, message).with_detail("linked", from));
}

impl Table {
    /// Relates a run to another one.
    ///
    /// # Errors
    ///
    /// `NotFound` when that has ended, `AlreadyExists` when they are related so already, `Invalid` for a run and itself,
    /// `RateLimited` when one of them, or all runs together, have too many relations.
    pub fn relate(&self, run: &Run, other: &Run, relation: Relation) -> Result<(), Failure> {
        if run.pid.number == other.pid.number {
            return Err(Failure::invalid("a process cannot be linked with itself, nor monitor itself"));
        }
        let (mut own, mut theirs) = lock(run, other);
        if theirs.ended || own.ended {
            return Err(gone(&other.pid.to_string()));
        }
        let (mine, back) = match relation {
            Relation::Monitor => (&mut own.watched, &mut theirs.watchers),
            Relation::Link => (&mut own.links, &mut theirs.links),
        };
        if mine.contains(&other.pid.number) {
            let message = match relation {
                Relation::Monitor => format!("already monitoring {}", other.pid),
                Relation::Link => format!("already linked with {}", other.pid),
            };
            return Err(Failure::new(Kind::AlreadyExists, message));
        }
        // Ends of earlier ones that it has not read count: who starts others for ever and never reads must not fill the host.
        let (unread, _) = run.sender.waiting();
        let most_unread = MOST + run.sender.capacity().0;
        if mine.len() >= MOST || back.len() >= MOST || mine.len() + unread >= most_unread {
            let message = format!("a process has at most {MOST} relations of one kind");
            return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "relations"));
        }
        if !self.relations.add() {
            let message = format!("all processes together have {MOST_OF_ALL} relations already");
            return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "relations"));
        }
        mine.insert(other.pid.number);
        back.insert(run.pid.number);
        Ok(())
    }

    /// Undoes [`Table::relate`].
    ///
    /// # Errors
    ///
    /// `NotFound` when they are not related so.
    pub fn unrelate(&self, run: &Run, other: &Run, relation: Relation) -> Result<(), Failure> {
        let is_related = run.pid.number != other.pid.number && {
            let (mut own, mut theirs) = lock(run, other);
            let (mine, back) = match relation {
                Relation::Monitor => (&mut own.watched, &mut theirs.watchers),
                Relation::Link => (&mut own.links, &mut theirs.links),
            };
            let sides = [back.remove(&run.pid.number), mine.remove(&other.pid.number)];
            self.relations.remove(sides.into_iter().filter(|was_there| *was_there).count());
            sides[1]
        };
        if is_related {
            return Ok(());
        }
        Err(Failure::not_found(match relation {
            Relation::Monitor => format!("{} is not monitored by this process", other.pid),
            Relation::Link => format!("{} is not linked with this process", other.pid),
        }))
    }

    /// Tells all that are related to a run that it has ended.
    pub(crate) fn tell(&self, run: &Run, taken: &Taken, outcome: &Outcome) {
        let from = run.pid.text();
        for watcher in self.numbers(&taken.watchers) {
            self.forget(&mut watcher.state().watched, run);
            // Who has ended meanwhile does not want to know.
            let told = watcher.sender.notify(notice::exit(&from, outcome));
            if let Err(Refused::TooLarge(_)) = told {
                let _ = watcher.sender.notify(notice::exit(&from, &notice::without_outcome(&from)));
            }
        }
        for linked in self.numbers(&taken.links) {
            let mut state = linked.state();
            self.forget(&mut state.links, run);
            let traps_links = state.traps_links;
            drop(state);
            if let Err(failure) = outcome {
                fail(&linked, &from, failure, traps_links);
            }
        }
        for watched in self.numbers(&taken.watched) {
            self.forget(&mut watched.state().watchers, run);
        }
    }

    /// Takes a run that has ended out of the relations of another one, which may have ended meanwhile and taken it out itself.
    fn forget(&self, others: &mut BTreeSet<u64>, run: &Run) {
        if others.remove(&run.pid.number) {
            self.relations.remove(1);
        }
    }

    /// Tells a run of the end of something that is none of these runs, but that it watches.
    pub fn tell_exit(&self, run: &Run, from: &str, outcome: &Outcome) {
        // Who has ended meanwhile does not want to know.
        let _ = run.sender.notify(notice::exit(from, outcome));
    }

    /// Has a run fail, or learn, of the failure of something that is none of these runs, but that it is linked with.
    pub fn tell_link_down(&self, run: &Run, from: &str, failure: &Failure) {
        fail(run, from, failure, run.state().traps_links);
    }

    fn numbers<'t>(&'t self, numbers: &'t BTreeSet<u64>) -> impl Iterator<Item = Arc<Run>> + 't {
        numbers.iter().filter_map(|number| self.by_number(*number))
    }
}

/// The relations of a run that has ended.
pub(crate) struct Taken {
    links: BTreeSet<u64>,
    watchers: BTreeSet<u64>,
    watched: BTreeSet<u64>,
}

impl Taken {
    pub(crate) fn from(state: &mut State) -> Self {
        Taken {
            links: std::mem::take(&mut state.links),
            watchers: std::mem::take(&mut state.watchers),
            watched: std::mem::take(&mut state.watched),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.links.len() + self.watchers.len() + self.watched.len()
    }

    /// Whether nobody is related.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Both states, locked in the order of the numbers.
fn lock<'r>(run: &'r Run, other: &'r Run) -> (MutexGuard<'r, State>, MutexGuard<'r, State>) {
    if run.pid.number < other.pid.number {
        let own = run.state();
        (own, other.state())
    } else {
        let theirs = other.state();
        (run.state(), theirs)
    }
}
