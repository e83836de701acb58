//! A difference between two memories, written down and compressed.

use crate::image::{Difference, Run};
use std::cell::RefCell;
use std::io;
use zstd::bulk::{Compressor, Decompressor};

/// The next levels take longer and gain nothing; the negative ones, and LZ4, save half the time and take half as much again.
const LEVEL: i32 = 1;

/// How many runs, for each the bytes since the one before and its length, then the bytes of all; numbers in LEB128.
pub(super) struct Packed {
    bytes: Box<[u8]>,
    /// Before it was compressed.
    length: u32,
    /// Whether it is as it was, because compressing gained nothing.
    is_plain: bool,
}

thread_local! {
    /// Making a context takes longer than compressing what a small cell leaves.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

impl Packed {
    pub(super) fn new(difference: &Difference) -> io::Result<Self> {
        let plain = write(difference);
        let length = u32::try_from(plain.len()).map_err(io::Error::other)?;
        let compressed = COMPRESSOR.with_borrow_mut(|compressor| match compressor {
            Some(compressor) => compressor.compress(&plain),
            None => compressor.insert(Compressor::new(LEVEL)?).compress(&plain),
        })?;
        let is_plain = compressed.len() >= plain.len();
        let bytes = if is_plain { plain } else { compressed };
        Ok(Packed { bytes: bytes.into(), length, is_plain })
    }

    pub(super) fn unpack(&self) -> io::Result<Difference> {
        if self.is_plain {
            return read(&self.bytes);
        }
        let length = self.length as usize;
        let plain = DECOMPRESSOR.with_borrow_mut(|decompressor| match decompressor {
            Some(decompressor) => decompressor.decompress(&self.bytes, length),
            None => decompressor.insert(Decompressor::new()?).decompress(&self.bytes, length),
        })?;
        read(&plain)
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes before they were compressed.
    pub(super) fn length(&self) -> usize {
        self.length as usize
    }
}

fn write(difference: &Difference) -> Vec<u8> {
    let mut out = Vec::with_capacity(difference.bytes());
    put(&mut out, difference.runs.len());
    let mut end = 0;
    for run in &difference.runs {
        put(&mut out, run.start as usize - end);
        put(&mut out, run.length as usize);
        end = run.end();
    }
    out.extend_from_slice(&difference.changed);
    out
}

fn read(mut plain: &[u8]) -> io::Result<Difference> {
    let (count, mut end) = (take(&mut plain)?, 0);
    let mut runs = Vec::new();
    for _ in 0..count {
        let (start, length) = (end + take(&mut plain)?, take(&mut plain)?);
        end = start + length;
        runs.push(Run { start: start as u32, length: length as u32 });
    }
    Ok(Difference { runs: runs.into(), changed: plain.into() })
}

fn put(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(from: &mut &[u8]) -> io::Result<usize> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, others) = from.split_first().ok_or(io::ErrorKind::UnexpectedEof)?;
        *from = others;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
        shift += 7;
    }
}
