//! Finds what loading changed.

use super::{Base, Image, Run};
use crate::Chunk;
use std::sync::Arc;

/// The system's page, at which most of the memory is found equal.
pub(super) const PAGE: usize = 4096;

/// Changes are looked for in words of this many bytes.
const WORD: usize = 8;

/// Unchanged bytes between two runs below which they are one: a run costs eight bytes and some nanoseconds.
const GAP: usize = 32;

const ZEROS: [u8; PAGE] = [0; PAGE];

impl Image {
    /// The difference between the base and `memory`, a whole linear memory.
    pub(crate) fn of(base: &Arc<Base>, memory: &[u8], rest: &[Chunk]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let mut touched = 0;
        let start = base.data / PAGE * PAGE;
        for (number, page) in memory.chunks(PAGE).enumerate().skip(start / PAGE) {
            let offset = number * PAGE;
            let before = base.bytes.get(offset..offset + page.len()).unwrap_or(&ZEROS[..page.len()]);
            if page != before {
                touched += PAGE;
                compare(page, before, offset, &mut runs);
            }
        }
        let length = runs.iter().map(|run| run.length as usize).sum();
        let mut changed = Vec::with_capacity(length);
        for run in &runs {
            changed.extend_from_slice(&memory[run.start as usize..][..run.length as usize]);
        }
        Image {
            base: base.clone(),
            size: memory.len(),
            runs: runs.into(),
            changed: changed.into(),
            touched,
            rest: rest.into(),
        }
    }
}

fn compare(page: &[u8], before: &[u8], offset: usize, runs: &mut Vec<Run>) {
    for (word, (now, then)) in page.chunks(WORD).zip(before.chunks(WORD)).enumerate() {
        if now == then {
            continue;
        }
        let start = offset + word * WORD;
        match runs.last_mut() {
            Some(run) if start <= run.end() + GAP => run.length = (start + WORD) as u32 - run.start,
            _ => runs.push(Run { start: start as u32, length: WORD as u32 }),
        }
    }
}

impl Run {
    fn end(&self) -> usize {
        self.start as usize + self.length as usize
    }
}
