//! All runs of a host.

use crate::dead_letters::DeadLetters;
use crate::names::Names;
use crate::relations::{Relations, Taken};
use crate::{Born, DeadLetter, Nature, Outcome, Run, notice};
use perilune_cell::{Event, Mailbox, Message, Pid, Refused, mailbox};
use perilune_security::Actor;
use perilune_value::{Failure, Kind};
use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Every call enters and leaves, from all cores at once: with a lock for each of so many parts they seldom meet.
const PARTS: usize = 16;

/// Requests to end that a mailbox holds beside its messages: one that is full of them must be reached, and none can be flooded.
const MOST_CANCELS: usize = 64;

/// Bytes of the reason of such a request.
const LONGEST_REASON: usize = 1024;

/// All runs of a host.
#[derive(Default)]
pub struct Table {
    last: AtomicU64,
    parts: [Mutex<Runs>; PARTS],
    names: Names,
    pub(crate) relations: Relations,
    dead_letters: DeadLetters,
    /// Numbers of those that want to know when their code has changed.
    upgradable: Mutex<BTreeSet<u64>>,
}

/// Runs by number.
type Runs = HashMap<u64, Arc<Run>, BuildHasherDefault<Itself>>;

/// The hash of a number that nobody outside chooses: numbers of one part differ by a multiple of their count, so it is divided
/// by that, and spread over all bits, of which the map uses the upper and the lower ones.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, number: u64) {
        self.0 = (number / PARTS as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A run that is about to begin.
pub struct Birth<'a> {
    /// What it is.
    pub nature: Nature,
    /// The host part of its pid.
    pub host: &'a Arc<str>,
    /// Whose code it runs.
    pub entry: &'a Arc<str>,
    /// Its code as whoever runs it knows it; none for what runs no code that could be changed.
    pub code: Option<Arc<dyn Any + Send + Sync>>,
    /// On whose behalf it acts.
    pub actor: Option<Arc<Actor>>,
    /// Who starts it.
    pub parent: Option<Pid>,
    /// When it began.
    pub began: Instant,
    /// Messages that its mailbox holds.
    pub messages: usize,
    /// Bytes of them.
    pub bytes: usize,
}

impl Table {
    /// Messages that wait for a run that is busy. A sender beyond it is told, instead of filling the host's memory.
    pub const MESSAGES: usize = 1024;

    /// Bytes of those messages; a quarter of a cell's default memory, which must take them in.
    pub const BYTES: usize = 16 << 20;

    /// Begins a run.
    pub fn begin(self: &Arc<Self>, birth: Birth<'_>) -> Born {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let pid = Pid::numbered(birth.host.clone(), number);
        let (sender, mailbox) = mailbox(birth.messages, birth.bytes);
        let run = Arc::new(Run::new(birth, pid, sender));
        self.part(number).insert(number, run.clone());
        Born { run, mailbox, table: self.clone(), has_ended: false }
    }

    /// The run that a pid or a name stands for.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    pub fn find(&self, text: &str) -> Result<Arc<Run>, Failure> {
        if !text.starts_with('{') {
            let unknown =
                || Failure::not_found(format!("could not resolve '{text}' as PID or registered name"));
            return self.names.get(text).ok_or_else(unknown);
        }
        let run = Pid::number(text).and_then(|number| self.by_number(number));
        run.filter(|run| run.pid.is(text)).ok_or_else(|| gone(text))
    }

    /// The run with a number.
    pub fn by_number(&self, number: u64) -> Option<Arc<Run>> {
        self.part(number).get(&number).cloned()
    }

    /// Puts a message into the mailbox of a run.
    ///
    /// # Errors
    ///
    /// `NotFound` when it has ended, `RateLimited` when its mailbox is full.
    pub fn send(&self, to: &Run, message: Message) -> Result<(), Failure> {
        match to.sender.deliver(Event::Message(message)) {
            Ok(()) => {
                to.vitals.message_received();
                Ok(())
            }
            Err(refused) => Err(refusal(to, &refused)),
        }
    }

    /// Asks a run to end by itself. `from` is empty when the host asks.
    ///
    /// # Errors
    ///
    /// `NotFound` when it has ended, `RateLimited` when it was asked often and does not listen, `Invalid` for a reason that is
    /// too long.
    pub fn cancel(&self, run: &Run, from: &str, reason: Option<&str>) -> Result<(), Failure> {
        if reason.is_some_and(|reason| reason.len() > LONGEST_REASON) {
            return Err(Failure::invalid(format!("a reason has {LONGEST_REASON} bytes at the most")));
        }
        let event = notice::cancel(from, reason);
        let told = match from {
            "" => run.sender.notify(event),
            _ => run.sender.urge(event, MOST_CANCELS),
        };
        told.map_err(|refused| refusal(run, &refused))
    }

    /// Notes a message that a run has taken and not read when it ended.
    pub fn left_unread(&self, to: &Pid, topic: &str, from: &str, bytes: usize) {
        self.dead_letters.add_one(&to.to_string(), topic, from, bytes);
    }

    /// Whether a process wants to know when its code has changed; sets it first, if a value is given.
    ///
    /// # Errors
    ///
    /// `Invalid` for what is no process.
    pub fn set_upgradable(&self, run: &Run, value: Option<bool>) -> Result<bool, Failure> {
        if value.is_some() && run.nature != Nature::Process {
            return Err(Failure::invalid("only a process on a process host can be upgraded, not a call"));
        }
        let mut state = run.state();
        if let Some(value) = value.filter(|_| !state.ended) {
            state.upgradable = value;
            let mut all = self.upgradable.lock().unwrap_or_else(PoisonError::into_inner);
            if value {
                all.insert(run.pid.number)
            } else {
                all.remove(&run.pid.number)
            };
        }
        Ok(state.upgradable)
    }

    /// Those that want to know when their code has changed.
    pub fn upgradable(&self) -> Vec<Arc<Run>> {
        let all = self.upgradable.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.into_iter().filter_map(|number| self.by_number(number)).collect()
    }

    /// Gives a run a name.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` when another one has it; `Invalid` for a text that is no name, `RateLimited` for too many.
    pub fn register(&self, name: &str, run: &Arc<Run>) -> Result<(), Failure> {
        match self.names.claim(name, run)? {
            None => Ok(()),
            Some(other) => {
                let message = format!("the name `{name}` is already registered, by {}", other.pid);
                Err(Failure::new(Kind::AlreadyExists, message))
            }
        }
    }

    /// Gives a run a name, or says which other one has it.
    ///
    /// # Errors
    ///
    /// As [`Table::register`], except for a name that is taken.
    pub fn claim(&self, name: &str, run: &Arc<Run>) -> Result<Option<Arc<Run>>, Failure> {
        self.names.claim(name, run)
    }

    /// The run that has a name.
    pub fn named(&self, name: &str) -> Option<Arc<Run>> {
        self.names.get(name)
    }

    /// Takes a name from a run. False when it does not have it.
    pub fn unregister(&self, name: &str, run: &Run) -> bool {
        self.names.release(name, run)
    }

    /// All runs, by number: in the order in which they began.
    pub fn list(&self) -> Vec<Arc<Run>> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(part.lock().unwrap_or_else(PoisonError::into_inner).values().cloned());
        }
        all.sort_by_key(|run| run.pid.number);
        all
    }

    /// How many runs there are.
    pub fn count(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// The last messages that nobody will read, the oldest first, and how many there have been.
    pub fn dead_letters(&self) -> (u64, Vec<DeadLetter>) {
        self.dead_letters.list()
    }

    pub(crate) fn end(&self, run: &Run, mailbox: &mut Mailbox, outcome: &Outcome) {
        run.state().outcome = Some(outcome.clone());
        self.end_with(run, mailbox, || outcome.clone());
    }

    pub(crate) fn end_with(&self, run: &Run, mailbox: &mut Mailbox, outcome: impl FnOnce() -> Outcome) {
        self.part(run.pid.number).remove(&run.pid.number);
        let mut state = run.state();
        state.ended = true;
        let taken = Taken::from(&mut state);
        self.relations.remove(taken.len());
        if std::mem::take(&mut state.upgradable) {
            self.upgradable.lock().unwrap_or_else(PoisonError::into_inner).remove(&run.pid.number);
        }
        let (names, waiting) = (std::mem::take(&mut state.names), std::mem::take(&mut state.waiting));
        drop(state);
        self.names.release_all(&names, run);
        self.dead_letters.count(mailbox.backlog().messages);
        let unread = mailbox.close();
        if !unread.is_empty() {
            self.dead_letters.add(&run.pid.to_string(), unread);
        }
        if taken.is_empty() && waiting.is_empty() {
            return;
        }
        let outcome = outcome();
        self.tell(run, &taken, &outcome);
        for waiting in waiting {
            // Who has stopped waiting does not want to know.
            let _ = waiting.send(outcome.clone());
        }
    }

    fn part(&self, number: u64) -> MutexGuard<'_, Runs> {
        self.parts[number as usize % PARTS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a mailbox did not take something.
fn refusal(to: &Run, refused: &Refused) -> Failure {
    match refused {
        Refused::Closed => gone(&to.pid.to_string()),
        full => {
            let message = format!("the mailbox of {} is full: {full}", to.pid);
            let failure = Failure::new(Kind::RateLimited, message).with_retryable(true);
            failure.with_detail("limit", "mailbox")
        }
    }
}

pub(crate) fn gone(pid: &str) -> Failure {
    Failure::not_found(format!("no process {pid} is running"))
}
