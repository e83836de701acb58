//! What an open file reads from: the disk, or a pack.

use crate::metadata::Metadata;
use crate::shelf;
use std::fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

/// An open file. As with one of the system, all that share it share its position.
pub(crate) enum Body {
    Disk(fs::File),
    Packed(Packed),
}

/// A file of a pack that is read.
pub(crate) struct Packed {
    file: perilune_pack::File,
    position: Mutex<u64>,
    /// The block that was unpacked last, and where it begins: most reads are of less than a block, one after the other.
    block: Mutex<(u64, Vec<u8>)>,
}

impl Packed {
    pub(crate) fn new(file: perilune_pack::File) -> Self {
        Packed { file, position: Mutex::new(0), block: Mutex::default() }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        let cached =
            offset.checked_sub(block.0).and_then(|within| block.1.get(usize::try_from(within).ok()?..));
        if cached.is_none_or(<[u8]>::is_empty) {
            let read = self
                .file
                .read_block(offset)
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            *block = (offset, read.into_owned());
        }
        let from = usize::try_from(offset - block.0).unwrap_or(usize::MAX);
        let rest = block.1.get(from..).unwrap_or_default();
        let taken = rest.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&rest[..taken]);
        Ok(taken)
    }
}

impl Body {
    /// Bytes from an offset on; the position stays.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Body::Disk(file) => read_at(file, buffer, offset),
            Body::Packed(packed) => packed.read_at(buffer, offset),
        }
    }

    /// What is known of it now.
    pub(crate) fn metadata(&self, name: &str) -> io::Result<Metadata> {
        match self {
            Body::Disk(file) => {
                cap_std::fs::Metadata::from_file(file).map(|found| Metadata::of_path(name, &found))
            }
            Body::Packed(packed) => Ok(shelf::describe(name, &packed.file)),
        }
    }

    /// Bytes.
    pub(crate) fn len(&self) -> io::Result<u64> {
        match self {
            Body::Disk(file) => file.metadata().map(|metadata| metadata.len()),
            Body::Packed(packed) => Ok(packed.file.size()),
        }
    }

    /// Writes what the system still holds back to the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self {
            Body::Disk(file) => file.sync_all(),
            Body::Packed(_) => Ok(()),
        }
    }
}

impl Read for &Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Body::Disk(file) => (&mut &*file).read(buffer),
            Body::Packed(packed) => {
                let mut position = packed.position.lock().unwrap_or_else(PoisonError::into_inner);
                let read = packed.read_at(buffer, *position)?;
                *position += read as u64;
                Ok(read)
            }
        }
    }
}

impl Seek for &Body {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Body::Disk(file) => (&mut &*file).seek(to),
            Body::Packed(packed) => {
                let mut position = packed.position.lock().unwrap_or_else(PoisonError::into_inner);
                let target = match to {
                    SeekFrom::Start(offset) => Some(offset),
                    SeekFrom::Current(offset) => position.checked_add_signed(offset),
                    SeekFrom::End(offset) => packed.file.size().checked_add_signed(offset),
                };
                // As of a file of the system, which has no place before its beginning.
                *position = target.ok_or(ErrorKind::InvalidInput)?;
                Ok(*position)
            }
        }
    }
}

impl Write for &Body {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Body::Disk(file) => (&mut &*file).write(data),
            Body::Packed(_) => Err(ErrorKind::ReadOnlyFilesystem.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}
