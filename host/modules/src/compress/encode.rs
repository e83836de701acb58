//! Compressing.

use super::{Algorithm, Output};
use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use perilune_value::Failure;
use std::io::{self, Write};
use zstd::zstd_safe::CParameter;

/// Bytes given to a compressor at once; between them it may be told to stop. At the slowest level they take a tenth of a second.
const PIECE: usize = 64 << 10;

/// Logarithms of zstd's tables, which at its highest levels would take 700 MiB for 64 MiB of data. So bounded they take 60 MiB, and results
/// grow by a percent.
const ZSTD_TABLES: [CParameter; 3] =
    [CParameter::WindowLog(23), CParameter::ChainLog(23), CParameter::HashLog(22)];
/// The first level whose tables are larger.
const ZSTD_LARGE: u32 = 19;

/// Compresses at a level that the algorithm has.
///
/// # Errors
///
/// When the result does not fit, or its call ended.
pub fn encode(
    algorithm: Algorithm,
    level: u32,
    data: &[u8],
    dict: &[u8],
    output: &mut Output,
) -> Result<(), Failure> {
    let done = write(algorithm, level, data, dict, output);
    done.map_err(|error| {
        output.refusal().unwrap_or_else(|| Failure::invalid(format!("compress.{}: {error}", algorithm.name())))
    })
}

fn write(algorithm: Algorithm, level: u32, data: &[u8], dict: &[u8], output: &mut Output) -> io::Result<()> {
    match algorithm {
        Algorithm::Gzip => {
            let mut encoder = GzEncoder::new(output, Compression::new(level));
            encoder.write_all(data)?;
            encoder.finish().map(drop)
        }
        Algorithm::Deflate => {
            let mut encoder = DeflateEncoder::new(output, Compression::new(level));
            encoder.write_all(data)?;
            encoder.finish().map(drop)
        }
        Algorithm::Zlib => {
            let mut encoder = ZlibEncoder::new(output, Compression::new(level));
            encoder.write_all(data)?;
            encoder.finish().map(drop)
        }
        Algorithm::Brotli => {
            let quality = i32::try_from(level).unwrap_or(i32::MAX);
            let params = BrotliEncoderParams { quality, size_hint: data.len(), ..Default::default() };
            let mut encoder = CompressorWriter::with_params(&mut *output, PIECE, &params);
            in_pieces(data, &mut encoder, |encoder| encoder.get_ref().check())?;
            // What is left is written now, where failures are lost.
            drop(encoder);
            output.written()
        }
        Algorithm::Zstd => {
            let quality = i32::try_from(level).unwrap_or(i32::MAX);
            let mut encoder = zstd::Encoder::with_dictionary(output, quality, dict)?;
            encoder.set_pledged_src_size(Some(data.len() as u64))?;
            if level >= ZSTD_LARGE {
                ZSTD_TABLES.into_iter().try_for_each(|parameter| encoder.set_parameter(parameter))?;
            }
            in_pieces(data, &mut encoder, |encoder| encoder.get_ref().check())?;
            encoder.finish().map(drop)
        }
    }
}

/// Some compressors take long to write anything at all.
fn in_pieces<W: Write>(
    data: &[u8],
    encoder: &mut W,
    wanted: impl Fn(&W) -> Result<(), Failure>,
) -> io::Result<()> {
    data.chunks(PIECE).try_for_each(|piece| {
        wanted(encoder).map_err(io::Error::other)?;
        encoder.write_all(piece)
    })
}
