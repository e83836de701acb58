//! The one thread that writes. It takes all that waits into one transaction, so that many runs share one wait for the disk.

use super::codec::seal;
use super::store_error;
use crate::clock::Hold;
use crate::settings::{Gate, Settings};
use perilune_workflow::{Code, Status, Timestamp, WorkflowError};
use rusqlite::{Connection, ErrorCode, params};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// A change of the store.
#[derive(Debug)]
pub(crate) enum Op {
    /// A new run.
    Insert {
        run: i64,
        run_id: String,
        workflow_id: String,
        workflow_type: String,
        started_at: Timestamp,
        fields: Vec<u8>,
    },
    /// More of a run's history: encoded events.
    Append { run: i64, first: u64, events: Vec<u8> },
    /// What a run shows.
    Show { run: i64, fields: Vec<u8> },
    /// A run ended.
    Close { run: i64, status: Status, closed_at: Timestamp, length: u64, bytes: u64, fields: Vec<u8> },
    /// Where the attempts of an activity are.
    Attempt { run: i64, seq: u32, body: Vec<u8> },
    /// An activity ended.
    Settle { run: i64, seq: u32 },
    /// Closed runs that nobody will ask for.
    Forget { closed_before: Timestamp },
}

/// Changes that belong together, and what follows from them.
pub(crate) struct Submission {
    pub(crate) ops: Vec<Op>,
    /// Called on the writing thread once the changes are on the disk, or will never be.
    pub(crate) done: Box<dyn FnOnce(Result<(), WorkflowError>) + Send>,
    /// Time stands still until then.
    pub(crate) hold: Hold,
}

/// Submissions that one transaction takes: enough to share a disk's wait among all, few enough that the first is not kept long.
const BATCH: usize = 1_000;
/// How often a commit is tried again that another program's lock is in the way of; each try waits some seconds by itself.
const TRIES: usize = 5;

/// The thread's other end.
pub(crate) struct Writer {
    queue: Mutex<Option<Sender<Submission>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn spawn(
        connection: Connection,
        lock: File,
        settings: &Settings,
    ) -> Result<Self, WorkflowError> {
        let (sender, receiver) = channel();
        let work = Work { connection, path: settings.path.clone(), gate: settings.gate.clone(), commits: 0 };
        let thread = std::thread::Builder::new()
            .name("workflow-store".to_owned())
            .spawn(move || {
                work.run(&receiver);
                // Only now may another host have the file.
                drop(lock);
            })
            .map_err(|error| {
                WorkflowError::new(Code::StoreUnavailable, format!("no thread to be had: {error}"))
            })?;
        Ok(Writer { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Queues changes; they are committed in the order in which they were queued.
    pub(crate) fn submit(&self, submission: Submission) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = match &*queue {
            Some(sender) => sender.send(submission).map_err(|error| error.0).err(),
            None => Some(submission),
        };
        drop(queue);
        if let Some(submission) = refused {
            (submission.done)(Err(stopped()));
        }
    }

    /// Lets the thread finish what is queued and end. Blocks.
    pub(crate) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Dropped by the thread itself, as the last one to hold the host: it cannot wait for its own end.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn stopped() -> WorkflowError {
    WorkflowError::new(Code::StoreUnavailable, "the host of this workflow has stopped writing its store")
}

struct Work {
    connection: Connection,
    path: PathBuf,
    gate: Option<Arc<dyn Gate>>,
    commits: u64,
}

impl Work {
    fn run(mut self, queue: &Receiver<Submission>) {
        // Once a commit failed, nothing that builds on it may be written: memory is ahead of the disk. Opening again heals that.
        let mut dead: Option<WorkflowError> = None;
        while let Ok(first) = queue.recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(next) = queue.try_recv()
            {
                batch.push(next);
            }
            let result = match &dead {
                Some(error) => Err(error.clone()),
                None => self.commit(&mut batch),
            };
            if let Err(error) = &result
                && dead.is_none()
            {
                tracing::error!(%error, "workflows stop: their store cannot be written");
                dead = Some(error.clone());
            }
            for submission in batch {
                (submission.done)(result.clone());
                drop(submission.hold);
            }
        }
    }

    fn commit(&mut self, batch: &mut [Submission]) -> Result<(), WorkflowError> {
        if batch.iter().all(|submission| submission.ops.is_empty()) {
            return Ok(());
        }
        self.commits += 1;
        if self.gate.as_ref().is_some_and(|gate| !gate.before(self.commits)) {
            return Err(stopped());
        }
        let mut tries = 0;
        while let Err(error) = self.transaction(batch) {
            tries += 1;
            let busy = error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
            if !busy || tries == TRIES {
                return Err(store_error(&self.path, &error));
            }
        }
        if self.gate.as_ref().is_some_and(|gate| !gate.after(self.commits)) {
            return Err(stopped());
        }
        Ok(())
    }

    fn transaction(&mut self, batch: &[Submission]) -> rusqlite::Result<()> {
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for op in batch.iter().flat_map(|submission| &submission.ops) {
            write(&transaction, op)?;
        }
        transaction.commit()
    }
}

fn write(to: &Connection, op: &Op) -> rusqlite::Result<()> {
    match op {
        Op::Insert { run, run_id, workflow_id, workflow_type, started_at, fields } => to
            .prepare_cached(
                "INSERT INTO runs (key, run_id, workflow_id, workflow_type, status, started_at, length, bytes, fields)
                 VALUES (?1, ?2, ?3, ?4, 0, ?5, 0, 0, ?6)",
            )?
            .execute(params![run, run_id, workflow_id, workflow_type, started_at.0, fields])?,
        Op::Append { run, first, events } => to
            .prepare_cached("INSERT INTO history (run, first, body) VALUES (?1, ?2, ?3)")?
            .execute(params![run, integer(*first), seal(events)])?,
        Op::Show { run, fields } => to
            .prepare_cached("UPDATE runs SET fields = ?2 WHERE key = ?1")?
            .execute(params![run, fields])?,
        Op::Close { run, status, closed_at, length, bytes, fields } => {
            to.prepare_cached("DELETE FROM attempts WHERE run = ?1")?.execute([run])?;
            to.prepare_cached(
                "UPDATE runs SET status = ?2, closed_at = ?3, length = ?4, bytes = ?5, fields = ?6 WHERE key = ?1",
            )?
            .execute(params![run, *status as i64, closed_at.0, integer(*length), integer(*bytes), fields])?
        }
        Op::Attempt { run, seq, body } => to
            .prepare_cached("INSERT OR REPLACE INTO attempts (run, seq, body) VALUES (?1, ?2, ?3)")?
            .execute(params![run, seq, body])?,
        Op::Settle { run, seq } => {
            to.prepare_cached("DELETE FROM attempts WHERE run = ?1 AND seq = ?2")?.execute(params![run, seq])?
        }
        Op::Forget { closed_before } => {
            to.prepare_cached("DELETE FROM history WHERE run IN (SELECT key FROM runs WHERE closed_at < ?1)")?
                .execute([closed_before.0])?;
            to.prepare_cached("DELETE FROM runs WHERE closed_at < ?1")?.execute([closed_before.0])?
        }
    };
    Ok(())
}

/// Counts of events and bytes are far below 2^63.
fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
