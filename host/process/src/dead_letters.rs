//! Messages that nobody will read: what was in a mailbox when its run ended.

use perilune_cell::Message;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The last so many are kept to be looked at.
const KEPT: usize = 100;

/// A message that nobody will read.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// When its receiver ended.
    pub at: SystemTime,
    /// The pid of its receiver.
    pub to: String,
    /// The pid of its sender.
    pub from: String,
    /// What it was about.
    pub topic: String,
    /// Its size in bytes.
    pub bytes: usize,
}

/// The last ones, and how many there have been.
#[derive(Default)]
pub(crate) struct DeadLetters(Mutex<(u64, VecDeque<DeadLetter>)>);

impl DeadLetters {
    pub(crate) fn add(&self, to: &str, messages: Vec<Message>) {
        if messages.is_empty() {
            return;
        }
        let at = SystemTime::now();
        let mut all = self.lock();
        all.0 += messages.len() as u64;
        let skipped = messages.len().saturating_sub(KEPT);
        for message in messages.into_iter().skip(skipped) {
            if all.1.len() == KEPT {
                all.1.pop_front();
            }
            let Message { topic, sender, payloads } = message;
            all.1.push_back(DeadLetter { at, to: to.to_owned(), from: sender, topic, bytes: payloads.len() });
        }
    }

    /// The last ones, the oldest first, and how many there have been.
    pub(crate) fn list(&self) -> (u64, Vec<DeadLetter>) {
        let all = self.lock();
        (all.0, all.1.iter().cloned().collect())
    }

    fn lock(&self) -> MutexGuard<'_, (u64, VecDeque<DeadLetter>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
