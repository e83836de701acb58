//! Which cells run, and their mailboxes.

use perilune_cell::{Event, Mailbox, Pid, Refused, Sender, mailbox};
use perilune_security::Actor;
use perilune_value::{Failure, Kind};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Messages that wait for a cell that is busy. A sender beyond it is told, instead of filling the host's memory.
const MAILBOX: usize = 1024;

/// Bytes of those messages; a quarter of a cell's default memory, which must take them in.
const MAILBOX_BYTES: usize = 16 << 20;

/// Every call enters and leaves, from all cores at once: with a lock for each of so many parts they seldom meet.
const PARTS: usize = 16;

/// The running cells of a host.
#[derive(Default)]
pub(crate) struct Pids {
    last: AtomicU64,
    parts: [Mutex<Part>; PARTS],
}

/// Runs by number.
type Runs = HashMap<u64, (Listed, Sender), BuildHasherDefault<Itself>>;

#[derive(Default)]
struct Part {
    runs: Runs,
    /// Told when the run ends, for the few that somebody waits for.
    watched: HashMap<u64, CancellationToken>,
}

/// What is known of a run.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) pid: Pid,
    /// Whose code it runs.
    pub(crate) entry: Arc<str>,
    pub(crate) actor: Option<Arc<Actor>>,
    pub(crate) began: Instant,
}

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

/// A running cell's name and mailbox; it is forgotten when this is dropped.
pub(crate) struct Running {
    pub(crate) pid: Pid,
    pub(crate) mailbox: Mailbox,
    pids: Arc<Pids>,
}

impl Pids {
    /// A new pid on a host such as `functions`, for a run of an entry.
    pub(crate) fn register(
        self: &Arc<Self>,
        host: &Arc<str>,
        entry: &Arc<str>,
        actor: Option<Arc<Actor>>,
        began: Instant,
    ) -> Running {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let pid = Pid { host: host.clone(), number };
        let (sender, receiver) = mailbox(MAILBOX, MAILBOX_BYTES);
        let listed = Listed { pid: pid.clone(), entry: entry.clone(), actor, began };
        self.part(number).runs.insert(number, (listed, sender));
        Running { pid, mailbox: receiver, pids: self.clone() }
    }

    /// Puts an event into a mailbox.
    pub(crate) fn deliver(&self, pid: &str, event: Event) -> Result<(), Failure> {
        let gone = || Failure::not_found(format!("no process {pid} is running"));
        match self.find(pid).ok_or_else(gone)?.deliver(event) {
            Ok(()) => Ok(()),
            Err(Refused::Closed) => Err(gone()),
            Err(full) => {
                let message = format!("the mailbox of {pid} is full: {full}");
                let failure = Failure::new(Kind::RateLimited, message).with_retryable(true);
                Err(failure.with_detail("limit", "mailbox"))
            }
        }
    }

    fn find(&self, text: &str) -> Option<Sender> {
        let number = Pid::number(text)?;
        let part = self.part(number);
        let (listed, sender) = part.runs.get(&number)?;
        (listed.pid.to_string() == text).then(|| sender.clone())
    }

    /// Waits until nothing runs under a pid.
    pub(crate) fn ended(&self, pid: &str) -> impl Future<Output = ()> + Send + 'static {
        let ended = Pid::number(pid).and_then(|number| {
            let mut part = self.part(number);
            let (listed, _) = part.runs.get(&number)?;
            (listed.pid.to_string() == pid).then(|| part.watched.entry(number).or_default().clone())
        });
        async move {
            if let Some(ended) = ended {
                ended.cancelled().await;
            }
        }
    }

    /// All runs, by number: in the order in which they began.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let mut all = Vec::new();
        for part in &self.parts {
            let part = part.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(part.runs.values().map(|(listed, _)| listed.clone()));
        }
        all.sort_by_key(|listed| listed.pid.number);
        all
    }

    /// How many runs there are.
    pub(crate) fn count(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap_or_else(PoisonError::into_inner).runs.len()).sum()
    }

    fn part(&self, number: u64) -> MutexGuard<'_, Part> {
        self.parts[number as usize % PARTS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut part = self.pids.part(self.pid.number);
        part.runs.remove(&self.pid.number);
        if !part.watched.is_empty()
            && let Some(ended) = part.watched.remove(&self.pid.number)
        {
            ended.cancel();
        }
    }
}
