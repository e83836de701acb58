//! Which lines of scripts can run, and which did.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lines of one entry that can run, each with the number of cells in which it did.
pub type Lines = BTreeMap<u32, u64>;

/// Lines that are kept of all entries together. A guest gone wrong could name any.
const MOST_LINES: usize = 1 << 22;

/// Which lines of scripts can run, and which did: what cells report to a host that has one ([`Host::coverage`]).
///
/// A cell reports a line when it runs there for the first time, at once: what a cell did before a limit ended it counts as well.
/// What ran while an image was made counts once for the image.
///
/// [`Host::coverage`]: crate::Host::coverage
#[derive(Debug, Default)]
pub struct Coverage(Mutex<Vec<Watched>>);

/// One version of an entry's code. An entry may be compiled many times: by itself, and in those that import it.
#[derive(Debug)]
struct Watched {
    entry: String,
    lines: Lines,
}

impl Coverage {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known, by entry. Versions of an entry that changed meanwhile are added up.
    pub fn lines(&self) -> BTreeMap<String, Lines> {
        let mut all: BTreeMap<String, Lines> = BTreeMap::new();
        for watched in self.watched().iter() {
            let lines = all.entry(watched.entry.clone()).or_default();
            for (line, count) in &watched.lines {
                *lines.entry(*line).or_default() += count;
            }
        }
        all
    }

    /// A number for an entry's code: the same for the same lines.
    pub(crate) fn watch(&self, entry: &str, lines: &[u8]) -> u32 {
        let can_run = lines.iter().zip(0..).filter(|(can_run, _)| **can_run != 0);
        let lines: Lines = can_run.map(|(_, line)| (line, 0)).collect();
        let mut all = self.watched();
        let known =
            all.iter().position(|watched| watched.entry == entry && watched.lines.keys().eq(lines.keys()));
        let kept: usize = all.iter().map(|watched| watched.lines.len() + 1).sum();
        let number = match known {
            Some(number) => number,
            None if kept + lines.len() >= MOST_LINES => return u32::MAX,
            None => {
                all.push(Watched { entry: entry.to_owned(), lines });
                all.len() - 1
            }
        };
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    pub(crate) fn reached(&self, watched: u32, line: u32) {
        let mut all = self.watched();
        let lines = all.get_mut(watched as usize).map(|watched| &mut watched.lines);
        if let Some(count) = lines.and_then(|lines| lines.get_mut(&line)) {
            *count += 1;
        }
    }

    fn watched(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
