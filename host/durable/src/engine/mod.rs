//! What waits: for machines, activities, the disk and the clock. All else is in [`Core`].

mod attempt;
mod backend;
mod drive;
mod machine;
mod timer;

use crate::clock::{Clock, Hold};
use crate::core::{After, Core, Output, Run};
use crate::settings::Settings;
use crate::store::{Reader, Submission, Writer};
pub(crate) use backend::exported;
use perilune_workflow::{Activities, Code, Machines, WorkflowError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Who waits for an answer.
pub(crate) struct Reply<T>(oneshot::Sender<Result<T, WorkflowError>>);

impl<T> Reply<T> {
    fn new() -> (Self, oneshot::Receiver<Result<T, WorkflowError>>) {
        let (sender, receiver) = oneshot::channel();
        (Reply(sender), receiver)
    }

    /// Answers; whoever does not wait any more does not get it.
    pub(crate) fn send(self, answer: Result<T, WorkflowError>) {
        let _ = self.0.send(answer);
    }
}

/// A host of workflows on one SQLite file. Everything stops when it is dropped; [`Backend::shutdown`](perilune_workflow::Backend)
/// does so in order.
pub struct Durable(Arc<Inner>);

struct Inner {
    core: Mutex<Core>,
    writer: Writer,
    reader: Reader,
    machines: Arc<dyn Machines>,
    activities: Arc<dyn Activities>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    /// The time of the next wake changed.
    rewound: Notify,
    /// Keeps time from going on until that was noticed.
    rewinding: Mutex<Option<Hold>>,
    /// Machines that may be active.
    tasks: Semaphore,
    /// Nothing new is taken on.
    closing: AtomicBool,
    /// Asks attempts to end, as the host does.
    leaving: CancellationToken,
    /// Ends everything at once.
    stop: CancellationToken,
    attempts: TaskTracker,
    others: TaskTracker,
    handle: Handle,
}

/// Comes when changes are on the disk.
type Committed = oneshot::Receiver<Result<(), WorkflowError>>;

impl Durable {
    /// Opens the store, and goes on with its open runs. Called within a tokio runtime, on which everything runs.
    ///
    /// # Errors
    ///
    /// [`Code::StoreLocked`] where another host works on it; [`Code::StoreNewer`], [`Code::StoreForeign`], [`Code::StoreCorrupt`] and
    /// [`Code::StoreUnavailable`] where it cannot be worked on. The file is as it was then.
    pub async fn open(
        settings: Settings,
        machines: Arc<dyn Machines>,
        activities: Arc<dyn Activities>,
    ) -> Result<Self, WorkflowError> {
        let hold = settings.clock.hold();
        let opened = settings.clone();
        let blocking = tokio::task::spawn_blocking(move || {
            let (writer, reader) = crate::store::open(&opened)?;
            let (last_key, runs) = (reader.last_key()?, reader.open_runs()?);
            Ok::<_, WorkflowError>((writer, reader, last_key, runs))
        });
        let (writer, reader, last_key, runs) = blocking.await.map_err(|_| interrupted())??;
        let inner = Arc::new(Inner {
            core: Mutex::new(Core::new(settings.clone(), machines.clone(), last_key)),
            writer,
            reader,
            machines,
            activities,
            clock: settings.clock.clone(),
            rewound: Notify::new(),
            rewinding: Mutex::new(None),
            tasks: Semaphore::new(settings.concurrent_tasks.max(1)),
            settings,
            closing: AtomicBool::new(false),
            leaving: CancellationToken::new(),
            stop: CancellationToken::new(),
            attempts: TaskTracker::new(),
            others: TaskTracker::new(),
            handle: Handle::current(),
        });
        let ((), committed) = inner.change(|core| {
            for stored in runs {
                let run = stored.history.and_then(|history| {
                    Run::of(stored.key, &history, stored.bytes).ok_or_else(|| {
                        WorkflowError::new(Code::StoreCorrupt, "the history does not begin with its start")
                    })
                });
                match run {
                    Ok(run) => core.adopt(run, stored.attempts),
                    Err(error) => {
                        tracing::error!(run = stored.run_id, %error, "a workflow cannot go on");
                        core.damaged.insert(stored.key, error);
                    }
                }
            }
            if core.settings.retention.is_some() {
                core.wakes.insert((core.now, crate::core::Wake::Sweep));
            }
        });
        inner.spawn(timer::run(inner.clone()));
        drop(hold);
        let durable = Durable(inner);
        written(committed).await?;
        Ok(durable)
    }

    /// Machines that are kept between activations at the moment.
    pub fn machines_kept(&self) -> usize {
        self.0.core().machines_kept()
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        self.0.closing.store(true, Ordering::Relaxed);
        self.0.stop.cancel();
    }
}

impl Inner {
    fn core(&self) -> MutexGuard<'_, Core> {
        // A panic halfway through a change is a defect; going on with the other runs is better than stopping them all.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes runs, and queues the changes for the disk together with those that wait for them.
    fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut Core) -> T) -> (T, Committed) {
        let mut core = self.core();
        let before = core.wakes.first().copied();
        core.now = core.now.max(self.clock.now());
        let result = change(&mut core);
        let committed = self.submit(core.take_output());
        self.rewind(&core, before.map(|(at, _)| at));
        (result, committed)
    }

    /// Changes runs in a way that nobody waits for: where it makes a run take a step now, it goes to the disk with that step.
    fn note<T>(self: &Arc<Self>, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.core();
        let before = core.wakes.first().copied();
        core.now = core.now.max(self.clock.now());
        let result = change(&mut core);
        let can_wait = !core.out.after.is_empty()
            && core.out.after.iter().all(|after| match after {
                After::Drive(key) => drive::steps_now(&core, *key),
                After::Execute(..) | After::Cancel(..) | After::Call(_) => false,
            });
        let mut after = Vec::new();
        if can_wait {
            after = std::mem::take(&mut core.out.after);
        } else if !core.out.ops.is_empty() || !core.out.after.is_empty() {
            drop(self.submit(core.take_output()));
        }
        self.rewind(&core, before.map(|(at, _)| at));
        drop(core);
        self.perform(after);
        result
    }

    /// Queues what has gathered. Called with the lock on [`Core`] held, so that the queue has the order of the changes.
    fn submit(self: &Arc<Self>, output: Output) -> Committed {
        let (sender, committed) = oneshot::channel();
        let inner = self.clone();
        let done = Box::new(move |result: Result<(), WorkflowError>| {
            if result.is_ok() {
                inner.perform(output.after);
            } else {
                // Memory is ahead of the disk from here on: nothing in it may be acted on.
                inner.stop.cancel();
            }
            let _ = sender.send(result);
        });
        self.writer.submit(Submission { ops: output.ops, done, hold: self.clock.hold() });
        committed
    }

    fn perform(self: &Arc<Self>, after: Vec<After>) {
        for after in after {
            match after {
                After::Drive(key) => drive::poke(self, key),
                After::Execute(key, seq) => attempt::spawn(self, key, seq),
                After::Cancel(sender, reason) => {
                    sender.send_replace(Some(reason));
                }
                After::Call(call) => call(),
            }
        }
    }

    /// Sends what waits for a step to the disk now.
    fn flush(self: &Arc<Self>) -> Committed {
        self.change(|_| ()).1
    }

    fn rewind(&self, core: &Core, before: Option<perilune_workflow::Timestamp>) {
        if core.wakes.first().map(|(at, _)| *at) != before {
            let old = self.rewinding().replace(self.hold());
            drop(old);
            self.rewound.notify_one();
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let work = async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        };
        self.others.spawn_on(work, &self.handle);
    }

    /// Reads the store on a thread that may wait.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, WorkflowError> + Send + 'static,
    ) -> Result<T, WorkflowError> {
        let reader = self.reader.clone();
        tokio::task::spawn_blocking(move || read(&reader)).await.map_err(|_| interrupted())?
    }

    fn rewinding(&self) -> MutexGuard<'_, Option<Hold>> {
        self.rewinding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self) -> Hold {
        self.clock.hold()
    }
}

/// Waits until changes are on the disk.
async fn written(committed: Committed) -> Result<(), WorkflowError> {
    committed.await.map_err(|_| interrupted())?
}

fn interrupted() -> WorkflowError {
    WorkflowError::new(Code::StoreUnavailable, "the host of this workflow stopped before it was done")
}
