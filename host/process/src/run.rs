//! One run.

use crate::{Table, Vitals, notice};
use perilune_cell::{Event, Mailbox, Message, Pid, Sender};
use perilune_registry::{Entry, EntryId};
use perilune_security::Actor;
use perilune_value::{Failure, Kind};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;

/// How a run ended: its result in MessagePack, or what it failed with.
pub type Outcome = Result<Arc<[u8]>, Failure>;

/// What a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A process on a process host.
    Process,
    /// The call of a function or a command.
    Call,
    /// No entry's code, such as the connection of a client.
    Outside,
}

/// One run.
pub struct Run {
    /// Its name among all runs.
    pub pid: Pid,
    /// What it is.
    pub nature: Nature,
    /// On whose behalf it acts.
    pub actor: Option<Arc<Actor>>,
    /// Who started it.
    pub parent: Option<Pid>,
    /// When it began.
    pub began: Instant,
    /// What can be seen of it from outside.
    pub vitals: Vitals,
    pub(crate) sender: Sender,
    state: Mutex<State>,
}

/// What changes while it runs.
pub(crate) struct State {
    /// Whose code it runs.
    pub(crate) entry: Arc<str>,
    code: Option<Arc<dyn Any + Send + Sync>>,
    /// Whether it wants to know when that has changed, what of it had when it was told last, and the event that said so.
    pub(crate) upgradable: bool,
    outdated: Changed,
    outdated_event: Option<Vec<u8>>,
    pub(crate) ended: bool,
    /// How it ended, for who asks later.
    pub(crate) outcome: Option<Outcome>,
    /// Numbers of those that are linked with it, that watch it, and that it watches.
    pub(crate) links: BTreeSet<u64>,
    pub(crate) watchers: BTreeSet<u64>,
    pub(crate) watched: BTreeSet<u64>,
    pub(crate) traps_links: bool,
    pub(crate) names: Vec<Arc<str>>,
    /// Those on the host that wait for its outcome.
    pub(crate) waiting: Vec<oneshot::Sender<Outcome>>,
    upgrade: Option<Upgrade>,
}

/// Entries that are not what they were: as they are now, or nothing where they are gone.
pub type Changed = Vec<(EntryId, Option<Arc<Entry>>)>;

/// What is to run in place of a run's code.
#[derive(Debug)]
pub struct Upgrade {
    /// The entry; the same one when there is none.
    pub entry: Option<String>,
    /// Its arguments in MessagePack.
    pub args: Vec<u8>,
    /// What the code before it has not read.
    pub unread: Vec<Message>,
}

impl Run {
    pub(crate) fn new(birth: crate::Birth<'_>, pid: Pid, sender: Sender) -> Self {
        Run {
            pid,
            nature: birth.nature,
            actor: birth.actor,
            parent: birth.parent,
            began: birth.began,
            vitals: Vitals::default(),
            sender,
            state: Mutex::new(State {
                entry: birth.entry.clone(),
                code: birth.code,
                upgradable: false,
                outdated: Vec::new(),
                outdated_event: None,
                ended: false,
                outcome: None,
                links: BTreeSet::new(),
                watchers: BTreeSet::new(),
                watched: BTreeSet::new(),
                traps_links: false,
                names: Vec::new(),
                waiting: Vec::new(),
                upgrade: None,
            }),
        }
    }

    /// Whose code it runs.
    pub fn entry(&self) -> Arc<str> {
        self.state().entry.clone()
    }

    /// Its names.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.state().names.clone()
    }

    /// Numbers of the runs that it is linked with.
    pub fn links(&self) -> Vec<u64> {
        self.state().links.iter().copied().collect()
    }

    /// Numbers of the runs that watch it.
    pub fn watchers(&self) -> Vec<u64> {
        self.state().watchers.iter().copied().collect()
    }

    /// Numbers of the runs that it watches.
    pub fn watched(&self) -> Vec<u64> {
        self.state().watched.iter().copied().collect()
    }

    /// Whether failures of linked runs are events instead of its end.
    pub fn traps_links(&self) -> bool {
        self.state().traps_links
    }

    /// Messages in its mailbox, and their bytes.
    pub fn waiting_messages(&self) -> (usize, usize) {
        self.sender.waiting()
    }

    /// Messages that its mailbox holds, and their bytes.
    pub fn mailbox_size(&self) -> (usize, usize) {
        self.sender.capacity()
    }

    /// Ends it. False when it has ended or been ended before.
    pub fn kill(&self, reason: Failure) -> bool {
        self.sender.kill(reason)
    }

    /// Whether failures of linked runs are events instead of its end; sets it first, if a value is given.
    pub fn trap_links(&self, trap: Option<bool>) -> bool {
        let mut state = self.state();
        state.traps_links = trap.unwrap_or(state.traps_links);
        state.traps_links
    }

    /// Has another code run in the place of its own, once its present turn is over.
    pub fn upgrade(&self, upgrade: Upgrade) {
        self.state().upgrade = Some(upgrade);
    }

    /// Adds a message to those that the next code finds unread.
    pub fn hand_over(&self, message: Message) {
        if let Some(upgrade) = &mut self.state().upgrade {
            upgrade.unread.push(message);
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Whether another code is to run in the place of its own.
    pub fn is_upgrading(&self) -> bool {
        self.state().upgrade.is_some()
    }

    /// What is to run in place of its code. That it was outdated is nothing that the next code needs to know.
    pub fn take_upgrade(&self) -> Option<Upgrade> {
        let mut upgrade = self.state().upgrade.take()?;
        upgrade.unread.retain(|message| !notice::is_outdated(message));
        Some(upgrade)
    }

    /// Says whose code runs from now on.
    pub fn set_code(&self, entry: Arc<str>, code: Arc<dyn Any + Send + Sync>) {
        let mut state = self.state();
        (state.entry, state.code) = (entry, Some(code));
        state.outdated.clear();
        let told = state.outdated_event.take();
        self.sender.replace(told.as_deref(), None);
    }

    /// Its code as whoever runs it knows it.
    pub fn code(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.state().code.clone()
    }

    /// Tells it, if it wants to know, what of its code has changed since that was loaded. One event says all: it takes the place
    /// of an older one that was not taken yet.
    pub fn tell_outdated(&self, changed: Changed) {
        let mut state = self.state();
        if !state.upgradable || state.ended || is_same(&state.outdated, &changed) {
            return;
        }
        let event = (!changed.is_empty()).then(|| notice::outdated(changed.iter().map(|(id, _)| id)));
        let payloads = match &event {
            Some(Event::Message(message)) => Some(message.payloads.clone()),
            _ => None,
        };
        state.outdated = changed;
        let older = std::mem::replace(&mut state.outdated_event, payloads);
        self.sender.replace(older.as_deref(), event);
    }

    /// Its outcome, once it has ended.
    pub fn outcome(&self) -> impl Future<Output = Outcome> + Send + use<> {
        let (waiting, outcome) = oneshot::channel();
        let mut state = self.state();
        match &state.outcome {
            Some(outcome) => drop(waiting.send(outcome.clone())),
            None if state.ended => {}
            None => state.waiting.push(waiting),
        }
        drop(state);
        let pid = self.pid.clone();
        async move {
            outcome.await.unwrap_or_else(|_| Err(Failure::not_found(format!("no process {pid} is running"))))
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(left: &Changed, right: &Changed) -> bool {
    let is_same = |left: &Option<Arc<Entry>>, right: &Option<Arc<Entry>>| match (left, right) {
        (Some(left), Some(right)) => Arc::ptr_eq(left, right),
        (left, right) => left.is_none() && right.is_none(),
    };
    left.len() == right.len()
        && left.iter().zip(right).all(|((one, now), (other, then))| one == other && is_same(now, then))
}

/// A run that has begun, with its mailbox. Whoever drives it says how it ended; dropping it says that it was given up.
pub struct Born {
    /// The run.
    pub run: Arc<Run>,
    /// Its messages.
    pub mailbox: Mailbox,
    pub(crate) table: Arc<Table>,
    pub(crate) has_ended: bool,
}

impl Born {
    /// Ends the run.
    pub fn end(mut self, outcome: &Outcome) {
        self.has_ended = true;
        self.table.end(&self.run, &mut self.mailbox, outcome);
    }

    /// As [`Born::end`], with an outcome that is made only where somebody wants to know it.
    pub fn end_with(mut self, outcome: impl FnOnce() -> Outcome) {
        self.has_ended = true;
        self.table.end_with(&self.run, &mut self.mailbox, outcome);
    }
}

impl Drop for Born {
    fn drop(&mut self) {
        if !self.has_ended {
            let given_up = || Err(Failure::new(Kind::Canceled, "the call was given up"));
            self.table.end_with(&self.run, &mut self.mailbox, given_up);
        }
    }
}
