//! Runs tests, several at a time.

use super::select::Test;
use perilune::{Authority, Call, Failure, Heard, Kind, Listener, Runtime, Value};
use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What is kept of what a test prints: enough to read, and bounded.
const MOST_OUTPUT: usize = 256 << 10;

/// How tests are run.
pub(crate) struct Runner {
    pub(crate) runtime: Runtime,
    pub(crate) authority: Authority,
    /// How many at once.
    pub(crate) jobs: usize,
    /// For tests that say nothing.
    pub(crate) timeout: Option<Duration>,
    pub(crate) fail_fast: bool,
}

/// A test and what became of it.
pub(crate) struct Finished {
    pub(crate) test: Test,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// Lines that it and what it called printed and logged.
    pub(crate) output: Vec<String>,
}

/// What became of a test.
pub(crate) enum Outcome {
    Passed,
    Failed(Failure),
    /// Why.
    Skipped(String),
    /// The run was ended before it had.
    Unfinished,
}

impl Outcome {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::Skipped(_) => "skipped",
            Outcome::Unfinished => "unfinished",
        }
    }
}

impl Runner {
    /// Runs tests and tells each as it ends, with its position. When `stop` comes first, those that run are cancelled, and it
    /// says so: its value is given back with all tests in their order.
    pub(crate) async fn run<S>(
        &self,
        tests: Vec<Test>,
        mut told: impl FnMut(usize, &Finished),
        stop: impl Future<Output = S>,
    ) -> (Vec<Finished>, Option<S>) {
        let mut finished: Vec<Option<Finished>> = tests.iter().map(|_| None).collect();
        let mut waiting: VecDeque<(usize, Test)> = tests.iter().cloned().enumerate().collect();
        let mut busy: HashSet<String> = HashSet::new();
        let mut running = JoinSet::new();
        let mut stop = pin!(stop);
        let (mut stopped, mut has_failed) = (None, false);
        loop {
            while running.len() < self.jobs && !(self.fail_fast && has_failed) {
                let is_free = |(_, test): &(usize, Test)| {
                    test.serial.as_ref().is_none_or(|serial| !busy.contains(serial))
                };
                let next = waiting.iter().position(is_free).and_then(|at| waiting.remove(at));
                let Some((position, test)) = next else { break };
                match test.skip.clone() {
                    Some(reason) => {
                        let skipped = Finished::without_run(test, Outcome::Skipped(reason));
                        told(position, &skipped);
                        finished[position] = Some(skipped);
                    }
                    None => {
                        busy.extend(test.serial.clone());
                        let one = self.one(test);
                        running.spawn(async move { (position, one.await) });
                    }
                }
            }
            if running.is_empty() || self.fail_fast && has_failed {
                break;
            }
            tokio::select! {
                Some(ended) = running.join_next() => {
                    // Cells contain the panics of what they run; a test that is lost all the same is seen as unfinished.
                    let Ok((position, one)) = ended else { continue };
                    has_failed |= matches!(one.outcome, Outcome::Failed(_));
                    if let Some(serial) = &one.test.serial {
                        busy.remove(serial);
                    }
                    told(position, &one);
                    finished[position] = Some(one);
                }
                reason = &mut stop => {
                    stopped = Some(reason);
                    break;
                }
            }
        }
        // Their cells end with them.
        running.shutdown().await;
        let or_unfinished = |(one, test): (Option<Finished>, Test)| {
            one.unwrap_or_else(|| Finished::without_run(test, Outcome::Unfinished))
        };
        (finished.into_iter().zip(tests).map(or_unfinished).collect(), stopped)
    }

    fn one(&self, test: Test) -> impl Future<Output = Finished> + use<> {
        let ear = Arc::new(Ear::default());
        let call = Call::new(&test.id).authority(self.authority.clone()).heard_by(ear.clone()).alone();
        let call = match test.timeout.or(self.timeout) {
            Some(timeout) => call.timeout(timeout),
            None => call,
        };
        let runtime = self.runtime.clone();
        async move {
            let began = Instant::now();
            let outcome = match runtime.call_with(call).await {
                Ok(Value::Bool(false)) => Outcome::Failed(Failure::new(Kind::Unknown, "it returned false")),
                Ok(_) => Outcome::Passed,
                Err(failure) => Outcome::Failed(failure),
            };
            Finished { test, outcome, took: began.elapsed(), output: ear.take() }
        }
    }
}

impl Finished {
    fn without_run(test: Test, outcome: Outcome) -> Self {
        Finished { test, outcome, took: Duration::ZERO, output: Vec::new() }
    }
}

/// Keeps what a test says.
#[derive(Default)]
struct Ear(Mutex<Said>);

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    bytes: usize,
    left_out: usize,
}

impl Listener for Ear {
    fn hear(&self, heard: &Heard<'_>) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.bytes + heard.text.len() > MOST_OUTPUT {
            said.left_out += 1;
            return;
        }
        said.bytes += heard.text.len() + 1;
        said.lines.push(match heard.level {
            Some(level) => format!("{level}: {} ({})", heard.text, heard.location),
            None => heard.text.to_owned(),
        });
    }
}

impl Ear {
    fn take(&self) -> Vec<String> {
        let said = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut lines = said.lines;
        if said.left_out > 0 {
            lines.push(format!("({} more lines)", said.left_out));
        }
        lines
    }
}
