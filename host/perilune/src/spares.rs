//! Cells that processes of an entry have left behind, made clean for the next ones (decision 0025).

use crate::program::Program;
use perilune_cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Cells that an entry keeps for processes to come. A fresh cell costs some 30 µs, a used one 8 µs, and short processes that
/// follow each other need few at a time.
const MOST: usize = 16;

/// Clean cells of one entry.
#[derive(Default)]
pub(crate) struct Spares(Mutex<Kept>);

#[derive(Default)]
#[expect(clippy::vec_box, reason = "a process hands its cell on by pointer: a cell is 1 KiB to move")]
struct Kept {
    cells: Vec<Box<Cell>>,
    /// When one was taken or kept last.
    used: Option<Instant>,
}

impl Spares {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cell that was used last: its memory is most likely still near.
    pub(crate) fn take(&self) -> Option<Box<Cell>> {
        let mut kept = self.lock();
        let cell = kept.cells.pop()?;
        kept.used = Some(Instant::now());
        Some(cell)
    }

    /// Makes a used cell clean and keeps it, unless there are enough, or others want its place.
    pub(crate) fn keep(&self, program: &Program, mut used: Box<Cell>) {
        let Some(image) = program.loaded().filter(|_| !program.is_crowded()) else { return };
        if self.lock().cells.len() >= MOST || !used.reset(image) {
            return;
        }
        let mut kept = self.lock();
        // Somebody may have begun to wait for its place in the meantime.
        if kept.cells.len() < MOST && !program.is_crowded() {
            kept.cells.push(used);
            kept.used = Some(Instant::now());
        }
    }

    /// Gives up at most so many, and says how many.
    pub(crate) fn shed(&self, most: usize) -> usize {
        let mut kept = self.lock();
        let left = kept.cells.len().saturating_sub(most);
        kept.cells.drain(left..).count()
    }

    /// Gives all up when none was needed for so long.
    pub(crate) fn rest(&self, after: Duration) {
        let mut kept = self.lock();
        if kept.used.is_some_and(|used| used.elapsed() >= after) {
            *kept = Kept::default();
        }
    }
}
