//! Reading a pack: nothing is believed before it was checked.

use crate::blocks;
use crate::error::PackError;
use crate::header::{self, Header, array};
use crate::index::{Content, Index, Record};
use crate::signature::{self, PublicKey};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// How much a pack may hold. A pack is kept in memory as it is stored, and all of it is unpacked once, block by block, to check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub pack: u64,
    /// Bytes of all contents when they are unpacked.
    pub contents: u64,
    /// Files.
    pub files: usize,
}

impl Default for Limits {
    /// Far above any application seen, and a second or two of checking.
    fn default() -> Self {
        Limits { pack: 5 << 28, contents: 1 << 30, files: 100_000 }
    }
}

/// A pack whose hashes, sizes, paths and signature were checked. Cheap to clone.
#[derive(Clone)]
pub struct Pack {
    inner: Arc<Inner>,
}

struct Inner {
    bytes: Vec<u8>,
    /// Where the contents begin.
    contents: usize,
    index: Index,
    hash: [u8; 32],
    signer: Option<PublicKey>,
}

/// A file of a pack.
#[derive(Clone)]
pub struct File {
    pack: Pack,
    at: usize,
}

impl Pack {
    /// Whether a file begins like a pack. Anything that cannot be read does not.
    pub fn is_pack(path: &Path) -> bool {
        let mut begin = [0; header::MARK.len()];
        let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut begin));
        read.is_ok() && begin == header::MARK
    }

    /// Reads and checks a pack.
    ///
    /// # Errors
    ///
    /// Each kind of [`PackError`] that says what is wrong with a pack.
    pub fn open(path: &Path) -> Result<Self, PackError> {
        let limits = Limits::default();
        let metadata = std::fs::metadata(path)?;
        // A pipe would wait for its writer.
        if !metadata.is_file() {
            return Err(PackError::NotAPack);
        }
        let too_large = |size| PackError::TooLarge { what: "the file".to_owned(), size, max: limits.pack };
        if metadata.len() > limits.pack {
            return Err(too_large(metadata.len()));
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(limits.pack + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limits.pack {
            return Err(too_large(bytes.len() as u64));
        }
        Self::read_within(bytes, &limits)
    }

    /// Checks the bytes of a pack.
    ///
    /// # Errors
    ///
    /// As [`Pack::open`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, PackError> {
        Self::read_within(bytes, &Limits::default())
    }

    /// As [`Pack::read`], with other limits.
    ///
    /// # Errors
    ///
    /// As [`Pack::open`].
    pub fn read_within(bytes: Vec<u8>, limits: &Limits) -> Result<Self, PackError> {
        let header = Header::read(&bytes)?;
        // The lengths were compared with the file's, which is in memory.
        let contents = header::LENGTH + header.index as usize;
        let end = contents + header.contents as usize;
        let (index, stored) = (&bytes[header::LENGTH..contents], &bytes[contents..end]);
        if header.digest(index, &[stored]) != header.hash {
            return Err(PackError::Damaged);
        }
        let index = Index::read(index, header.contents, limits)?;
        let signer = match header.signed {
            true => Some(signature::verify(&array(&bytes[end..]), &header.hash)?),
            false => None,
        };
        let pack = Pack { inner: Arc::new(Inner { bytes, contents, index, hash: header.hash, signer }) };
        pack.all().try_for_each(|file| file.check())?;
        Ok(pack)
    }

    /// Refuses a pack that none of these keys has signed.
    ///
    /// # Errors
    ///
    /// [`PackError::Unsigned`] and [`PackError::Foreign`].
    pub fn require(&self, keys: &[PublicKey]) -> Result<(), PackError> {
        match &self.inner.signer {
            None => Err(PackError::Unsigned),
            Some(signer) if keys.contains(signer) => Ok(()),
            Some(signer) => Err(PackError::Foreign { found: signer.to_string() }),
        }
    }

    /// Whose signature it has.
    pub fn signer(&self) -> Option<PublicKey> {
        self.inner.signer
    }

    /// The hash of all that it stores, the signature excepted.
    pub fn hash(&self) -> [u8; 32] {
        self.inner.hash
    }

    /// Texts that describe it, by key.
    pub fn descriptions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner.index.descriptions.iter().map(|(key, text)| (key.as_str(), text.as_str()))
    }

    /// Its files of one kind, sorted by path.
    pub fn files(&self, content: Content) -> impl Iterator<Item = File> {
        self.all().filter(move |file| file.content() == content)
    }

    /// All its files, sorted by kind and path.
    pub fn all(&self) -> impl Iterator<Item = File> {
        (0..self.inner.index.records.len()).map(|at| File { pack: self.clone(), at })
    }

    /// One of its files.
    pub fn get(&self, content: Content, path: &str) -> Option<File> {
        self.inner.index.find(content, path).map(|at| File { pack: self.clone(), at })
    }
}

impl File {
    fn record(&self) -> &Record {
        &self.pack.inner.index.records[self.at]
    }

    /// What it is for.
    pub fn content(&self) -> Content {
        self.record().content
    }

    /// Its path, with `/` between its parts.
    pub fn path(&self) -> &str {
        &self.record().path
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.record().size
    }

    /// SHA-256 of its content.
    pub fn hash(&self) -> [u8; 32] {
        self.record().hash
    }

    /// Bytes that it takes in the pack.
    pub fn stored(&self) -> u64 {
        self.record().blocks.iter().copied().map(u64::from).sum()
    }

    /// All of it.
    ///
    /// # Errors
    ///
    /// [`PackError::Content`], which the check of the pack has ruled out.
    pub fn read(&self) -> Result<Vec<u8>, PackError> {
        // As large as the blocks that were unpacked when the pack was checked.
        let mut bytes = Vec::with_capacity(usize::try_from(self.size()).unwrap_or_default());
        self.each_block(&mut |block| bytes.extend_from_slice(block))?;
        Ok(bytes)
    }

    /// Bytes from `offset` to the end of the block that it lies in; empty at the end. A block is unpacked for each call.
    ///
    /// # Errors
    ///
    /// As [`File::read`].
    pub fn read_block(&self, offset: u64) -> Result<Cow<'_, [u8]>, PackError> {
        if offset >= self.size() {
            return Ok(Cow::Borrowed(&[]));
        }
        // Below the size of what lies in memory.
        let (block, within) =
            ((offset / blocks::BLOCK as u64) as usize, (offset % blocks::BLOCK as u64) as usize);
        let before: usize = self.record().blocks[..block].iter().map(|stored| *stored as usize).sum();
        Ok(match self.block(block, before)? {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[within..]),
            Cow::Owned(bytes) => Cow::Owned(bytes[within..].to_vec()),
        })
    }

    /// One block, which begins so many bytes after the file's first.
    fn block(&self, block: usize, before: usize) -> Result<Cow<'_, [u8]>, PackError> {
        let record = self.record();
        let start = self.pack.inner.contents + record.offset + before;
        let stored = &self.pack.inner.bytes[start..start + record.blocks[block] as usize];
        blocks::unpack(stored, blocks::length(record.size, block)).map_err(|reason| self.wrong(reason))
    }

    fn each_block(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), PackError> {
        let mut before = 0;
        for (block, stored) in self.record().blocks.iter().enumerate() {
            visit(&self.block(block, before)?);
            before += *stored as usize;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), PackError> {
        let mut hasher = Sha256::new();
        self.each_block(&mut |block| hasher.update(block))?;
        match self.record().hash == <[u8; 32]>::from(hasher.finalize()) {
            true => Ok(()),
            false => Err(self.wrong("its content does not match its hash")),
        }
    }

    fn wrong(&self, reason: &str) -> PackError {
        PackError::Content { path: self.path().to_owned(), reason: reason.to_owned() }
    }
}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pack")
            .field("files", &self.inner.index.records.len())
            .field("signer", &self.inner.signer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("path", &self.path()).field("size", &self.size()).finish_non_exhaustive()
    }
}
