//! Images that were made before this start, such as those in a pack.

use perilune_cell::{Chunk, Form};
use perilune_guest_lua::COMPONENT;
use perilune_registry::EntryId;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Where they are. They are not trusted: one may do what the entry's own code could do.
pub trait Images: Send + Sync + 'static {
    /// What [`Runtime::image`](crate::Runtime::image) returned for an entry.
    fn image(&self, id: &EntryId) -> Option<Vec<u8>>;
}

/// A hash over all that an image depends on: the guest, and the chunks with what they may require.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// The guest's part, a megabyte that never changes.
static GUEST: LazyLock<[u8; 32]> = LazyLock::new(|| Sha256::digest(COMPONENT).into());

impl Fingerprint {
    pub(crate) fn of(chunks: &[Chunk], is_deterministic: bool) -> Self {
        let mut digest = Sha256::new();
        digest.update(*GUEST);
        digest.update([is_deterministic.into()]);
        for chunk in chunks {
            text(&mut digest, chunk.id.as_bytes());
            digest.update([(chunk.form == Form::Bytecode).into()]);
            text(&mut digest, &chunk.source);
            list(&mut digest, chunk.modules.iter());
            list(&mut digest, chunk.imports.iter().flat_map(|import| [&import.alias, &import.id]));
            digest.update([chunk.surface.is_some().into()]);
            list(&mut digest, chunk.surface.iter().flatten());
        }
        Fingerprint(digest.finalize().into())
    }

    /// The image behind this fingerprint; `None` behind another one.
    pub(crate) fn strip(&self, mut written: Vec<u8>) -> Option<Vec<u8>> {
        let fits = written.starts_with(&self.0);
        fits.then(|| written.split_off(self.0.len()))
    }

    pub(crate) fn lead(&self, image: &[u8]) -> Vec<u8> {
        [&self.0[..], image].concat()
    }
}

/// With its length, so that no two lists read alike.
fn text(digest: &mut Sha256, bytes: &[u8]) {
    digest.update((bytes.len() as u64).to_le_bytes());
    digest.update(bytes);
}

fn list<'a>(digest: &mut Sha256, items: impl Iterator<Item = &'a String>) {
    let items: Vec<&String> = items.collect();
    digest.update((items.len() as u64).to_le_bytes());
    for item in items {
        text(digest, item.as_bytes());
    }
}
