//! All open runs, and what follows from what happens to them. It waits for nothing and calls nobody: changes of the store and
//! everything that must wait for them are handed out.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `run.rs` | one run: what its history amounts to |
//! | `start.rs` | how runs begin: policies, retries, cron |
//! | `external.rs` | signals, requests to cancel, updates |
//! | `commands.rs` | what a machine's commands do |
//! | `children.rs` | children, and what parents and children learn of each other |
//! | `attempts.rs` | attempts of activities |
//! | `close.rs` | how runs end |
//! | `wakes.rs` | what happens as time goes on |

mod attempts;
mod children;
mod close;
mod commands;
mod external;
mod run;
mod start;
mod wakes;

pub(crate) use attempts::{Ended, attempt_deadline};
pub(crate) use children::child_id;
pub(crate) use close::status;
pub(crate) use commands::{Applied, Told};
pub(crate) use run::{Pending, Run, Trouble, Update};
pub(crate) use start::Begin;
pub(crate) use wakes::Wake;

use crate::settings::Settings;
use crate::store::{Op, encode};
use lru::LruCache;
use perilune_workflow::{CancelReason, Event, EventKind, Machines, Timestamp};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::watch;

/// What is done once changes are on the disk.
pub(crate) enum After {
    /// A run has something to be told.
    Drive(i64),
    /// An attempt of an activity begins.
    Execute(i64, u32),
    /// An attempt should end.
    Cancel(watch::Sender<Option<CancelReason>>, CancelReason),
    /// Somebody gets an answer.
    Call(Box<dyn FnOnce() + Send>),
}

/// What a change gives to the store and to the world.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) ops: Vec<Op>,
    pub(crate) after: Vec<After>,
    /// Where in `ops` the history of a run goes on: one row for each run and commit.
    appends: HashMap<i64, usize>,
}

/// All open runs.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    machines: Arc<dyn Machines>,
    pub(crate) now: Timestamp,
    pub(crate) runs: HashMap<i64, Run>,
    /// The open run of each workflow.
    pub(crate) open: HashMap<String, i64>,
    /// Runs that are open, and cannot be: their history is damaged.
    pub(crate) damaged: HashMap<i64, perilune_workflow::WorkflowError>,
    last_key: i64,
    pub(crate) wakes: BTreeSet<(Timestamp, Wake)>,
    /// Runs whose machine is kept, the last used last.
    kept: LruCache<i64, ()>,
    /// Attempts that run.
    attempts: usize,
    /// Activities that wait for a free place.
    waiting: VecDeque<(i64, u32)>,
    pub(crate) out: Output,
    /// Counts runs that closed.
    pub(crate) closes: u64,
    /// Status of workflows at the moment before a start: what the store says of closed ones.
    pub(crate) swept: bool,
}

impl Core {
    pub(crate) fn new(settings: Settings, machines: Arc<dyn Machines>, last_key: i64) -> Self {
        Core {
            now: settings.clock.now(),
            settings,
            machines,
            runs: HashMap::new(),
            open: HashMap::new(),
            damaged: HashMap::new(),
            last_key,
            wakes: BTreeSet::new(),
            kept: LruCache::unbounded(),
            attempts: 0,
            waiting: VecDeque::new(),
            out: Output::default(),
            closes: 0,
            swept: false,
        }
    }

    /// Takes up a run that was found in the store.
    pub(crate) fn adopt(&mut self, mut run: Run, mut attempts: HashMap<u32, crate::store::AttemptState>) {
        let key = run.key;
        for (seq, pending) in &mut run.activities {
            if let Some(state) = attempts.remove(seq) {
                pending.state = state;
                pending.stored = true;
            }
        }
        self.open.insert(run.started.workflow_id.clone(), key);
        let timers: Vec<(u32, Timestamp)> = run.timers.iter().map(|(seq, at)| (*seq, *at)).collect();
        let activities: Vec<u32> = run.activities.keys().copied().collect();
        let started = run.started.clone();
        self.runs.insert(key, run);
        self.arm_run(key, &started);
        for (seq, at) in timers {
            self.wakes.insert((at, Wake::Timer(key, seq)));
        }
        for seq in activities {
            self.resume(key, seq);
        }
        self.out.after.push(After::Drive(key));
    }

    /// Adds an event to a run's history.
    pub(crate) fn append(&mut self, key: i64, kind: EventKind, position: Option<String>) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let event = Event { id: run.length + 1, at: self.now, position, kind };
        run.see(&event);
        let ops = &mut self.out.ops;
        let index = *self.out.appends.entry(key).or_insert_with(|| {
            ops.push(Op::Append { run: key, first: event.id, events: Vec::new() });
            ops.len() - 1
        });
        if let Some(Op::Append { events, .. }) = ops.get_mut(index) {
            let before = events.len();
            encode(&event, events);
            run.bytes += (events.len() - before) as u64;
        }
    }

    /// Hands out what has gathered.
    pub(crate) fn take_output(&mut self) -> Output {
        std::mem::take(&mut self.out)
    }

    /// Notes that a run has something to be told.
    pub(crate) fn drive(&mut self, key: i64) {
        self.out.after.push(After::Drive(key));
    }

    pub(crate) fn call(&mut self, call: impl FnOnce() + Send + 'static) {
        self.out.after.push(After::Call(Box::new(call)));
    }

    /// Keeps a machine, and throws away the one that was not used for the longest time where there are too many.
    pub(crate) fn keep(&mut self, key: i64, machine: Box<dyn perilune_workflow::Machine>) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.live.machine = Some(machine);
        self.kept.put(key, ());
        while self.kept.len() > self.settings.cached_machines
            && let Some((old, ())) = self.kept.pop_lru()
        {
            if let Some(run) = self.runs.get_mut(&old) {
                run.live.machine = None;
            }
        }
    }

    pub(crate) fn take_machine(&mut self, key: i64) -> Option<Box<dyn perilune_workflow::Machine>> {
        self.kept.pop(&key);
        self.runs.get_mut(&key)?.live.machine.take()
    }

    /// Machines that are kept.
    pub(crate) fn machines_kept(&self) -> usize {
        self.kept.len()
    }

    pub(crate) fn knows(&self, workflow_type: &str) -> bool {
        self.machines.knows(workflow_type)
    }

    fn next_key(&mut self) -> i64 {
        self.last_key += 1;
        self.last_key
    }
}

/// A new id.
pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
