//! Which cells run, and their mailboxes.

use perilune_cell::{Event, Mailbox, Refused, Sender, mailbox};
use perilune_value::{Failure, Kind};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Messages that wait for a cell that is busy. A sender beyond it is told, instead of filling the host's memory.
const MAILBOX: usize = 1024;

/// Bytes of those messages; a quarter of a cell's default memory, which must take them in.
const MAILBOX_BYTES: usize = 16 << 20;

/// The running cells of a host.
#[derive(Default)]
pub(crate) struct Pids {
    last: AtomicU64,
    mailboxes: Mutex<HashMap<String, Sender>>,
}

/// A running cell's name and mailbox; it is forgotten when this is dropped.
pub(crate) struct Running {
    pub(crate) pid: String,
    pub(crate) mailbox: Mailbox,
    pids: Arc<Pids>,
}

impl Pids {
    /// A new pid on a host such as `functions`: `{host|number}`.
    pub(crate) fn register(self: &Arc<Self>, host: &str) -> Running {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let pid = format!("{{{host}|{number:05x}}}");
        let (sender, receiver) = mailbox(MAILBOX, MAILBOX_BYTES);
        self.lock().insert(pid.clone(), sender);
        Running { pid, mailbox: receiver, pids: self.clone() }
    }

    /// Puts an event into a mailbox.
    pub(crate) fn deliver(&self, pid: &str, event: Event) -> Result<(), Failure> {
        let sender = self.lock().get(pid).cloned();
        let gone = || Failure::not_found(format!("no process {pid} is running"));
        match sender.ok_or_else(gone)?.deliver(event) {
            Ok(()) => Ok(()),
            Err(Refused::Closed) => Err(gone()),
            Err(full) => {
                let message = format!("the mailbox of {pid} is full: {full}");
                let failure = Failure::new(Kind::RateLimited, message).with_retryable(true);
                Err(failure.with_detail("limit", "mailbox"))
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Sender>> {
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pids.lock().remove(&self.pid);
    }
}
