//! Reads the memory that an image stands for, without making it.

use super::difference::PAGE;
use super::{Base, Image, Run};

/// The base, or an image laid over it, read page by page in ascending order.
pub(crate) struct Reference<'a> {
    base: &'a [u8],
    /// Runs that end behind the last page that was read, and their bytes.
    runs: &'a [Run],
    changed: &'a [u8],
}

impl<'a> Reference<'a> {
    pub(crate) fn base(base: &'a Base) -> Self {
        Reference { base: &base.bytes, runs: &[], changed: &[] }
    }

    pub(crate) fn image(image: &'a Image) -> Self {
        let difference = &image.difference;
        Reference { base: &image.base.bytes, runs: &difference.runs, changed: &difference.changed }
    }

    /// The page of this number, which is not below that of the call before.
    pub(crate) fn read(&mut self, number: usize, page: &mut [u8; PAGE]) {
        let (start, end) = (number * PAGE, (number + 1) * PAGE);
        match self.base.get(start..end) {
            Some(bytes) => page.copy_from_slice(bytes),
            None => page.fill(0),
        }
        while let Some((run, others)) = self.runs.split_first() {
            let first = run.start as usize;
            let inside = first.max(start)..run.end().min(end);
            if !inside.is_empty() {
                let bytes = &self.changed[inside.start - first..inside.end - first];
                page[inside.start - start..inside.end - start].copy_from_slice(bytes);
            }
            if run.end() > end {
                return;
            }
            (self.runs, self.changed) = (others, &self.changed[run.length as usize..]);
        }
    }
}
