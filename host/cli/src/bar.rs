//! A line at the bottom of the terminal that says how far something is. What is written meanwhile comes above it.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The one that is shown now.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A bar, which is gone when this is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar of so many steps; `None` where nobody would see it.
    pub(crate) fn show(steps: usize) -> Option<Self> {
        if !io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::new(steps as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
        let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        *shown() = Some(bar.clone());
        Some(Bar(bar))
    }

    /// So many steps are done, and this is the next.
    pub(crate) fn set(&self, done: usize, next: &str) {
        self.0.set_message(next.escape_debug().to_string());
        self.0.set_position(done as u64);
    }

    /// One more step is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        shown().take();
        self.0.finish_and_clear();
    }
}

/// Writes to the terminal, above the bar if there is one. `write` itself must not come back here.
pub(crate) fn above<T>(write: impl FnOnce() -> T) -> T {
    let bar = shown().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
