//! The record of what was refused.

use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Records about one entry within [`WINDOW`]. A script that tries in a loop must not fill the log, nor push others' records out.
const MOST: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

/// Entries that are told apart at one time; with more, the longest unheard of starts anew.
const ENTRIES: NonZeroUsize = NonZeroUsize::new(1024).expect("invariant: 1024 is not zero");

/// Characters of a text in a record; a script chooses some of them.
const LONGEST: usize = 256;

/// What was refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Denial<'a> {
    /// Who wanted to act.
    pub actor: Option<&'a str>,
    /// What was to be done.
    pub action: &'a str,
    /// To what.
    pub resource: &'a str,
    /// Whose code asked; empty outside of any call.
    pub entry: &'a str,
    /// The policy that denied it; `None` where none allowed it.
    pub policy: Option<&'a str>,
}

/// Writes one log record for each denial, target `perilune::security`; of many about one entry only the first, and how many
/// were left out.
pub struct Audit {
    recent: Mutex<LruCache<String, Recent>>,
}

struct Recent {
    since: Instant,
    written: u32,
    left_out: u64,
}

impl Default for Audit {
    fn default() -> Self {
        Audit { recent: Mutex::new(LruCache::new(ENTRIES)) }
    }
}

impl Audit {
    /// Writes a record, unless there were many.
    pub fn denied(&self, denial: &Denial<'_>) {
        let Some(left_out) = self.admit(denial.entry) else { return };
        tracing::warn!(
            target: "perilune::security",
            actor = denial.actor.map(short),
            action = short(denial.action),
            resource = short(denial.resource),
            entry = denial.entry,
            policy = denial.policy,
            left_out,
            "denied"
        );
    }

    /// How many records were left out since the last one; `None` where this one is left out too.
    fn admit(&self, entry: &str) -> Option<u64> {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Recent { since: now, written: 0, left_out: 0 };
        let recent = recent.get_or_insert_mut_ref(entry, fresh);
        if now.duration_since(recent.since) >= WINDOW {
            (recent.since, recent.written) = (now, 0);
        }
        if recent.written >= MOST {
            recent.left_out += 1;
            return None;
        }
        recent.written += 1;
        Some(std::mem::take(&mut recent.left_out))
    }
}

/// The beginning of a text.
fn short(text: &str) -> &str {
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end])
}
