//! What a pool's lock guards: places, workers, counts. Every change is one method; none of them waits or calls out.
//!
//! What must happen outside of the lock (waking, dropping workers, calling the janitor) is collected in [`Effects`].

use crate::alarms::Alarm;
use crate::controller::{Controller, Load};
use crate::queue::Queue;
use crate::settings::{Kind, Settings};
use crate::stats::Stats;
use crate::step::{Admission, Chore, Effects, End, Idle, Taken};
use crate::waits::Waits;
use std::task::Waker;
use std::time::Duration;
use tokio::time::Instant;

/// Workers beyond the limit on running calls: with one, a caller finds a clean worker while the one before it is being cleaned,
/// and the janitor cleans one at a time for each pool, so a second would never be used.
const SPARE: u32 = 1;

#[derive(Default)]
struct Counts {
    calls: u64,
    created: u64,
    reset: u64,
    reaped: u64,
    refused: u64,
    timed_out: u64,
    cancelled: u64,
    failed: u64,
}

pub(crate) struct State<W> {
    closed: bool,
    /// How many calls may run at once.
    target: u32,
    /// Places taken, by calls that have a worker or are getting one.
    busy: u32,
    /// Workers in callers' hands.
    leased: u32,
    /// Whether the janitor has one in hand.
    cleaning: bool,
    /// Workers being made that belong to no call.
    making: u32,
    ready: Vec<Idle<W>>,
    used: Vec<Idle<W>>,
    /// Of an inline pool: whether the one that is kept exists.
    kept: bool,
    spare_wanted: bool,
    /// When a call last gave its worker back.
    finished: Option<Instant>,
    /// Whether the janitor knows that there is something to do.
    listed: bool,
    armed: [bool; Alarm::COUNT],
    queue: Queue,
    controller: Option<Controller>,
    counts: Counts,
    waits: Waits,
}

impl<W> State<W> {
    pub(crate) fn new(settings: &Settings) -> Self {
        let (fewest, most) = settings.workers();
        State {
            closed: false,
            target: fewest,
            busy: 0,
            leased: 0,
            cleaning: false,
            making: 0,
            ready: Vec::new(),
            used: Vec::new(),
            kept: false,
            spare_wanted: false,
            finished: None,
            listed: false,
            armed: [false; Alarm::COUNT],
            queue: Queue::default(),
            controller: (settings.kind == Kind::Adaptive).then(|| Controller::new(fewest, most)),
            counts: Counts::default(),
            waits: Waits::default(),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Workers that exist.
    fn workers(&self) -> u32 {
        self.leased + self.idle() + u32::from(self.cleaning)
    }

    fn idle(&self) -> u32 {
        (self.ready.len() + self.used.len()) as u32
    }

    /// Workers that exist or are promised to somebody.
    fn promised(&self) -> u32 {
        self.busy + self.idle() + u32::from(self.cleaning) + self.making
    }

    // Places.

    /// A call asks for a place. Nobody waits while one is free, so a newcomer overtakes nobody.
    pub(crate) fn admit(&mut self, settings: &Settings, fx: &mut Effects<W>) -> Admission<W> {
        if self.closed {
            return Admission::Closed;
        }
        if self.busy < self.target && self.queue.is_empty() {
            let (taken, kept) = self.admit_now(settings, fx);
            return Admission::Now(taken, kept);
        }
        let queued = self.queue.len();
        if queued >= settings.queue() {
            self.counts.refused += 1;
            return Admission::Full { busy: self.busy, queued };
        }
        let now = Instant::now();
        let ticket = self.queue.join(now);
        if self.controller.as_mut().is_some_and(|controller| controller.waits(now)) {
            self.arm_controller(fx);
        }
        Admission::Queued(ticket)
    }

    /// As [`State::admit`] where a call can begin at once with a clean worker; else nothing happens.
    pub(crate) fn admit_ready(
        &mut self,
        settings: &Settings,
        fx: &mut Effects<W>,
    ) -> Option<(Taken<W>, bool)> {
        let is_ready =
            !self.closed && self.busy < self.target && self.queue.is_empty() && !self.ready.is_empty();
        is_ready.then(|| self.admit_now(settings, fx))
    }

    fn admit_now(&mut self, settings: &Settings, fx: &mut Effects<W>) -> (Taken<W>, bool) {
        self.busy += 1;
        self.counts.calls += 1;
        self.waits.none();
        if let Some(controller) = &mut self.controller {
            controller.admitted(Duration::ZERO, self.busy);
        }
        self.take(settings, fx)
    }

    /// Whether a ticket still waits.
    pub(crate) fn waits(&mut self, ticket: u64, waker: &Waker) -> bool {
        self.queue.poll(ticket, waker)
    }

    /// A call gives up its wait at its deadline: how far it came, or `None` when it has its place.
    pub(crate) fn times_out(
        &mut self,
        ticket: u64,
        now: Instant,
        fx: &mut Effects<W>,
    ) -> Option<(Duration, (usize, bool))> {
        let waiter = self.queue.leave(ticket)?;
        let ahead = self.queue.ahead(ticket);
        let wait = now.duration_since(waiter.since);
        self.counts.timed_out += 1;
        self.waits.some(wait);
        // Not to be woken, but dropping a waker may run anything, and so not under the lock.
        fx.wake.push(waiter.into_waker());
        self.settle(fx);
        Some((wait, ahead))
    }

    /// A call is cancelled while it waits, or at the very moment when it was given its place: then that goes to the next.
    pub(crate) fn cancels(&mut self, ticket: u64, fx: &mut Effects<W>) {
        self.counts.cancelled += 1;
        match self.queue.leave(ticket) {
            Some(waiter) => {
                fx.wake.push(waiter.into_waker());
                self.settle(fx);
            }
            None => {
                self.counts.calls -= 1;
                self.release(fx);
            }
        }
    }

    /// A place is free: the one that has waited longest gets it.
    fn release(&mut self, fx: &mut Effects<W>) {
        self.busy -= 1;
        self.grant(fx);
        self.settle(fx);
    }

    fn grant(&mut self, fx: &mut Effects<W>) {
        if self.queue.is_empty() {
            return;
        }
        let now = Instant::now();
        while self.busy < self.target {
            let Some(waiter) = self.queue.pop() else { break };
            let wait = now.duration_since(waiter.since);
            self.busy += 1;
            self.counts.calls += 1;
            self.waits.some(wait);
            if let Some(controller) = &mut self.controller {
                controller.admitted(wait, self.busy);
            }
            fx.wake.push(waiter.into_waker());
        }
    }

    /// A closed pool that nobody waits for keeps no workers; when nobody runs either, it is drained.
    fn settle(&mut self, fx: &mut Effects<W>) {
        if self.closed && self.queue.is_empty() {
            self.empty(fx);
            fx.drained = self.is_drained();
        }
    }

    fn empty(&mut self, fx: &mut Effects<W>) {
        fx.give_up.extend(self.ready.drain(..).map(|idle| idle.worker));
        fx.give_up.extend(self.used.drain(..).map(|idle| idle.worker));
    }

    pub(crate) fn close(&mut self, fx: &mut Effects<W>) {
        self.closed = true;
        self.settle(fx);
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.closed && self.queue.is_empty() && self.busy == 0 && self.making == 0 && !self.cleaning
    }

    // Workers in callers' hands.

    /// What a call with a place begins with; true when it works on the worker that an inline pool keeps.
    pub(crate) fn take(&mut self, settings: &Settings, fx: &mut Effects<W>) -> (Taken<W>, bool) {
        if let Some(idle) = self.ready.pop() {
            self.leased += 1;
            return (Taken::Clean(idle.worker), self.kept);
        }
        if settings.kind == Kind::Inline {
            let first = !std::mem::replace(&mut self.kept, true);
            return (Taken::Nothing, first);
        }
        match self.used.pop() {
            Some(idle) => {
                // Cleaning on the caller's path is what a spare saves the next one.
                if self.promised() < self.target + SPARE {
                    self.spare_wanted = true;
                    self.list(fx);
                }
                self.leased += 1;
                (Taken::Used(idle.worker), false)
            }
            None => (Taken::Nothing, false),
        }
    }

    /// A call with a place has made its worker.
    pub(crate) fn created(&mut self) {
        self.counts.created += 1;
        self.leased += 1;
    }

    /// A call with a place has cleaned its worker, or lost it.
    pub(crate) fn cleaned_by_caller(&mut self, clean: bool) {
        if clean {
            self.counts.reset += 1;
        } else {
            self.leased -= 1;
        }
    }

    /// A call ended well, and gives its worker back.
    pub(crate) fn finish(&mut self, settings: &Settings, worker: W, fx: &mut Effects<W>) {
        self.leased -= 1;
        let idle = Idle { worker, since: Instant::now() };
        self.finished = Some(idle.since);
        // This call's own place counts for its worker.
        let surplus = self.promised() > self.target + SPARE;
        if (self.closed && self.queue.is_empty()) || (surplus && settings.kind != Kind::Inline) {
            fx.give_up.push(idle.worker);
        } else {
            self.arm_idle(settings, idle.since, fx);
            if settings.kind == Kind::Inline {
                self.ready.push(idle);
            } else {
                self.used.push(idle);
                self.list(fx);
            }
        }
        self.release(fx);
    }

    /// A call ended without a worker to give back.
    pub(crate) fn end(&mut self, end: End, held: bool, kept: bool, fx: &mut Effects<W>) {
        match end {
            End::Dropped => {}
            End::Failed => self.counts.failed += 1,
            End::Cancelled => {
                self.counts.calls -= 1;
                self.counts.cancelled += 1;
            }
        }
        if held {
            self.leased -= 1;
        }
        if kept {
            self.kept = false;
        }
        self.release(fx);
    }

    // Workers in the janitor's hands.

    fn list(&mut self, fx: &mut Effects<W>) {
        fx.chore |= !std::mem::replace(&mut self.listed, true);
    }

    /// Whether a call ended in less than a pause: the next one will not be long in coming.
    pub(crate) fn was_called(&self, now: Instant, pause: Duration) -> bool {
        !self.closed && self.finished.is_some_and(|finished| now.duration_since(finished) < pause)
    }

    /// What the janitor does next.
    pub(crate) fn chore(&mut self) -> Chore<W> {
        if let Some(idle) = self.used.pop() {
            self.cleaning = true;
            return Chore::Reset(idle);
        }
        if std::mem::take(&mut self.spare_wanted) && !self.closed && self.promised() < self.target + SPARE {
            self.making += 1;
            return Chore::Spare;
        }
        Chore::Nothing
    }

    /// Whether there is more to do; if not, the pool is off the janitor's list.
    pub(crate) fn more(&mut self) -> bool {
        self.listed = !self.used.is_empty() || self.spare_wanted;
        self.listed
    }

    /// The janitor is done with a worker.
    pub(crate) fn cleaned(&mut self, clean: Option<Idle<W>>, fx: &mut Effects<W>) {
        self.cleaning = false;
        if let Some(idle) = clean {
            self.counts.reset += 1;
            if self.promised() < self.target + SPARE {
                self.ready.push(idle);
            } else {
                fx.give_up.push(idle.worker);
            }
        }
        self.settle(fx);
    }

    // Workers for later.

    /// Whether one more worker is to be made ahead of any call; [`State::made`] must follow.
    pub(crate) fn warm(&mut self, settings: &Settings) -> bool {
        let more = !self.closed && self.promised() < settings.warm();
        if more {
            self.making += 1;
            self.kept |= settings.kind == Kind::Inline;
        }
        more
    }

    /// A worker was made ahead of any call, or not.
    pub(crate) fn made(&mut self, settings: &Settings, worker: Option<W>, fx: &mut Effects<W>) {
        self.making -= 1;
        self.counts.created += u64::from(worker.is_some());
        match worker {
            // Calls came meanwhile, and made their own.
            Some(worker) if self.promised() >= self.target + SPARE => {
                fx.give_up.push(worker);
            }
            Some(worker) => {
                let idle = Idle { worker, since: Instant::now() };
                self.arm_idle(settings, idle.since, fx);
                self.ready.push(idle);
            }
            None if settings.kind == Kind::Inline => self.kept = false,
            None => {}
        }
        self.settle(fx);
    }

    pub(crate) fn visit_idle(
        &mut self,
        settings: &Settings,
        now: Instant,
        idle_for: Duration,
        mut visit: impl FnMut(&mut W),
    ) {
        if settings.kind == Kind::Inline {
            return;
        }
        for idle in self.ready.iter_mut().filter(|idle| now.duration_since(idle.since) >= idle_for) {
            visit(&mut idle.worker);
        }
    }

    /// Gives up idle workers, used ones first. An inline pool's one is its state, not a spare.
    pub(crate) fn shed(&mut self, settings: &Settings, most: usize, fx: &mut Effects<W>) -> usize {
        if settings.kind == Kind::Inline {
            return 0;
        }
        let used = most.min(self.used.len());
        let ready = (most - used).min(self.ready.len());
        fx.give_up.extend(self.used.drain(..used).map(|idle| idle.worker));
        fx.give_up.extend(self.ready.drain(..ready).map(|idle| idle.worker));
        used + ready
    }

    // Alarms.

    fn arm(&mut self, alarm: Alarm, at: Option<Instant>, fx: &mut Effects<W>) {
        if at.is_some() && !std::mem::replace(&mut self.armed[alarm as usize], true) {
            fx.alarms[alarm as usize] = at;
        }
    }

    fn arm_idle(&mut self, settings: &Settings, since: Instant, fx: &mut Effects<W>) {
        self.arm(Alarm::Idle, settings.idle_timeout.and_then(|timeout| since.checked_add(timeout)), fx);
    }

    fn arm_controller(&mut self, fx: &mut Effects<W>) {
        let Some((window, quiet)) = self.controller.as_ref().map(Controller::due) else { return };
        self.arm(Alarm::Window, window, fx);
        self.arm(Alarm::Quiet, quiet, fx);
    }

    /// An alarm goes off.
    pub(crate) fn ring(&mut self, settings: &Settings, alarm: Alarm, now: Instant, fx: &mut Effects<W>) {
        self.armed[alarm as usize] = false;
        match alarm {
            Alarm::Idle => self.reap(settings, now, fx),
            Alarm::Window | Alarm::Quiet => self.scale(now, fx),
        }
    }

    fn reap(&mut self, settings: &Settings, now: Instant, fx: &mut Effects<W>) {
        let Some(timeout) = settings.idle_timeout else { return };
        let mut surplus = self.workers().saturating_sub(settings.kept());
        let mut expired = |idle: &mut Idle<W>| {
            let expired = surplus > 0 && now.duration_since(idle.since) >= timeout;
            surplus -= u32::from(expired);
            expired
        };
        let before = fx.give_up.len();
        fx.give_up.extend(self.ready.extract_if(.., &mut expired).map(|idle| idle.worker));
        fx.give_up.extend(self.used.extract_if(.., &mut expired).map(|idle| idle.worker));
        self.counts.reaped += (fx.give_up.len() - before) as u64;
        if surplus > 0 {
            let oldest = self.ready.iter().chain(&self.used).map(|idle| idle.since).min();
            if let Some(oldest) = oldest {
                self.arm_idle(settings, oldest, fx);
            }
        }
    }

    fn scale(&mut self, now: Instant, fx: &mut Effects<W>) {
        let oldest = self.queue.oldest().map_or(Duration::ZERO, |since| now.duration_since(since));
        let load = Load { busy: self.busy, queued: self.queue.len(), oldest };
        let Some(controller) = &mut self.controller else { return };
        self.target = controller.observe(now, load);
        self.grant(fx);
        let surplus = self.promised().saturating_sub(self.target + SPARE) as usize;
        let surplus = surplus.min(self.ready.len());
        fx.give_up.extend(self.ready.drain(..surplus).map(|idle| idle.worker));
        self.arm_controller(fx);
    }

    pub(crate) fn stats(&self, settings: &Settings) -> Stats {
        let counts = &self.counts;
        Stats {
            kind: settings.kind,
            limit: self.target,
            workers: self.workers(),
            busy: self.busy,
            ready: self.ready.len() as u32,
            queued: self.queue.len(),
            calls: counts.calls,
            waits: self.waits.stats(),
            created: counts.created,
            reset: counts.reset,
            retired: counts.created - u64::from(self.workers()),
            reaped: counts.reaped,
            refused: counts.refused,
            timed_out: counts.timed_out,
            cancelled: counts.cancelled,
            failed: counts.failed,
        }
    }
}
