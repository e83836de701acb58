//! A cell's linear memory, written from outside while the cell does not run.

use std::{ptr, slice};

/// The linear memory of a cell at rest. Wasmtime's component API only lends it for reading.
///
/// Whoever has one also has the cell to itself (`&mut Cell`), and nothing in the cell runs meanwhile, so nothing else reads
/// or writes these bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// As exposed by the slice that wasmtime lent.
    start: usize,
    length: usize,
}

impl Memory {
    /// The memory behind a slice that wasmtime lent.
    pub(crate) fn of(lent: &[u8]) -> Self {
        Memory { start: lent.as_ptr().expose_provenance(), length: lent.len() }
    }

    /// The same memory, grown to `length` bytes. A pooled memory never moves.
    ///
    /// # Safety
    ///
    /// The memory must be at least so large.
    pub(crate) unsafe fn grown(self, length: usize) -> Self {
        Memory { length, ..self }
    }

    pub(crate) fn len(self) -> usize {
        self.length
    }

    pub(crate) fn address(self) -> usize {
        self.start
    }

    /// Copies bytes to `offset`.
    ///
    /// # Safety
    ///
    /// The cell must be alive, at rest, and not be used by others until this returns.
    pub(crate) unsafe fn write(self, offset: usize, bytes: &[u8]) {
        if let Some(target) = self.range(offset, bytes.len()) {
            // SAFETY: `target` lies within the mapping of the memory, which nobody else uses as the caller promises, and
            // `bytes` is outside of it: the host never keeps slices of a cell's memory.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
        }
    }

    /// Sets bytes to zero.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`].
    pub(crate) unsafe fn clear(self, offset: usize, length: usize) {
        // Nothing is not even touched: behind the memory lies a page that nobody may write to, and clearing no byte of it by a masked
        // store takes 150 ns.
        if let Some(target) = self.range(offset, length).filter(|_| length > 0) {
            // SAFETY: as in `write`.
            unsafe { ptr::write_bytes(target, 0, length) };
        }
    }

    /// Gives all pages back to the system: they read as what they were mapped from, the module's initial data or zeros.
    /// False where the system does not promise that.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`].
    #[cfg(target_os = "linux")]
    pub(crate) unsafe fn discard(self) -> bool {
        let start = ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: the range is the memory's own private mapping and page-aligned; nobody else uses it meanwhile.
        unsafe { libc::madvise(start, self.length, libc::MADV_DONTNEED) == 0 }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) unsafe fn discard(self) -> bool {
        false
    }

    /// Has the system never join pages of this memory into huge ones. False where it does not promise that.
    #[cfg(target_os = "linux")]
    pub(crate) fn keep_single(self) -> bool {
        let start = ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: this advice changes no byte, wherever it points to.
        unsafe { libc::madvise(start, self.length, libc::MADV_NOHUGEPAGE) == 0 }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn keep_single(self) -> bool {
        false
    }

    /// A copy of all bytes.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`].
    pub(crate) unsafe fn copy(self) -> Box<[u8]> {
        // SAFETY: as the caller promises; the slice ends with this statement.
        unsafe { self.bytes() }.into()
    }

    /// All bytes in place.
    ///
    /// # Safety
    ///
    /// As [`Memory::write`], for as long as the slice is used.
    pub(crate) unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: this is the whole mapping, and nobody writes to it as the caller promises.
        unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(self.start), self.length) }
    }

    /// Where so many bytes from `offset` on are, if the memory holds them all.
    fn range(self, offset: usize, length: usize) -> Option<*mut u8> {
        let end = offset.checked_add(length)?;
        (end <= self.length).then(|| ptr::with_exposed_provenance_mut(self.start + offset))
    }
}
