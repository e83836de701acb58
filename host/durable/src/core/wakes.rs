//! What happens as time goes on.

use super::{Core, Ended};
use perilune_workflow::{EventKind, RunStarted, TimeoutType};

/// Something that will happen at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    /// A timer of a run fires.
    Timer(i64, u32),
    /// A run's first task may come, or a task is tried again.
    Task(i64),
    /// A run took too long.
    RunTimeout(i64),
    /// An activity's next attempt begins.
    Attempt(i64, u32),
    /// An activity did not begin in time.
    ScheduleToStart(i64, u32),
    /// An activity took too long.
    ScheduleToClose(i64, u32),
    /// Closed runs are old enough to be forgotten.
    Sweep,
}

impl Core {
    /// Does what is due; says whether closed runs are to be swept.
    pub(crate) fn wake(&mut self) -> bool {
        let mut sweep = false;
        while let Some(&(at, wake)) = self.wakes.first()
            && at <= self.now
        {
            self.wakes.pop_first();
            match wake {
                Wake::Timer(key, seq) => {
                    if self.runs.get(&key).is_some_and(|run| run.timers.contains_key(&seq)) {
                        self.append(key, EventKind::TimerFired { seq }, None);
                        self.drive(key);
                    }
                }
                Wake::Task(key) => self.drive(key),
                Wake::RunTimeout(key) => self.time_out(key),
                Wake::Attempt(key, seq) => self.begin(key, seq),
                Wake::ScheduleToStart(key, seq) => {
                    let waits = |run: &super::Run| {
                        run.activities.get(&seq).is_some_and(|pending| !pending.state.running)
                    };
                    if self.runs.get(&key).is_some_and(waits) {
                        self.settle(key, seq, Ended::TimedOut(TimeoutType::ScheduleToStart));
                    }
                }
                Wake::ScheduleToClose(key, seq) => {
                    self.settle(key, seq, Ended::TimedOut(TimeoutType::ScheduleToClose));
                }
                Wake::Sweep => sweep = true,
            }
        }
        sweep
    }

    /// Sets the clock for a run that begins or is taken up.
    pub(super) fn arm_run(&mut self, key: i64, started: &RunStarted) {
        if started.first_task_at > self.now {
            self.wakes.insert((started.first_task_at, Wake::Task(key)));
        }
        if let Some(at) = run_deadline(started) {
            self.wakes.insert((at, Wake::RunTimeout(key)));
        }
    }

    /// Takes back what a run was going to be woken for.
    pub(super) fn disarm(&mut self, run: &super::Run) {
        let key = run.key;
        self.wakes.remove(&(run.started.first_task_at, Wake::Task(key)));
        if let Some(trouble) = &run.live.trouble {
            self.wakes.remove(&(trouble.retry_at, Wake::Task(key)));
        }
        if let Some(at) = run_deadline(&run.started) {
            self.wakes.remove(&(at, Wake::RunTimeout(key)));
        }
        for (seq, at) in &run.timers {
            self.wakes.remove(&(*at, Wake::Timer(key, *seq)));
        }
        for pending in run.activities.values() {
            self.disarm_activity(key, pending);
        }
    }
}

/// When a run has taken too long: by its own limit, or by that of its row.
fn run_deadline(started: &RunStarted) -> Option<perilune_workflow::Timestamp> {
    let own = started.run_timeout.map(|limit| started.first_task_at.after(limit));
    own.into_iter().chain(started.expires_at).min()
}
