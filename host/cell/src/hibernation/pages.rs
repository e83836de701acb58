//! Which pages of a memory are compared with the image.

use crate::image::{Image, Memory, PAGE, pagemap};
use crate::interfaces::exports::Stretch;
use std::ops::Range;

/// Numbers of the pages that may differ from the image and hold something, ascending: those that were written, those that the
/// image has changed, since they may have been given back, and of these none that is free. All, where the system cannot tell.
pub(super) fn to_compare(memory: Memory, image: &Image, free: &[Stretch]) -> impl Iterator<Item = usize> {
    let count = memory.len() / PAGE;
    let mut wanted = match pagemap::all_written(memory) {
        Some(ranges) => {
            let mut wanted = vec![false; count];
            ranges.iter().for_each(|range| mark(&mut wanted, whole_pages(range.start, range.end), true));
            image.difference().pages().for_each(|number| mark(&mut wanted, number..number + 1, true));
            wanted
        }
        None => vec![true; count],
    };
    for stretch in free {
        let start = stretch.start as usize;
        mark(&mut wanted, whole_pages(start, start + stretch.length as usize), false);
    }
    // The stack holds nothing between turns.
    mark(&mut wanted, 0..image.data() / PAGE, false);
    (0..count).filter(move |number| wanted[*number])
}

fn whole_pages(start: usize, end: usize) -> Range<usize> {
    start.div_ceil(PAGE)..end / PAGE
}

/// Pages that the memory does not have are passed over: the guest may say anything.
fn mark(pages: &mut [bool], range: Range<usize>, value: bool) {
    if let Some(range) = pages.get_mut(range.start..range.end.max(range.start)) {
        range.fill(value);
    }
}
