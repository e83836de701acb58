//! Cleans used workers off the callers' path, for all pools of a host.

use crate::alarms::{Alarm, Alarms};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What a janitor knows of a pool.
pub(crate) trait Tended: Send + Sync {
    /// Does one chore; true when there are more.
    fn tend(self: Arc<Self>) -> BoxFuture<'static, bool>;

    /// Does what an alarm was set for.
    fn ring(self: Arc<Self>, alarm: Alarm);
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
    desk: Mutex<Desk>,
    /// One permit for each lane that was woken: unlike a notification, none is lost when two lanes are woken at once.
    bell: Semaphore,
    alarms: Alarms,
}

#[derive(Default)]
struct Desk {
    pools: VecDeque<Weak<dyn Tended>>,
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
        Self::with((cores / 2).max(1), None)
    }

    /// One that works on a runtime of its own, cleaning so many workers at a time. A task that a caller wakes on its own runtime waits
    /// until that caller's task waits for something; here it begins at once.
    pub fn on(runtime: Handle, lanes: usize) -> Arc<Self> {
        Self::with(lanes.max(1), Some(runtime))
    }

    fn with(lanes: usize, runtime: Option<Handle>) -> Arc<Self> {
        let shared =
            Shared { lanes, desk: Mutex::default(), bell: Semaphore::new(0), alarms: Alarms::default() };
        Arc::new(Janitor { shared: Arc::new(shared), runtime })
    }

    /// A pool has chores. It is to call this once, until [`Tended::tend`] has said that there are no more.
    pub(crate) fn hand_over(&self, pool: Weak<dyn Tended>) {
        let mut desk = self.shared.desk();
        desk.pools.push_back(pool);
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

async fn lane(mut life: Life) {
    let shared = life.shared.clone();
    loop {
        let next = {
            let mut desk = shared.desk();
            let next = desk.pools.pop_front();
            if next.is_none() {
                desk.asleep += 1;
                life.asleep = true;
            }
            next
        };
        let Some(pool) = next else {
            match shared.bell.acquire().await {
                Ok(permit) => permit.forget(),
                Err(_closed) => return,
            }
            life.asleep = false;
            continue;
        };
        let Some(tended) = pool.upgrade() else { continue };
        match AssertUnwindSafe(tended.tend()).catch_unwind().await {
            Ok(true) => shared.desk().pools.push_back(pool),
            Ok(false) => {}
            // What the supply panicked with was printed where it happened; the pool has put itself on the list again.
            Err(_) => tracing::error!("a worker panicked while it was cleaned"),
        }
        // A chore may never wait, and a pool may have many.
        tokio::task::yield_now().await;
    }
}
