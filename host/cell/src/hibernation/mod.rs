//! Hibernation: a cell that waits for messages alone gives its instance back. What stays is how its memory differs from its
//! image, compressed, and what its next turn needs of the host's side.
//!
//! | file | step |
//! |---|---|
//! | `pages.rs` | decides which pages of a memory are compared with the image |
//! | `packed.rs` | writes a difference down and compresses it |
//! | `suspended.rs` | the host's side, as long as there is no cell |

mod packed;
mod pages;
mod suspended;

use crate::cell::guarded;
use crate::image::{Difference, Image, Reference};
use crate::{Cell, Identity, Limits, Template};
use packed::Packed;
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use std::time::Instant;
use suspended::Suspended;

/// A cell that waits, without an instance and without a place among the engine's cells. [`Template::revive`] makes it a cell again.
pub struct Hibernated {
    image: Arc<Image>,
    /// Bytes of its linear memory.
    size: usize,
    packed: Packed,
    suspended: Suspended,
}

impl Hibernated {
    /// Which entry it runs.
    pub fn identity(&self) -> &Identity {
        &self.suspended.spec.identity
    }

    /// When its run must have ended: meanwhile nothing but its driver watches over that.
    pub fn deadline(&self) -> Option<Instant> {
        self.suspended.deadline
    }

    /// Bytes that it takes, besides the image and the context, which it may share with others. Never more than the cell's
    /// memory and some hundred.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.packed.bytes()
    }

    /// Bytes that differed from the image, before they were compressed.
    pub fn changed(&self) -> usize {
        self.packed.length()
    }
}

impl Cell {
    /// Whether it can hibernate: it is alive and between turns, was made from an image, has nothing open on the host, and waits
    /// for nothing but messages.
    pub fn can_hibernate(&self) -> bool {
        let state = self.store.data();
        let is_alone = state.handles.is_empty()
            && state.held.is_empty()
            && state.computing.available_permits() == crate::state::COMPUTING;
        self.memory.is_some() && !self.is_resting && !self.is_dead() && self.is_idle() && is_alone
    }

    /// Gives the instance and the place back, and keeps how the memory differs from `image`, which this cell was made from.
    /// Garbage may be collected, so weak tables may lose entries; no code of the script runs.
    ///
    /// Comparing and compressing take some milliseconds for each mebibyte that differs, without giving way to others.
    /// Dropping the future drops the cell.
    ///
    /// # Errors
    ///
    /// The cell, where it cannot hibernate, or died while it was prepared: its next turn says why.
    pub async fn hibernate(mut self, image: &Arc<Image>) -> Result<Hibernated, Box<Cell>> {
        let Some(packed) = self.pack(image).await else { return Err(Box::new(self)) };
        let state = self.store.data();
        let (size, suspended) = (state.memory, Suspended::of(state));
        // Its place would keep the pages for the next cell: 230 KiB, as collecting garbage writes to most that are in use.
        self.rest(image);
        Ok(Hibernated { image: image.clone(), size, packed, suspended })
    }

    /// What [`Cell::hibernate`] keeps, while the cell goes on: a place to come back to. `None` where it cannot hibernate.
    pub async fn checkpoint(&mut self, image: &Arc<Image>) -> Option<Hibernated> {
        let packed = self.pack(image).await?;
        let state = self.store.data();
        Some(Hibernated { image: image.clone(), size: state.memory, packed, suspended: Suspended::of(state) })
    }

    async fn pack(&mut self, image: &Image) -> Option<Packed> {
        if !self.can_hibernate() {
            return None;
        }
        // Collecting is not the script's work, and must not end a cell that has little time for a turn.
        let cpu = self.store.data().limits.cpu;
        self.store.data_mut().limits.cpu = cpu.max(Limits::CEILING.cpu);
        let (instance, store) = self.begin();
        let called = guarded(instance.perilune_cell_guest().call_compact(store)).await;
        let free = self.settle(called);
        self.store.data_mut().limits.cpu = cpu;
        // SAFETY: a pooled memory never moves, and wasmtime told the limiter how far it has grown.
        let memory = unsafe { self.memory?.grown(self.store.data().memory) };
        let free = free.ok()?;
        let pages = pages::to_compare(memory, image, &free);
        // SAFETY: `&mut self` is the only way to this cell, and nothing runs in it before the slice is dropped.
        let bytes = unsafe { memory.bytes() };
        let packed = Packed::new(&Difference::between(bytes, pages, Reference::image(image)));
        // A guest that is not the usual one may have begun something meanwhile.
        packed.ok().filter(|_| self.can_hibernate())
    }
}

impl Template {
    /// A cell that goes on where the hibernated one stopped: its next turn gives it the events that came meanwhile. Whoever
    /// drives it drops the other one then; until that, and when this fails or is given up, nothing is lost.
    ///
    /// # Errors
    ///
    /// As [`Template::instantiate`].
    pub async fn revive(&self, hibernated: &Hibernated) -> Result<Cell, Failure> {
        let entry = &hibernated.identity().entry;
        let mut cell = self.instantiate(hibernated.suspended.spec.clone()).await?;
        let taken = cell.take_over(&hibernated.image, hibernated.size).await;
        taken.map_err(|death| death.into_failure(entry))?;
        let difference = hibernated.packed.unpack().map_err(|error| {
            Failure::new(Kind::Internal, format!("{entry}: its hibernated memory cannot be read: {error}"))
        })?;
        if let Some(memory) = cell.memory {
            // SAFETY: the cell is fresh, and its memory at least as large as the one that was compared.
            unsafe { difference.lay_over(memory) };
        }
        hibernated.suspended.resume(cell.store.data_mut());
        Ok(cell)
    }
}
