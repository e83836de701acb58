//! Messages that nobody will read: what was in a mailbox when its run ended, and what a script had taken and not read. Events of the
//! host are none. Of a cell that was ended nobody knows what it read in its last turn: what that was given counts.

use perilune_cell::Message;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The last so many are kept to be looked at.
const KEPT: usize = 100;

/// Characters of a topic that are kept: a sender chooses it, and it may be as large as a mailbox.
const LONGEST_TOPIC: usize = 200;

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
        for Message { topic, sender, payloads } in messages {
            self.add_one(to, &topic, &sender, payloads.len());
        }
    }

    pub(crate) fn add_one(&self, to: &str, topic: &str, from: &str, bytes: usize) {
        if topic.starts_with('@') {
            return;
        }
        let letter = DeadLetter {
            at: SystemTime::now(),
            to: to.to_owned(),
            from: from.chars().take(LONGEST_TOPIC).collect(),
            topic: topic.chars().take(LONGEST_TOPIC).collect(),
            bytes,
        };
        let mut all = self.lock();
        all.0 += 1;
        if all.1.len() == KEPT {
            all.1.pop_front();
        }
        all.1.push_back(letter);
    }

    /// Counts those of which nothing else is known: they went with the cell that held them.
    pub(crate) fn count(&self, messages: u32) {
        if messages > 0 {
            self.lock().0 += u64::from(messages);
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
