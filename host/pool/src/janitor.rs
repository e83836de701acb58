//! Cleans used workers off the callers' path, for all pools of a host.

use crate::alarms::{Alarm, Alarms};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What a janitor knows of a pool.
pub(crate) trait Tended: Send + Sync {
    /// Does one chore, unless a call ended in less than `pause`.
    fn tend(self: Arc<Self>, pause: Duration) -> BoxFuture<'static, Rest>;

    /// Does what an alarm was set for.
    fn ring(self: Arc<Self>, alarm: Alarm);
}

/// What a pool has left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Nothing,
    More,
    /// The same as before: its callers are in the midst of it.
    Later,
}

/// Cleans used workers, makes spares and gives back idle ones, for all pools of a host.
///
/// It starts its tasks when the first pool needs it, on the runtime of that caller, and ends them when the last pool and the last handle
/// are gone. It holds no pool alive.
pub struct Janitor {
    shared: Arc<Shared>,
    /// Where its tasks run, if not on the runtime of who needs it first.
    runtime: Option<Handle>,
}

struct Shared {
    lanes: usize,
    /// How long nobody must have called a pool before it is tended.
    pause: Duration,
    desk: Mutex<Desk>,
    /// One permit for each lane that was woken: unlike a notification, none is lost when two lanes are woken at once.
    bell: Semaphore,
    alarms: Alarms,
}

#[derive(Default)]
struct Desk {
    pools: VecDeque<Weak<dyn Tended>>,
    /// Those that were called just now, to be looked at after a pause.
    later: Vec<Weak<dyn Tended>>,
    /// Lanes that run or sleep.
    lanes: usize,
    /// Lanes that sleep and were not woken yet.
    asleep: usize,
    /// Whether the task of the alarms runs.
    watched: bool,
    stop: Vec<tokio::task::AbortHandle>,
}

impl Janitor {
    /// Half of the cores at most clean for others: under full load callers clean for themselves, and more lanes would only take turns with them.
    pub fn new() -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::with((cores / 2).max(1), Duration::ZERO, None)
    }

    /// One that works on a runtime of its own, cleaning so many workers at a time, of pools that nobody has called for a pause. A task
    /// that a caller wakes on its own runtime waits until that caller's task waits for something; here it does not.
    ///
    /// Callers in quick succession clean for themselves meanwhile: waking another thread for each call costs about as much as cleaning,
    /// and what was written lies in the cache of the core that wrote it.
    pub fn on(runtime: Handle, lanes: usize, pause: Duration) -> Arc<Self> {
        Self::with(lanes.max(1), pause, Some(runtime))
    }

    fn with(lanes: usize, pause: Duration, runtime: Option<Handle>) -> Arc<Self> {
        let (desk, bell, alarms) = (Mutex::default(), Semaphore::new(0), Alarms::default());
        Arc::new(Janitor { shared: Arc::new(Shared { lanes, pause, desk, bell, alarms }), runtime })
    }

    /// A pool has chores. It is to call this once, until [`Tended::tend`] has said that there are no more.
    pub(crate) fn hand_over(&self, pool: Weak<dyn Tended>) {
        let mut desk = self.shared.desk();
        match self.shared.pause.is_zero() {
            true => desk.pools.push_back(pool),
            false => desk.later.push(pool),
        }
        if desk.asleep > 0 {
            desk.asleep -= 1;
            drop(desk);
            self.shared.bell.add_permits(1);
        } else if desk.lanes < self.shared.lanes {
            self.start(&mut desk, Task::Lane);
        }
    }

    pub(crate) fn set_alarm(&self, at: Instant, alarm: Alarm, pool: Weak<dyn Tended>) {
        self.shared.alarms.set(at, alarm, pool);
        let mut desk = self.shared.desk();
        if !desk.watched {
            self.start(&mut desk, Task::Watch);
        }
    }

    fn start(&self, desk: &mut Desk, task: Task) {
        // Outside of a runtime nobody can run it; the next one who comes from inside starts it.
        let Some(runtime) = self.runtime.clone().or_else(|| Handle::try_current().ok()) else { return };
        match task {
            Task::Lane => desk.lanes += 1,
            Task::Watch => desk.watched = true,
        }
        let life = Life { shared: self.shared.clone(), task, asleep: false };
        let running = runtime.spawn(async move {
            match life.task {
                Task::Lane => lane(life).await,
                Task::Watch => life.shared.alarms.run().await,
            }
        });
        desk.stop.retain(|task| !task.is_finished());
        desk.stop.push(running.abort_handle());
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        let stop = std::mem::take(&mut self.shared.desk().stop);
        stop.iter().for_each(tokio::task::AbortHandle::abort);
    }
}

impl fmt::Debug for Janitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Janitor").field("lanes", &self.shared.lanes).finish_non_exhaustive()
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy)]
enum Task {
    Lane,
    Watch,
}

/// Says goodbye when a task ends, also when its runtime is shut down: the next one who needs it starts it again.
struct Life {
    shared: Arc<Shared>,
    task: Task,
    asleep: bool,
}

impl Drop for Life {
    fn drop(&mut self) {
        let mut desk = self.shared.desk();
        match self.task {
            Task::Lane => desk.lanes -= 1,
            Task::Watch => desk.watched = false,
        }
        if self.asleep {
            desk.asleep = desk.asleep.saturating_sub(1);
        }
    }
}

/// What a lane does next.
enum Next {
    Tend(Weak<dyn Tended>),
    Pause,
    Sleep,
}

impl Life {
    fn next(&mut self) -> Next {
        let mut desk = self.shared.desk();
        if let Some(pool) = desk.pools.pop_front() {
            return Next::Tend(pool);
        }
        if !desk.later.is_empty() {
            return Next::Pause;
        }
        desk.asleep += 1;
        self.asleep = true;
        Next::Sleep
    }
}

async fn lane(mut life: Life) {
    let shared = life.shared.clone();
    loop {
        let pool = match life.next() {
            Next::Tend(pool) => pool,
            Next::Pause => {
                tokio::time::sleep(shared.pause).await;
                let mut desk = shared.desk();
                let rested = std::mem::take(&mut desk.later);
                desk.pools.extend(rested);
                continue;
            }
            Next::Sleep => {
                match shared.bell.acquire().await {
                    Ok(permit) => permit.forget(),
                    Err(_closed) => return,
                }
                life.asleep = false;
                continue;
            }
        };
        let Some(tended) = pool.upgrade() else { continue };
        match AssertUnwindSafe(tended.tend(shared.pause)).catch_unwind().await {
            Ok(Rest::More) => shared.desk().pools.push_back(pool),
            Ok(Rest::Later) => shared.desk().later.push(pool),
            Ok(Rest::Nothing) => {}
            // What the supply panicked with was printed where it happened; the pool has put itself on the list again.
            Err(_) => tracing::error!("a worker panicked while it was cleaned"),
        }
        // A chore may never wait, and a pool may have many.
        tokio::task::yield_now().await;
    }
}
