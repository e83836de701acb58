//! An image: the memory of a cell right after its entry was loaded, from which calls begin.
//!
//! All cells of a guest begin with the same memory, the [`Base`]. Loading an entry changes some kilobytes of it here and
//! there, and an image holds these alone. A call's memory is the base with the image laid over it:
//!
//! | file | step |
//! |---|---|
//! | `cells.rs` | makes images from cells, and cells from images |
//! | `difference.rs` | finds where two memories differ |
//! | `reference.rs` | reads an image as the memory that it stands for |
//! | `memory.rs` | writes to a cell's memory from outside |
//! | `pagemap.rs` | asks the system which pages a cell has written |
//! | `faults.rs` | knows it without asking, for calls that write the same pages as the one before |
//! | `written.rs` | writes an image as bytes, and reads such bytes |
//! | `off_page.rs` | keeps the bytes that pages are copied from |
//! | `restore.rs` | makes a fresh or a used memory the image's |

mod cells;
mod difference;
mod faults;
mod memory;
mod off_page;
pub(crate) mod pagemap;
mod reference;
mod restore;
mod written;

use crate::Chunk;
pub(crate) use difference::{Difference, PAGE, Run};
pub(crate) use faults::Private;
pub(crate) use memory::Memory;
use off_page::OffPage;
pub(crate) use reference::Reference;
use std::sync::Arc;

/// The memory that every cell of a guest begins with.
pub(crate) struct Base {
    bytes: OffPage,
    /// Where data begins; the stack below it holds nothing between turns.
    data: usize,
    /// Whether pages that are given back to the system read as the base again, which is what lets used cells be cleaned.
    can_discard: bool,
}

/// What loading an entry and its imports left in memory.
pub struct Image {
    base: Arc<Base>,
    /// Bytes of memory, a multiple of wasm's page.
    size: usize,
    /// From the base.
    difference: Difference,
    /// Bytes of the pages that differ.
    touched: usize,
    /// Chunks that asked for the time, randomness or a call's context while they loaded, and what comes after them: they run
    /// at the beginning of each call.
    rest: Box<[Chunk]>,
}

impl Image {
    /// Bytes that this image takes, besides the base that all share.
    pub fn bytes(&self) -> usize {
        let rest: usize = self.rest.iter().map(|chunk| chunk.source.len()).sum();
        size_of::<Self>() + self.difference.bytes() + rest
    }

    /// Whether all chunks are loaded in it; else some run at the beginning of each call.
    pub fn is_complete(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &[Chunk] {
        &self.rest
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn difference(&self) -> &Difference {
        &self.difference
    }

    /// Where data begins.
    pub(crate) fn data(&self) -> usize {
        self.base.data
    }
}
