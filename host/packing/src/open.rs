//! From a pack to the files that the registry reads.

use perilune_pack::{Content, Pack, PackError};
use perilune_registry::Files;
use std::collections::BTreeMap;

/// The files of entries in a pack, and what they refer to.
///
/// # Errors
///
/// [`PackError::Content`], which the check of the pack has ruled out.
pub fn files(pack: &Pack) -> Result<Files, PackError> {
    let read = |content| -> Result<BTreeMap<String, Vec<u8>>, PackError> {
        pack.files(content).map(|file| Ok((file.path().to_owned(), file.read()?))).collect()
    };
    Ok(Files { documents: read(Content::Document)?, sources: read(Content::Source)? })
}
