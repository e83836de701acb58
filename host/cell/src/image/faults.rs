//! Which pages of a used cell are written, without asking the kernel again.
//!
//! A page that is written for the first time since it was given back faults, on the thread that writes. So after a scan that found all
//! private pages, and as long as no thread that ran the cell has had a fault meanwhile, they are still the same. Most calls of an entry
//! write the same pages as the call before, and have none. Reading a thread's counter takes
//! 0.3 µs, a scan of some hundred present pages ten times as long and more.
//!
//! Where a thread has had no fault since the last turn that it ran, it had none in the turns after that either: each turn asks once, at its
//! end, and takes what the turn before it was told as its beginning.

use super::Memory;
use std::cell::Cell;
use std::ops::Range;

thread_local! {
    /// Faults of this thread when it was last asked, unless it had some since.
    static LAST: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Turns after which a cell is scanned anyway: who takes that many does not notice a scan, and would pay for each turn.
const TURNS: u8 = 4;

/// What is known about a cell's private pages.
#[derive(Default)]
pub(crate) struct Private {
    /// All of them, unless one may have come.
    known: Option<Box<[Range<usize>]>>,
    /// What was known when the turn began that runs now, or was given up, and the faults of its thread.
    before: Option<(Box<[Range<usize>]>, u64)>,
    turns: u8,
    /// Bytes of the memory within which pages fault one by one.
    is_single: usize,
}

impl Private {
    /// A turn begins.
    pub(crate) fn begin_turn(&mut self) {
        self.before = None;
        if let Some(pages) = self.known.take()
            && self.turns < TURNS
        {
            self.turns += 1;
            self.before = LAST.get().or_else(thread_faults).map(|faults| (pages, faults));
        }
    }

    /// A turn ends; `on_one_thread` if it never gave way, so that the thread is the one where it began.
    pub(crate) fn end_turn(&mut self, on_one_thread: bool) {
        let Some((pages, before)) = self.before.take().filter(|_| on_one_thread) else { return };
        let now = thread_faults();
        let had_none = now == Some(before);
        // After a fault, whosever it was, the next turn has to ask where it begins.
        LAST.set(now.filter(|_| had_none));
        if had_none {
            self.known = Some(pages);
        }
    }

    /// Pages were given back.
    pub(crate) fn forget(&mut self) {
        self.known = None;
    }

    /// All private pages, where that is known. The next turns begin with the same.
    pub(super) fn known(&mut self) -> Option<&[Range<usize>]> {
        self.turns = 0;
        self.known.as_deref()
    }

    /// A scan found all private pages of `memory`.
    pub(super) fn learn(&mut self, memory: Memory, pages: Vec<Range<usize>>) {
        // The kernel must not join pages into huge ones behind our back: writing to those does not fault.
        if self.is_single < memory.len() && memory.keep_single() {
            self.is_single = memory.len();
        }
        self.turns = 0;
        self.known = (self.is_single >= memory.len()).then(|| pages.into());
    }
}

/// Page faults of the running thread so far, where the system counts them.
#[cfg(target_os = "linux")]
fn thread_faults() -> Option<u64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the kernel writes the structure whose address it gets, which lives until the call returns.
    let done = unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
    // SAFETY: it says that it has written it.
    let usage = (done == 0).then(|| unsafe { usage.assume_init() })?;
    u64::try_from(usage.ru_minflt.checked_add(usage.ru_majflt)?).ok()
}

#[cfg(not(target_os = "linux"))]
fn thread_faults() -> Option<u64> {
    None
}
