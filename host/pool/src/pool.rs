//! Leasing, warming, shedding, closing.

use crate::alarms::Alarm;
use crate::janitor::{Janitor, Rest, Tended};
use crate::lease::{Lease, Place};
use crate::refusal;
use crate::settings::{Kind, Settings};
use crate::state::State;
use crate::stats::Stats;
use crate::step::{Admission, Chore, Effects, Idle, Taken};
use crate::supply::Supply;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_value::Failure;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Decides who runs the calls of one entry, and when.
pub struct Pool<S: Supply> {
    supply: S,
    settings: Settings,
    janitor: Arc<Janitor>,
    state: Mutex<State<S::Worker>>,
    drained: Notify,
}

impl<S: Supply> Pool<S> {
    /// A pool without workers. It does nothing until it is asked to.
    pub fn new(supply: S, settings: Settings, janitor: &Arc<Janitor>) -> Arc<Self> {
        let state = Mutex::new(State::new(&settings));
        let (janitor, drained) = (janitor.clone(), Notify::new());
        Arc::new(Pool { supply, settings, janitor, state, drained })
    }

    /// The entry whose calls these are.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether the pool takes no more calls.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed()
    }

    pub(crate) fn is_inline(&self) -> bool {
        self.settings.kind == Kind::Inline
    }

    /// A lease for a call that can begin at once with a clean worker; `None` where [`Pool::lease`] would have to wait or to make
    /// one.
    pub fn try_lease(self: &Arc<Self>) -> Option<Lease<S>> {
        let (taken, kept) = self.change(State::admit_ready)?;
        let mut place = Place::new(self.clone());
        place.kept = kept;
        match taken {
            Taken::Clean(worker) => Some(Lease::new(worker, place)),
            // Dropping the place undoes what was admitted; a ready worker makes this impossible.
            Taken::Used(_) | Taken::Nothing => None,
        }
    }

    /// Waits for a place among the calls that run, and for a worker. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// * `Unavailable`: the queue is full (`details.limit` is `queue`), or the pool is closed;
    /// * `Timeout`: the deadline came first (`details.limit` is `timeout`);
    /// * what [`Supply::create`] failed with.
    pub async fn lease(self: &Arc<Self>, deadline: Option<Instant>) -> Result<Lease<S>, Failure> {
        let (mut place, taken, kept) = match self.change(State::admit) {
            Admission::Now(taken, kept) => (Place::new(self.clone()), taken, kept),
            Admission::Queued(ticket) => {
                let place = Waiting { pool: self, ticket: Some(ticket) }.until(deadline).await?;
                let (taken, kept) = self.change(State::take);
                (place, taken, kept)
            }
            Admission::Full { busy, queued } => return Err(refusal::full(&self.settings, busy, queued)),
            Admission::Closed => return Err(refusal::closed(&self.settings)),
        };
        place.kept = kept;
        if let Taken::Clean(worker) = taken {
            return Ok(Lease::new(worker, place));
        }
        let ready = self.prepare(taken, &mut place);
        let worker = match deadline {
            None => ready.await,
            Some(deadline) => tokio::time::timeout_at(deadline, ready)
                .await
                .unwrap_or_else(|_| Err(refusal::slow_worker(&self.settings))),
        };
        place.failed = worker.is_err();
        worker.map(|worker| Lease::new(worker, place))
    }

    /// Cleans or makes a worker on the caller's own task.
    async fn prepare(
        self: &Arc<Self>,
        taken: Taken<S::Worker>,
        place: &mut Place<S>,
    ) -> Result<S::Worker, Failure> {
        match taken {
            Taken::Clean(worker) => return Ok(worker),
            Taken::Used(worker) => {
                place.held = true;
                let clean = self.supply.reset(worker).await;
                place.held = clean.is_some();
                self.change(|state, _, _| state.cleaned_by_caller(clean.is_some()));
                if let Some(worker) = clean {
                    return Ok(worker);
                }
            }
            Taken::Nothing => {}
        }
        let worker = self.supply.create().await?;
        place.held = true;
        self.change(|state, _, _| state.created());
        Ok(worker)
    }

    /// Makes the workers that the settings ask for ahead of any call. Repeating it is harmless.
    ///
    /// # Errors
    /// The first failure of [`Supply::create`]; what was made until then stays.
    pub async fn warm(self: &Arc<Self>) -> Result<(), Failure> {
        while self.change(|state, settings, _| state.warm(settings)) {
            let making = Making { pool: self, done: false };
            making.done(Some(self.supply.create().await?));
        }
        Ok(())
    }

    /// Shows `visit` each clean worker that has been idle for so long, as often as this is called; an inline pool's is not clean. Calls of the
    /// pool wait meanwhile, so it must be quick.
    pub fn visit_idle(&self, idle_for: Duration, visit: impl FnMut(&mut S::Worker)) {
        self.lock().visit_idle(&self.settings, Instant::now(), idle_for, visit);
    }

    /// Gives up at most so many idle workers, and says how many. For a host that is short of room; an inline pool keeps its state.
    pub fn shed(&self, most: usize) -> usize {
        let mut fx = Effects::new();
        let shed = self.lock().shed(&self.settings, most, &mut fx);
        drop(fx.give_up);
        shed
    }

    /// Takes no more calls, and waits until those that run or wait have ended and every worker is gone.
    pub async fn close(self: &Arc<Self>) {
        self.change(|state, _, fx| state.close(fx));
        loop {
            let drained = self.drained.notified();
            if self.lock().is_drained() {
                return;
            }
            drained.await;
        }
    }

    /// What the pool has seen.
    pub fn stats(&self) -> Stats {
        self.lock().stats(&self.settings)
    }

    fn lock(&self) -> MutexGuard<'_, State<S::Worker>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and does outside of the lock what follows from that.
    pub(crate) fn change<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut State<S::Worker>, &Settings, &mut Effects<S::Worker>) -> T,
    ) -> T {
        let mut fx = Effects::new();
        let result = change(&mut self.lock(), &self.settings, &mut fx);
        // Workers last: others must be woken even if dropping one panics.
        fx.wake.into_iter().for_each(Waker::wake);
        if fx.chore {
            self.janitor.hand_over(self.tended());
        }
        for (alarm, at) in Alarm::ALL.into_iter().zip(fx.alarms) {
            if let Some(at) = at {
                self.janitor.set_alarm(at, alarm, self.tended());
            }
        }
        drop(fx.give_up);
        if fx.drained {
            self.drained.notify_waiters();
        }
        result
    }

    fn tended(self: &Arc<Self>) -> Weak<dyn Tended> {
        let pool: Weak<Self> = Arc::downgrade(self);
        pool
    }
}

impl<S: Supply> Tended for Pool<S> {
    fn tend(self: Arc<Self>, pause: Duration) -> BoxFuture<'static, Rest> {
        async move {
            if !pause.is_zero() && self.lock().was_called(Instant::now(), pause) {
                return Rest::Later;
            }
            let tending = Tending { pool: &self, done: false };
            match self.change(|state, _, _| state.chore()) {
                Chore::Reset(idle) => {
                    let cleaning = Cleaning { pool: &self, done: false };
                    let Idle { worker, since } = idle;
                    let clean = self.supply.reset(worker).await;
                    cleaning.done(clean.map(|worker| Idle { worker, since }));
                }
                Chore::Spare => {
                    let making = Making { pool: &self, done: false };
                    making.done(self.supply.spare().await);
                }
                Chore::Nothing => {}
            }
            tending.done()
        }
        .boxed()
    }

    fn ring(self: Arc<Self>, alarm: Alarm) {
        self.change(|state, settings, fx| state.ring(settings, alarm, Instant::now(), fx));
    }
}

impl<S: Supply> fmt::Debug for Pool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A caller in the queue. Dropped before it is through, it leaves, and passes on a place that it was given meanwhile.
struct Waiting<'a, S: Supply> {
    pool: &'a Arc<Pool<S>>,
    ticket: Option<u64>,
}

impl<S: Supply> Waiting<'_, S> {
    async fn until(mut self, deadline: Option<Instant>) -> Result<Place<S>, Failure> {
        let Some(deadline) = deadline else { return Ok(self.await) };
        if let Ok(place) = tokio::time::timeout_at(deadline, &mut self).await {
            return Ok(place);
        }
        let ticket = self.ticket.take().expect("invariant: a ticket is taken once, when the wait is over");
        let now = Instant::now();
        match self.pool.change(|state, _, fx| state.times_out(ticket, now, fx)) {
            Some((wait, ahead)) => Err(refusal::waited(&self.pool.settings, wait, ahead)),
            // It was given its place in the same moment.
            None => Ok(Place::new(self.pool.clone())),
        }
    }
}

impl<S: Supply> Future for Waiting<'_, S> {
    type Output = Place<S>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Place<S>> {
        let ticket = self.ticket.expect("invariant: nobody polls a wait that is over");
        if self.pool.lock().waits(ticket, cx.waker()) {
            return Poll::Pending;
        }
        self.ticket = None;
        Poll::Ready(Place::new(self.pool.clone()))
    }
}

impl<S: Supply> Drop for Waiting<'_, S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.pool.change(|state, _, fx| state.cancels(ticket, fx));
        }
    }
}

/// The janitor does a chore of the pool, which is on its list as long; broken off, the pool puts itself there again.
struct Tending<'a, S: Supply> {
    pool: &'a Arc<Pool<S>>,
    done: bool,
}

impl<S: Supply> Tending<'_, S> {
    fn done(mut self) -> Rest {
        self.done = true;
        if self.pool.change(|state, _, _| state.more()) { Rest::More } else { Rest::Nothing }
    }
}

impl<S: Supply> Drop for Tending<'_, S> {
    fn drop(&mut self) {
        if !self.done {
            self.pool.change(|state, _, fx| fx.chore = state.more());
        }
    }
}

/// The janitor has a worker of the pool in hand; says so also when the cleaning panics or is broken off.
struct Cleaning<'a, S: Supply> {
    pool: &'a Arc<Pool<S>>,
    done: bool,
}

impl<S: Supply> Cleaning<'_, S> {
    fn done(mut self, clean: Option<Idle<S::Worker>>) {
        self.done = true;
        self.pool.change(|state, _, fx| state.cleaned(clean, fx));
    }
}

impl<S: Supply> Drop for Cleaning<'_, S> {
    fn drop(&mut self) {
        if !self.done {
            self.pool.change(|state, _, fx| state.cleaned(None, fx));
        }
    }
}

/// A worker is being made that belongs to no call.
struct Making<'a, S: Supply> {
    pool: &'a Arc<Pool<S>>,
    done: bool,
}

impl<S: Supply> Making<'_, S> {
    fn done(mut self, worker: Option<S::Worker>) {
        self.done = true;
        self.pool.change(|state, settings, fx| state.made(settings, worker, fx));
    }
}

impl<S: Supply> Drop for Making<'_, S> {
    fn drop(&mut self) {
        if !self.done {
            self.pool.change(|state, settings, fx| state.made(settings, None, fx));
        }
    }
}
