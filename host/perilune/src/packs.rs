//! Packs: an application in one file.

use crate::{Runtime, bytecode};
use perilune_files::Packed;
use perilune_value::{Failure, Kind};
use std::cell::OnceCell;

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
