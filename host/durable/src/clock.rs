//! Time, as the backend sees it.

use futures_util::future::BoxFuture;
use perilune_workflow::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// Where the backend takes the time from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Waits for a moment. Whoever waited has a hold on the clock from then on.
    fn wait_until(&self, at: Timestamp) -> BoxFuture<'static, Hold>;

    /// Says that something is being done. A simulated clock stands still until it is done; real ones take no notice.
    fn hold(&self) -> Hold {
        Hold(None)
    }
}

/// Keeps a simulated clock from going on, until it is dropped.
#[derive(Debug)]
pub struct Hold(Option<SimulatedClock>);

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(clock) = &self.0 {
            let mut state = clock.state();
            state.holds -= 1;
            clock.go_on(state);
        }
    }
}

/// The time of the machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The longest single wait: a machine's clock can be set, and is looked at again after this time.
    const LONGEST: Duration = Duration::from_secs(60);
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::default().after(since)
    }

    fn wait_until(&self, at: Timestamp) -> BoxFuture<'static, Hold> {
        Box::pin(async move {
            loop {
                let left = at.since(SystemClock.now());
                if left.is_zero() {
                    return Hold(None);
                }
                tokio::time::sleep(left.min(Self::LONGEST)).await;
            }
        })
    }
}

/// A clock for tests: it stands still while anything is done, and then jumps to the next moment that somebody waits for.
#[derive(Clone, Debug)]
pub struct SimulatedClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    holds: usize,
    /// Counts those who ever waited: of two who wait for one moment, the first is first.
    waited: u64,
    waiting: BTreeMap<(Timestamp, u64), oneshot::Sender<Hold>>,
}

impl Default for SimulatedClock {
    fn default() -> Self {
        Self::new(Timestamp::from_seconds(1_700_000_000))
    }
}

impl SimulatedClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        SimulatedClock(Arc::new(Mutex::new(State { now, holds: 0, waited: 0, waiting: BTreeMap::new() })))
    }

    /// Waits inside of something that has a hold on the clock, an activity for instance: it counts as doing nothing meanwhile.
    pub async fn sleep(&self, time: Duration) {
        let until = self.now().after(time);
        let (id, woken) = self.register(until);
        let mut sleep = Sleep { clock: self, id, awake: false };
        {
            let mut state = self.state();
            state.holds -= 1;
            self.go_on(state);
        }
        if let Ok(mut hold) = woken.await {
            // This hold stays: it is the one that the sleeper let go of.
            drop(hold.0.take());
            sleep.awake = true;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, at: Timestamp) -> ((Timestamp, u64), oneshot::Receiver<Hold>) {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.waited += 1;
        let id = (at, state.waited);
        state.waiting.insert(id, sender);
        (id, receiver)
    }

    /// Jumps to the next moment somebody waits for, if nothing is being done.
    fn go_on(&self, mut state: MutexGuard<'_, State>) {
        while state.holds == 0 {
            let Some(((at, _), sender)) = state.waiting.pop_first() else { return };
            if sender.is_closed() {
                continue;
            }
            state.now = state.now.max(at);
            state.holds += 1;
            drop(state);
            // Whoever has gone meanwhile gives the hold back here, which goes on by itself.
            let _ = sender.send(Hold(Some(self.clone())));
            return;
        }
    }
}

struct Sleep<'a> {
    clock: &'a SimulatedClock,
    id: (Timestamp, u64),
    awake: bool,
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if !self.awake {
            let mut state = self.clock.state();
            state.holds += 1;
            state.waiting.remove(&self.id);
        }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn wait_until(&self, at: Timestamp) -> BoxFuture<'static, Hold> {
        let (_, woken) = self.register(at);
        self.go_on(self.state());
        Box::pin(async move { woken.await.unwrap_or(Hold(None)) })
    }

    fn hold(&self) -> Hold {
        self.state().holds += 1;
        Hold(Some(self.clone()))
    }
}
