//! Finds where a memory differs from another.

use super::{Base, Image, Memory, Reference};
use crate::Chunk;
use std::sync::Arc;

/// The system's page, at which most of the memory is found equal.
pub(crate) const PAGE: usize = 4096;

/// Changes are looked for in words of this many bytes.
const WORD: usize = 8;

/// Unchanged bytes between two runs below which they are one: a run costs eight bytes and some nanoseconds.
const GAP: usize = 32;

/// Where a memory differs from another, ascending, and what it holds there: the bytes of all runs lie one behind the other in
/// `changed`.
pub(crate) struct Difference {
    pub(crate) runs: Box<[Run]>,
    pub(crate) changed: Box<[u8]>,
}

/// A changed stretch of memory.
pub(crate) struct Run {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Image {
    /// The difference between the base and `memory`, a whole linear memory.
    pub(crate) fn of(base: &Arc<Base>, memory: &[u8], rest: &[Chunk]) -> Self {
        let pages = base.data / PAGE..memory.len() / PAGE;
        let difference = Difference::between(memory, pages, Reference::base(base));
        let touched = difference.pages().count() * PAGE;
        Image { base: base.clone(), size: memory.len(), difference, touched, rest: rest.into() }
    }
}

impl Difference {
    /// What `memory` holds in these pages, given by number and ascending, where the reference holds something else.
    pub(crate) fn between(
        memory: &[u8],
        pages: impl Iterator<Item = usize>,
        mut reference: Reference<'_>,
    ) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let mut before = [0; PAGE];
        for number in pages {
            let page = &memory[number * PAGE..][..PAGE];
            reference.read(number, &mut before);
            if *page != before {
                compare(page, &before, number * PAGE, &mut runs);
            }
        }
        let length = runs.iter().map(|run| run.length as usize).sum();
        let mut changed = Vec::with_capacity(length);
        for run in &runs {
            changed.extend_from_slice(&memory[run.start as usize..][..run.length as usize]);
        }
        Difference { runs: runs.into(), changed: changed.into() }
    }

    /// Numbers of the pages that hold a run, ascending.
    pub(crate) fn pages(&self) -> impl Iterator<Item = usize> {
        let mut next = 0;
        self.runs.iter().flat_map(move |run| {
            let first = next.max(run.start as usize / PAGE);
            next = run.end().div_ceil(PAGE);
            first..next
        })
    }

    /// Makes a memory that equals the other one this one.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`].
    pub(crate) unsafe fn lay_over(&self, memory: Memory) {
        let mut changed = &*self.changed;
        for run in &self.runs {
            let (bytes, others) = changed.split_at(run.length as usize);
            // SAFETY: as the caller promises.
            unsafe { memory.write(run.start as usize, bytes) };
            changed = others;
        }
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.runs) + self.changed.len()
    }
}

fn compare(page: &[u8], before: &[u8], offset: usize, runs: &mut Vec<Run>) {
    for (word, (now, then)) in page.chunks_exact(WORD).zip(before.chunks_exact(WORD)).enumerate() {
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
    pub(crate) fn end(&self) -> usize {
        self.start as usize + self.length as usize
    }
}
