//! Which pages of a memory were written, as Linux 6.7 and newer tell by the ioctl `PAGEMAP_SCAN`.

use super::Memory;
use std::ops::Range;

/// The ranges of bytes whose pages are no longer those of the file or of zeros that they were mapped from. `None` where the system
/// cannot tell or when it is more than `most` bytes or many stretches.
#[cfg(target_os = "linux")]
pub(super) fn written(memory: Memory, most: usize) -> Option<Vec<Range<usize>>> {
    let mut regions = [const { MaybeUninit::uninit() }; linux::REGIONS];
    let (regions, end) = linux::scan(memory, 0, &mut regions)?;
    let bytes: usize = regions.iter().map(|region| region.within(memory).len()).sum();
    let is_all = end == memory.len();
    (is_all && bytes <= most).then(|| regions.iter().map(|region| region.within(memory)).collect())
}

/// The same ranges, however many. `None` where the system cannot tell.
#[cfg(target_os = "linux")]
pub(crate) fn all_written(memory: Memory) -> Option<Vec<Range<usize>>> {
    let (mut ranges, mut seen) = (Vec::new(), 0);
    while seen < memory.len() {
        let mut regions = [const { MaybeUninit::uninit() }; linux::REGIONS];
        let (regions, end) = linux::scan(memory, seen, &mut regions)?;
        ranges.extend(regions.iter().map(|region| region.within(memory)));
        if end <= seen {
            return None;
        }
        seen = end;
    }
    Some(ranges)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn written(_memory: Memory, _most: usize) -> Option<Vec<Range<usize>>> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn all_written(_memory: Memory) -> Option<Vec<Range<usize>>> {
    None
}

#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;

/// The ioctl, as `linux/fs.h` declares it.
#[cfg(target_os = "linux")]
mod linux {
    use super::Memory;
    use std::fs::File;
    use std::mem::MaybeUninit;
    use std::ops::Range;
    use std::os::fd::AsRawFd;
    use std::sync::LazyLock;

    /// `_IOWR('f', 16, struct pm_scan_arg)`.
    const PAGEMAP_SCAN: libc::Ioctl = 0xC060_6610_u32 as libc::Ioctl;

    const FILE: u64 = 1 << 2;
    const PRESENT: u64 = 1 << 3;
    const SWAPPED: u64 = 1 << 4;
    const ZERO: u64 = 1 << 5;

    /// Stretches of pages that one scan reports; a used cell has about twenty.
    pub(super) const REGIONS: usize = 128;

    static PAGEMAP: LazyLock<Option<File>> = LazyLock::new(|| File::open("/proc/self/pagemap").ok());

    /// `struct pm_scan_arg`.
    #[repr(C)]
    #[derive(Default)]
    struct Request {
        size: u64,
        flags: u64,
        start: u64,
        end: u64,
        walk_end: u64,
        regions: u64,
        regions_length: u64,
        max_pages: u64,
        category_inverted: u64,
        category_mask: u64,
        category_anyof_mask: u64,
        return_mask: u64,
    }

    /// `struct page_region`.
    #[repr(C)]
    pub(super) struct Region {
        start: u64,
        end: u64,
        categories: u64,
    }

    impl Region {
        /// Its bytes within a memory.
        pub(super) fn within(&self, memory: Memory) -> Range<usize> {
            self.start as usize - memory.address()..self.end as usize - memory.address()
        }
    }

    /// The regions of private pages in a memory from an offset on, and up to where these are all; `None` when the system
    /// cannot tell.
    pub(super) fn scan(
        memory: Memory,
        from: usize,
        regions: &mut [MaybeUninit<Region>; REGIONS],
    ) -> Option<(&[Region], usize)> {
        let mut request = Request {
            size: size_of::<Request>() as u64,
            start: (memory.address() + from) as u64,
            end: (memory.address() + memory.len()) as u64,
            regions: regions.as_mut_ptr().expose_provenance() as u64,
            regions_length: REGIONS as u64,
            // Pages of a file or of zeros are unchanged; what was swapped out may not be.
            category_inverted: FILE | ZERO,
            category_mask: FILE | ZERO,
            category_anyof_mask: PRESENT | SWAPPED,
            ..Request::default()
        };
        let pagemap = PAGEMAP.as_ref()?;
        // SAFETY: `request` is the structure that the call takes, of the size that it names; the kernel writes to it, and at
        // most `regions_length` regions to `regions`. Both outlive the call.
        let found = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut request) };
        let found = regions.get(..usize::try_from(found).ok()?)?;
        let end = usize::try_from(request.walk_end).ok()?.checked_sub(memory.address())?;
        // SAFETY: the kernel says that it wrote so many.
        Some((unsafe { found.assume_init_ref() }, end))
    }
}
