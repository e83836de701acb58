//! How many workers an adaptive pool has: a state machine without a clock.
//!
//! | what was seen | what follows |
//! |---|---|
//! | in the window of 100 ms after a call began to wait, nobody got a place in less than 5 ms | one more worker for each that waits, at least one, at most twice as many as there are |
//! | in the window nobody got a place at all (long calls) | the same, by the age of the longest wait |
//! | somebody in the window got a place sooner | nothing: a burst that drains is no overload |
//! | for a quiet time of 5 s at most half of the workers were busy at any moment, and nobody waited | half as many workers |
//! | growth within a minute after shrinking | the next quiet time is twice as long, up to 1 min |
//! | a minute without growth | the quiet time is 5 s again |
//!
//! The first rows are CoDel's idea: the *smallest* delay over an interval tells a standing queue from a passing one. Halving never undercuts
//! what the quiet time needed, so shrinking alone brings back no queue.

use std::time::Duration;
use tokio::time::Instant;

/// CoDel's interval: longer than a burst that drains by itself, shorter than what people notice.
pub(crate) const WINDOW: Duration = Duration::from_millis(100);

/// CoDel's target: below this a wait is no worth a worker.
const TOLERABLE: Duration = Duration::from_millis(5);

/// Spans the pauses of ordinary traffic.
const QUIET: Duration = Duration::from_secs(5);

/// The longest quiet time, and how long growth and shrinking are remembered.
const MEMORY: Duration = Duration::from_secs(60);

/// What a pool looks like at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) busy: u32,
    pub(crate) queued: usize,
    /// How long the first in the queue has waited.
    pub(crate) oldest: Duration,
}

/// Sees calls come in, and says how many may run at once.
#[derive(Debug)]
pub(crate) struct Controller {
    fewest: u32,
    most: u32,
    target: u32,
    /// Smallest delay of a call that was let in since the window opened.
    least: Option<Duration>,
    window: Option<Instant>,
    /// Most calls that ran at one moment since `quiet_since`.
    peak: u32,
    quiet_since: Option<Instant>,
    quiet: Duration,
    grown: Option<Instant>,
    shrunk: Option<Instant>,
}

impl Controller {
    pub(crate) fn new(fewest: u32, most: u32) -> Self {
        Controller {
            fewest,
            most,
            target: fewest,
            least: None,
            window: None,
            peak: 0,
            quiet_since: None,
            quiet: QUIET,
            grown: None,
            shrunk: None,
        }
    }

    /// A call was let in after a delay; `busy` run now.
    pub(crate) fn admitted(&mut self, delay: Duration, busy: u32) {
        self.least = Some(self.least.map_or(delay, |least| least.min(delay)));
        self.peak = self.peak.max(busy);
    }

    /// A call begins to wait. True when that opens a window: [`Controller::observe`] is due when it is over.
    pub(crate) fn waits(&mut self, now: Instant) -> bool {
        let opens = self.window.is_none() && self.target < self.most;
        if opens {
            self.window = Some(now);
            self.least = None;
        }
        opens
    }

    /// How many calls may run at once from now on.
    pub(crate) fn observe(&mut self, now: Instant, load: Load) -> u32 {
        if self.window.is_some_and(|opened| now.duration_since(opened) >= WINDOW) {
            let delay = self.least.take().unwrap_or(load.oldest);
            if delay > TOLERABLE {
                self.grow(now, load);
            }
            self.window = (load.queued > 0 && self.target < self.most).then_some(now);
        }
        self.settle(now, load);
        self.target
    }

    /// When [`Controller::observe`] is due though nothing happens: at the end of the window, at the end of the quiet time.
    pub(crate) fn due(&self) -> (Option<Instant>, Option<Instant>) {
        let quiet = self.quiet_since.filter(|_| self.target > self.fewest).map(|since| since + self.quiet);
        (self.window.map(|opened| opened + WINDOW), quiet)
    }

    fn grow(&mut self, now: Instant, load: Load) {
        let within = |since: Option<Instant>| since.is_some_and(|at| now.duration_since(at) < MEMORY);
        if within(self.shrunk) {
            // Once for each time it shrank.
            self.shrunk = None;
            self.quiet = (self.quiet * 2).min(MEMORY);
        } else if !within(self.grown) {
            self.quiet = QUIET;
        }
        let waiting = u32::try_from(load.queued).unwrap_or(u32::MAX);
        let step = waiting.clamp(1, self.target);
        self.target = self.target.saturating_add(step).min(self.most);
        self.grown = Some(now);
        self.rest(now, load);
    }

    fn settle(&mut self, now: Instant, load: Load) {
        let since = *self.quiet_since.get_or_insert(now);
        let needed = self.peak.max(load.busy);
        if load.queued > 0 || needed.saturating_mul(2) > self.target {
            self.rest(now, load);
        } else if self.target > self.fewest && now.duration_since(since) >= self.quiet {
            self.target = self.target.div_ceil(2).max(self.fewest);
            self.shrunk = Some(now);
            self.rest(now, load);
        }
    }

    /// The quiet time begins anew.
    fn rest(&mut self, now: Instant, load: Load) {
        self.quiet_since = Some(now);
        self.peak = load.busy;
    }
}
