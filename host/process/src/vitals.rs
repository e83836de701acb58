//! What can be seen of a run from outside, without asking it.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// What a process is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// Its cell is being made.
    #[default]
    Loading,
    /// It computes, or is about to.
    Running,
    /// It waits for a message or an operation.
    Waiting,
    /// It waits for a message, and has given its cell back.
    Hibernating,
}

impl Activity {
    const ALL: [Activity; 4] =
        [Activity::Loading, Activity::Running, Activity::Waiting, Activity::Hibernating];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Activity::Loading => "loading",
            Activity::Running => "running",
            Activity::Waiting => "waiting",
            Activity::Hibernating => "hibernating",
        }
    }
}

/// Written by whoever drives the run. Each field is right by itself; together they may be of different moments.
#[derive(Debug, Default)]
pub struct Vitals {
    activity: AtomicU8,
    memory: AtomicUsize,
    turns: AtomicU64,
    received: AtomicU64,
}

impl Vitals {
    /// Says what it does from now on.
    pub fn set_activity(&self, activity: Activity) {
        self.activity.store(activity as u8, Ordering::Relaxed);
    }

    /// Says that a turn is over, after which it takes so many bytes.
    pub fn turn_over(&self, memory: usize) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.memory.store(memory, Ordering::Relaxed);
        self.set_activity(Activity::Waiting);
    }

    /// Says that it has given its cell back, and takes so many bytes.
    pub fn hibernates(&self, memory: usize) {
        self.memory.store(memory, Ordering::Relaxed);
        self.set_activity(Activity::Hibernating);
    }

    pub(crate) fn message_received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// What it does.
    pub fn activity(&self) -> Activity {
        Activity::ALL.get(usize::from(self.activity.load(Ordering::Relaxed))).copied().unwrap_or_default()
    }

    /// Bytes that it took after its last turn.
    pub fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// Turns that it has had.
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Messages that its mailbox has taken.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}
