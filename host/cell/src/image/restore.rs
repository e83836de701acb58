//! Makes a memory the image's.

use super::difference::PAGE;
use super::{Base, Image, Memory, OffPage, Private, pagemap};
use std::ops::Range;

/// Bytes that a used cell may have written beyond its image's pages to be cleaned page by page. A typical call writes 60
/// KiB. Copying this much costs 40 µs, about what giving all pages back costs in page faults later, and what was written
/// once is copied at each later reset, while pages that were given back are not.
const MOST_WRITTEN: usize = 256 << 10;

/// Pages of data that reading a fresh memory may write: the one that its address is returned in, perhaps across two.
const WRITTEN_BY_READING: usize = 2;

impl Base {
    /// The base of a guest, from the memory of a fresh cell, a copy of it, and where its data begins.
    ///
    /// # Safety
    ///
    /// `memory` must be of a fresh cell at rest, which nobody uses afterwards.
    pub(crate) unsafe fn take(memory: Memory, bytes: Box<[u8]>, data: usize) -> Self {
        // Where the guest's initial data was copied instead of mapped, the system returns zeros for it.
        // SAFETY: as the caller promises.
        if unsafe { memory.discard() } {
            // SAFETY: as above.
            let returned = unsafe { memory.copy() };
            let changed = bytes.chunks(PAGE).zip(returned.chunks(PAGE)).skip(data / PAGE);
            if changed.filter(|(before, after)| before != after).count() <= WRITTEN_BY_READING {
                return Base { bytes: OffPage::copy_of(&returned), data, can_discard: true };
            }
        }
        Base { bytes: OffPage::copy_of(&bytes), data, can_discard: false }
    }

    /// Writes the base's bytes to some ranges of a memory.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`].
    unsafe fn restore(&self, memory: Memory, ranges: &[Range<usize>]) {
        let length = self.bytes.len();
        for range in ranges {
            let inside = range.start.min(length)..range.end.min(length);
            let behind = range.start.max(length)..range.end.max(length);
            // SAFETY: as the caller promises.
            unsafe {
                memory.write(inside.start, &self.bytes[inside]);
                memory.clear(behind.start, behind.len());
            }
        }
    }
}

impl Image {
    /// Lays the image over a fresh memory of at least its size.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`].
    pub(crate) unsafe fn lay_over(&self, memory: Memory) {
        // SAFETY: as the caller promises.
        unsafe { self.difference.lay_over(memory) }
    }

    /// Gives all pages of a memory back to the system; [`Image::lay_over`] then makes it the image's again. False where the system
    /// would not return the base.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`].
    pub(crate) unsafe fn give_back(&self, memory: Memory) -> bool {
        // SAFETY: as the caller promises.
        self.base.can_discard && unsafe { memory.discard() }
    }

    /// Makes a memory that was this image's before what it was then. False when that is not possible here; then the cell must
    /// not be used again. The first time, pages that were written before this cell had the memory are given back as well.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`].
    pub(crate) unsafe fn reset(&self, memory: Memory, is_first: bool, private: &mut Private) -> bool {
        if !self.base.can_discard {
            return false;
        }
        let most = if is_first { 0 } else { self.touched + MOST_WRITTEN };
        if let Some(pages) = private.known() {
            // SAFETY: as the caller promises.
            unsafe { self.base.restore(memory, pages) };
        } else if let Some(pages) = pagemap::written(memory, most) {
            // SAFETY: as the caller promises.
            unsafe { self.base.restore(memory, &pages) };
            private.learn(memory, pages);
        // SAFETY: as the caller promises.
        } else if !unsafe { memory.discard() } {
            return false;
        }
        // SAFETY: as the caller promises.
        unsafe { self.lay_over(memory) };
        true
    }
}
