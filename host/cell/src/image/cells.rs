//! Making images from cells, and cells from images.

use super::{Base, Image, Memory};
use crate::cell::guarded;
use crate::limits::Death;
use crate::{Cell, CellSpec, Chunk, Template};
use perilune_value::Failure;
use std::sync::Arc;
use wasmtime::component::WasmList;

impl Template {
    /// Loads chunks into a cell of their own and keeps the memory that they leave. Where a chunk asks for the time,
    /// randomness or the like, the image ends before it, and the rest runs at the beginning of each call.
    ///
    /// # Errors
    ///
    /// What a chunk raised, the limit that it reached, or `Unavailable` when there is no place for a cell.
    pub async fn image(&self, spec: CellSpec, chunks: &[Chunk]) -> Result<Image, Failure> {
        let base = self.base(&spec).await?;
        let loaded = self.load(spec.clone(), chunks).await?;
        let (mut cell, timeless) = match loaded {
            (cell, timeless) if timeless == chunks.len() => (cell, timeless),
            (used, timeless) => {
                // The chunks after those have left their traces, so the timeless ones get a cell without them. Its place must
                // be free first: loaders that each held one and waited for a second would wait for each other.
                drop(used);
                self.load(spec, &chunks[..timeless]).await?
            }
        };
        let entry = cell.identity().entry.clone();
        let image = cell.capture(&base, &chunks[timeless.min(chunks.len())..]).await;
        image.map_err(|death| death.into_failure(&entry))
    }

    /// A cell whose memory is an image's. What the image could not hold runs in [`Cell::load_rest`].
    ///
    /// # Errors
    ///
    /// As [`Template::instantiate`].
    pub async fn from_image(&self, spec: CellSpec, image: &Image) -> Result<Cell, Failure> {
        let entry = spec.identity.entry.clone();
        let mut cell = self.instantiate(spec).await?;
        cell.take_over(image, image.size()).await.map_err(|death| death.into_failure(&entry))?;
        Ok(cell)
    }

    /// The image that [`Image::to_bytes`] has written, of the same chunks and guest; `None` where the bytes are no such image. Bytes
    /// that were made to deceive reach nothing but the cells of this image.
    ///
    /// # Errors
    ///
    /// As [`Template::instantiate`].
    pub async fn written_image(
        &self,
        spec: CellSpec,
        bytes: &[u8],
        chunks: &[Chunk],
    ) -> Result<Option<Image>, Failure> {
        let base = self.base(&spec).await?;
        Ok(Image::from_bytes(&base, bytes, chunks, spec.limits.memory))
    }

    async fn load(&self, spec: CellSpec, chunks: &[Chunk]) -> Result<(Cell, usize), Failure> {
        let entry = spec.identity.entry.clone();
        let mut cell = self.instantiate(spec).await?;
        // What asks for randomness is not in the image, so that nothing but equal images comes of any seed.
        let timeless = cell.load_with(chunks, (0, 0)).await.map_err(|death| death.into_failure(&entry))??;
        Ok((cell, timeless as usize))
    }

    async fn base(&self, spec: &CellSpec) -> Result<Arc<Base>, Failure> {
        let make = async {
            let entry = spec.identity.entry.clone();
            let cell = self.instantiate(spec.clone()).await?;
            cell.into_base().await.map_err(|death| death.into_failure(&entry))
        };
        self.bases.get_or_try_init(|| make).await.cloned()
    }
}

impl Cell {
    /// Runs what the image of this cell could not hold.
    ///
    /// # Errors
    ///
    /// As [`Cell::load`].
    pub async fn load_rest(&mut self, image: &Image) -> Result<Result<(), Failure>, Death> {
        if image.is_complete() {
            return Ok(Ok(()));
        }
        Ok(self.load(image.rest()).await?.map(|_| ()))
    }

    /// Makes a used cell's memory the image's again. False when that cannot be done here or the cell has ended; then it must
    /// be dropped.
    pub fn reset(&mut self, image: &Image) -> bool {
        let (Some(memory), false) = (self.memory, self.is_dead()) else { return false };
        // A call whose rest failed to load never ran, and so never ended.
        self.store.data_mut().end_call();
        if self.is_resting {
            self.wake(image);
            return true;
        }
        // SAFETY: a pooled memory never moves, and wasmtime told the limiter how far it has grown.
        let memory = unsafe { memory.grown(self.store.data().memory) };
        let is_first = !std::mem::replace(&mut self.was_reset, true);
        // SAFETY: `&mut self` is the only way to this cell, and it runs in nothing but its async methods.
        unsafe { image.reset(memory, is_first, &mut self.private) }
    }

    /// Gives a cell's memory back to the system until [`Cell::wake`]: for one that nobody needs for a while. What was in it is gone.
    pub fn rest(&mut self, image: &Image) {
        let (Some(memory), false) = (self.memory, self.is_dead() || self.is_resting) else { return };
        // SAFETY: as in `reset`.
        let memory = unsafe { memory.grown(self.store.data().memory) };
        // SAFETY: as in `reset`.
        self.is_resting = unsafe { image.give_back(memory) };
        self.private.forget();
        self.was_reset |= self.is_resting;
    }

    /// Makes the memory of a cell that rests the image's; nothing happens to others.
    pub fn wake(&mut self, image: &Image) {
        if !std::mem::take(&mut self.is_resting) {
            return;
        }
        if let Some(memory) = self.memory {
            // SAFETY: as in `reset`; the image fits, since the cell had it before.
            unsafe { image.lay_over(memory) };
        }
    }

    /// A copy of all that calls leave behind in a cell that was made from `image`: its linear memory from where data begins.
    /// Below it lies the stack, which holds nothing between turns. `None` for a cell that was made from no image.
    ///
    /// Two cells with the same bytes here cannot be told apart by what runs in them next.
    pub fn data(&mut self, image: &Image) -> Option<Box<[u8]>> {
        // SAFETY: as in `reset`.
        let bytes = unsafe { self.memory?.grown(self.store.data().memory).copy() };
        bytes.get(image.base.data..).map(Into::into)
    }

    /// Makes a fresh memory the image's, and at least so large.
    pub(crate) async fn take_over(&mut self, image: &Image, size: usize) -> Result<(), Death> {
        if size > self.store.data().memory {
            let bytes = u32::try_from(size).map_err(|_| Death::Trap("an image beyond 4 GiB".to_owned()))?;
            let (instance, store) = self.begin();
            let called = guarded(instance.perilune_cell_guest().call_reserve(store, bytes)).await;
            self.settle(called)?;
        }
        let memory = self.with_memory(|_, lent| Memory::of(lent)).await?;
        // SAFETY: as in `reset`; the memory is fresh.
        unsafe { image.lay_over(memory) };
        self.memory = Some(memory);
        Ok(())
    }

    async fn capture(&mut self, base: &Arc<Base>, rest: &[Chunk]) -> Result<Image, Death> {
        let (instance, store) = self.begin();
        let called = guarded(instance.perilune_cell_guest().call_settle(store)).await;
        self.settle(called)?;
        self.with_memory(|_, lent| Image::of(base, lent, rest)).await
    }

    async fn into_base(mut self) -> Result<Arc<Base>, Death> {
        let (memory, bytes, data) =
            self.with_memory(|data, lent| (Memory::of(lent), lent.into(), data)).await?;
        // SAFETY: the cell is fresh, and it is dropped when this returns.
        Ok(Arc::new(unsafe { Base::take(memory, bytes, data) }))
    }

    /// Lends the linear memory and where data begins in it.
    async fn with_memory<T>(&mut self, read: impl FnOnce(usize, &[u8]) -> T) -> Result<T, Death> {
        let (instance, store) = self.begin();
        let function = instance.perilune_cell_guest().func_memory();
        let called = match function.func().typed::<(), ((u32, WasmList<u8>),)>(&*store) {
            Ok(function) => guarded(function.call_async(&mut *store, ())).await,
            Err(error) => guarded(std::future::ready(Err(error))).await,
        };
        let ((data, list),) = self.settle(called)?;
        Ok(read(data as usize, list.as_le_slice(&self.store)))
    }
}
