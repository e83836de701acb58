//! Packs to test with, and a maker of packs that lie.

use perilune_pack::{Content, FORMAT, MARK, SigningKey, Writer};
use sha2::{Digest, Sha256};

/// A key that is the same in each run.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// A small pack.
pub(crate) fn small(signed: bool) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.describe("perilune", "0.1.0").expect("a short text");
    let document =
        b"namespace: app\nentries:\n  - {name: a, kind: function.lua, source: file://a.lua, method: main}\n";
    writer.add(Content::Document, "app.yaml", document).expect("a right path");
    writer.add(Content::Source, "a.lua", b"return function() return 1 end").expect("a right path");
    writer.add(Content::Embedded, "assets/zeros", &[0; 500]).expect("a right path");
    writer.finish(signed.then(|| key(1)).as_ref()).expect("a pack")
}

/// One file of an index, each part as somebody who lies might write it.
#[derive(Clone)]
pub(crate) struct Lie {
    pub(crate) content: u8,
    pub(crate) path: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) blocks: Vec<u32>,
}

impl Lie {
    /// A file that is as it should be.
    pub(crate) fn honest(content: u8, path: &str, bytes: &[u8]) -> Self {
        Lie {
            content,
            path: path.into(),
            size: bytes.len() as u64,
            hash: Sha256::digest(bytes).into(),
            blocks: if bytes.is_empty() { Vec::new() } else { vec![bytes.len() as u32] },
        }
    }
}

/// The index of these files, without descriptions.
pub(crate) fn index(files: &[Lie]) -> Vec<u8> {
    let mut bytes = 0_u32.to_le_bytes().to_vec();
    bytes.extend((files.len() as u32).to_le_bytes());
    for file in files {
        bytes.push(file.content);
        bytes.extend((file.path.len() as u16).to_le_bytes());
        bytes.extend(&file.path);
        bytes.extend(file.size.to_le_bytes());
        bytes.extend(file.hash);
        file.blocks.iter().for_each(|block| bytes.extend(block.to_le_bytes()));
    }
    bytes
}

/// A pack of this index and these contents whose header and hash are right.
pub(crate) fn sealed(index: &[u8], contents: &[u8]) -> Vec<u8> {
    with_header(FORMAT, 0, index.len() as u64, contents.len() as u64, index, contents)
}

/// A pack whose header says this, with the right hash.
pub(crate) fn with_header(
    version: u32,
    flags: u32,
    index_length: u64,
    contents_length: u64,
    index: &[u8],
    contents: &[u8],
) -> Vec<u8> {
    let mut pack = MARK.to_vec();
    pack.extend(version.to_le_bytes());
    pack.extend(flags.to_le_bytes());
    pack.extend(index_length.to_le_bytes());
    pack.extend(contents_length.to_le_bytes());
    let hash = Sha256::digest([&pack, index, contents].concat());
    pack.extend(hash);
    pack.extend(index);
    pack.extend(contents);
    pack
}
