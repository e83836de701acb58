//! Decompressing what may be anything.

use super::{Algorithm, Output};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, HeapAlloc};
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use perilune_value::Failure;
use std::io::{self, Read, Write};

/// Bytes of a result that are made at once, before its bound is looked at.
const PIECE: usize = 32 << 10;

/// Decompresses.
///
/// # Errors
///
/// `Invalid` for data that is damaged, cut short or followed by something else; when the result does not fit, `Internal`; when its
/// call ended, `Canceled`.
pub fn decode(algorithm: Algorithm, data: &[u8], dict: &[u8], output: &mut Output) -> Result<(), Failure> {
    let done = match algorithm {
        Algorithm::Gzip => copy(MultiGzDecoder::new(data), output),
        Algorithm::Deflate => inflate(Decompress::new(false), data, output),
        Algorithm::Zlib => inflate(Decompress::new(true), data, output),
        Algorithm::Brotli => unbrotli(data, output),
        Algorithm::Zstd => zstd::stream::read::Decoder::with_dictionary(data, dict)
            .and_then(|decoder| copy(decoder, output)),
    };
    done.map_err(|error| {
        output.refusal().unwrap_or_else(|| {
            let reason = match error.kind() {
                io::ErrorKind::UnexpectedEof => "the data is cut short".to_owned(),
                _ => error.to_string(),
            };
            Failure::invalid(format!("compress.{}: {reason}", algorithm.name()))
        })
    })
}

fn copy(mut from: impl Read, output: &mut Output) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            size => output.write_all(&piece[..size])?,
        }
    }
}

/// By hand, because the reader of the crate takes the end of the data for the end of the text.
fn inflate(mut inflater: Decompress, data: &[u8], output: &mut Output) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let (read, written) = (inflater.total_in(), inflater.total_out());
        // The data is in memory: its length and all positions in it fit.
        let rest = &data[usize::try_from(read).unwrap_or(data.len())..];
        let status = inflater
            .decompress(rest, &mut piece, FlushDecompress::None)
            .map_err(|_| io::Error::other("the data is damaged"))?;
        let size = usize::try_from(inflater.total_out() - written).unwrap_or(PIECE);
        output.write_all(&piece[..size])?;
        match status {
            Status::StreamEnd if inflater.total_in() < data.len() as u64 => return Err(trailing()),
            Status::StreamEnd => return Ok(()),
            _ if inflater.total_in() == read && size == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}

/// By hand, because the reader of the crate does not say where the text ended, and lets data ask for a window of a gigabyte.
fn unbrotli(data: &[u8], output: &mut Output) -> io::Result<()> {
    let mut state = BrotliState::new_strict(HeapAlloc::default(), HeapAlloc::default(), HeapAlloc::default());
    let mut piece = vec![0; PIECE];
    let (mut left, mut read, mut total) = (data.len(), 0, 0);
    loop {
        let (mut room, mut written) = (PIECE, 0);
        let result = BrotliDecompressStream(
            &mut left, &mut read, data, &mut room, &mut written, &mut piece, &mut total, &mut state,
        );
        output.write_all(&piece[..written])?;
        match result {
            BrotliResult::ResultSuccess if left > 0 => return Err(trailing()),
            BrotliResult::ResultSuccess => return Ok(()),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput => return Err(io::ErrorKind::UnexpectedEof.into()),
            BrotliResult::ResultFailure => return Err(io::Error::other("the data is damaged")),
        }
    }
}

fn trailing() -> io::Error {
    io::Error::other("something follows the compressed data")
}
