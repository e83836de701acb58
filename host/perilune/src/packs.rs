//! Packs: an application in one file.

use crate::images::Images;
use crate::{Runtime, bytecode, target};
use perilune_files::Packed;
use perilune_registry::{Entry, EntryId};
use perilune_value::{Failure, Kind};
use sha2::{Digest, Sha256};
use std::cell::OnceCell;
use std::sync::Arc;

pub use perilune_pack::{
    Content, File, Limits, Pack, PackError, PublicKey, SigningKey, Writer, quote, read_key, save, save_key,
};
pub use perilune_packing::{PackOptions, PackingError, Progress, files};

impl Runtime {
    /// Packs the application as it was read, whatever was changed since then. The result is signed and turned into bytes by
    /// [`Writer::finish`]. `progress` is told of each step, and stops all with false. Blocks.
    ///
    /// # Errors
    ///
    /// [`PackingError`].
    pub fn pack(
        &self,
        options: &PackOptions,
        progress: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> Result<Writer, PackingError> {
        let host = self.inner.modules.resources.host();
        let packed = host.shared.get::<Packed>();
        let application = perilune_packing::Application {
            registry: &self.inner.registry,
            folder: host.folder.as_deref(),
            pack: packed.0.as_ref(),
        };
        // It takes a sandbox of its own, which is made for the first source.
        let made = OnceCell::new();
        let compile = |id: &str, source: &str| {
            let started = made.get_or_init(|| {
                bytecode::Compiler::new().map_err(|error| Failure::new(Kind::Unavailable, error.to_string()))
            });
            started.as_ref().map_err(Clone::clone)?.compile(id, source)
        };
        let compiler =
            perilune_packing::Compiler { version: bytecode::Compiler::version(), compile: &compile };
        perilune_packing::pack(application, options, &compiler, progress)
    }
}

impl Runtime {
    /// Adds the image of each entry to the pack that this host runs: a later start takes it instead of loading the entry. Entries are loaded
    /// for that, in their sandbox and within their limits; one that fails to load gets none, and will say so when it is called.
    /// `progress` is told of each step, and stops all with false.
    ///
    /// # Errors
    ///
    /// [`PackingError`].
    pub async fn pack_images(
        &self,
        writer: &mut Writer,
        progress: &mut (dyn FnMut(Progress<'_>) -> bool + Send),
    ) -> Result<(), PackingError> {
        let snapshot = self.registry().snapshot();
        let callable = snapshot.entries().filter(|entry| target::is_callable(entry.kind()));
        let entries: Vec<Arc<Entry>> = callable.cloned().collect();
        for (done, entry) in entries.iter().enumerate() {
            let id = entry.id();
            if !progress(Progress { done, total: entries.len(), next: &id.to_string() }) {
                return Err(PackingError::Stopped);
            }
            if let Ok(image) = self.image(id).await {
                writer.add(Content::Image, &image_path(id), &image)?;
            }
        }
        Ok(())
    }
}

/// The images in a pack.
pub(crate) struct PackedImages(pub(crate) Pack);

impl Images for PackedImages {
    fn image(&self, id: &EntryId) -> Option<Vec<u8>> {
        self.0.get(Content::Image, &image_path(id))?.read().ok()
    }
}

/// A name that every system can keep, whatever the id.
fn image_path(id: &EntryId) -> String {
    format!("perilune.pack/images/{:x}", Sha256::digest(id.to_string()))
}
