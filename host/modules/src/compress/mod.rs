//! Module `compress`.
//!
//! | algorithm | levels | default | format |
//! |---|---|---|---|
//! | `gzip` | 1 to 9 | 6 | RFC 1952; several members one after the other are one text |
//! | `deflate` | 1 to 9 | 6 | RFC 1951, bare |
//! | `zlib` | 1 to 9 | 6 | RFC 1950 |
//! | `brotli` | 0 to 11 | 6 | RFC 7932 |
//! | `zstd` | 1 to 22 | 3 | RFC 8878; several frames one after the other are one text |

mod decode;
mod encode;
mod output;

pub use decode::decode;
pub use encode::encode;
pub use output::Output;

use crate::bindings::{Answer, answer, compress as wit};
use crate::compute::{self, QUICK};
use perilune_cell::interfaces::failure_to_wit;
use perilune_cell::{CellState, Class, Module, Ticket};
use perilune_value::Failure;
use std::ops::RangeInclusive;
use wasmtime::component::HasSelf;

/// The module.
pub const MODULE: Module = Module {
    name: "compress",
    summary: "Compresses and decompresses: gzip, deflate, zlib, brotli, zstd.",
    classes: &[Class::Deterministic, Class::Encoding],
    link: |linker| wit::add_to_linker::<_, HasSelf<CellState>>(linker, |state| state),
};

/// What a small result may be: a few hundred bytes can stand for a gigabyte, and writing this much takes a millisecond.
const QUICK_RESULT: usize = 1 << 20;

/// Bytes of a dictionary. Those that are trained have 110 KiB.
const MAX_DICT: usize = 1 << 20;

/// Bytes that a result may have when nobody says how many.
const DEFAULT_MAX: u64 = 128 << 20;
/// Bytes that a result may have at the most.
const MOST_MAX: u64 = 1 << 30;

/// A format of compressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of formats")]
pub enum Algorithm {
    Gzip,
    Deflate,
    Zlib,
    Brotli,
    Zstd,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 5] =
        [Algorithm::Gzip, Algorithm::Deflate, Algorithm::Zlib, Algorithm::Brotli, Algorithm::Zstd];

    /// Its name in Lua.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Gzip => "gzip",
            Algorithm::Deflate => "deflate",
            Algorithm::Zlib => "zlib",
            Algorithm::Brotli => "brotli",
            Algorithm::Zstd => "zstd",
        }
    }

    /// The levels that it has.
    pub fn levels(self) -> RangeInclusive<u32> {
        match self {
            Algorithm::Gzip | Algorithm::Deflate | Algorithm::Zlib => 1..=9,
            Algorithm::Brotli => 0..=11,
            Algorithm::Zstd => 1..=22,
        }
    }

    fn default_level(self) -> u32 {
        if self == Algorithm::Zstd { 3 } else { 6 }
    }

    /// The highest level at which [`QUICK`] bytes take a few milliseconds at the most.
    fn quick_level(self) -> u32 {
        match self {
            Algorithm::Gzip | Algorithm::Deflate | Algorithm::Zlib => 9,
            Algorithm::Brotli => 6,
            Algorithm::Zstd => 9,
        }
    }

    /// The level meant, or the default.
    ///
    /// # Errors
    ///
    /// `Invalid` for one that it does not have.
    pub fn level(self, asked: Option<i64>) -> Result<u32, Failure> {
        let Some(asked) = asked else { return Ok(self.default_level()) };
        let levels = self.levels();
        u32::try_from(asked).ok().filter(|level| levels.contains(level)).ok_or_else(|| {
            let (name, first, last) = (self.name(), levels.start(), levels.end());
            Failure::invalid(format!("compress.{name}: levels are {first} to {last}, not {asked}"))
        })
    }

    /// Refuses what no result can come of.
    fn check(self, data: &[u8], dict: &[u8]) -> Result<(), Failure> {
        let name = self.name();
        if data.is_empty() {
            return Err(Failure::invalid(format!("compress.{name}: the data is empty")));
        }
        if dict.len() > MAX_DICT {
            let size = dict.len();
            return Err(Failure::invalid(format!(
                "compress.{name}: the dictionary has {size} bytes; {MAX_DICT} are the most"
            )));
        }
        if !dict.is_empty() && self != Algorithm::Zstd {
            return Err(Failure::invalid(format!("compress.{name}: only zstd takes a dictionary")));
        }
        Ok(())
    }
}

impl From<wit::Algorithm> for Algorithm {
    fn from(algorithm: wit::Algorithm) -> Self {
        match algorithm {
            wit::Algorithm::Gzip => Algorithm::Gzip,
            wit::Algorithm::Deflate => Algorithm::Deflate,
            wit::Algorithm::Zlib => Algorithm::Zlib,
            wit::Algorithm::Brotli => Algorithm::Brotli,
            wit::Algorithm::Zstd => Algorithm::Zstd,
        }
    }
}

/// What the script lets a result be.
fn max_size(asked: u64) -> Result<usize, Failure> {
    let asked = if asked == 0 { DEFAULT_MAX } else { asked };
    usize::try_from(asked)
        .ok()
        .filter(|_| asked <= MOST_MAX)
        .ok_or_else(|| Failure::invalid(format!("compress: `max_size` is at most {MOST_MAX}, not {asked}")))
}

/// Refuses what can have no result; else the algorithm and its level.
fn encoding(how: &wit::Encoding, data: &[u8]) -> Result<(Algorithm, u32), Failure> {
    let algorithm = Algorithm::from(how.algorithm);
    let level = algorithm.level(how.level)?;
    algorithm.check(data, &how.dict)?;
    Ok((algorithm, level))
}

/// Refuses what can have no result; else the algorithm and what the result may be.
fn decoding(how: &wit::Decoding, data: &[u8]) -> Result<(Algorithm, usize), Failure> {
    let algorithm = Algorithm::from(how.algorithm);
    algorithm.check(data, &how.dict)?;
    Ok((algorithm, max_size(how.max_size)?))
}

fn encode_small(how: &wit::Encoding, data: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let (algorithm, level) = encoding(how, data)?;
    if data.len() > QUICK || level > algorithm.quick_level() || !how.dict.is_empty() {
        return Ok(None);
    }
    let mut output = Output::new(usize::MAX);
    encode(algorithm, level, data, &[], &mut output)?;
    Ok(Some(output.bytes))
}

fn decode_small(how: &wit::Decoding, data: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let (algorithm, max) = decoding(how, data)?;
    if data.len() > QUICK || !how.dict.is_empty() {
        return Ok(None);
    }
    let mut output = Output::new(max.min(QUICK_RESULT));
    match decode(algorithm, data, &[], &mut output) {
        Err(_) if max > QUICK_RESULT && output.is_full() => Ok(None),
        done => done.map(|()| Some(output.bytes)),
    }
}

impl wit::Host for CellState {
    fn encode_small(&mut self, how: wit::Encoding, data: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        answer(encode_small(&how, &data))
    }

    fn start_encode(&mut self, how: wit::Encoding, data: Vec<u8>) -> wasmtime::Result<Ticket> {
        let held = self.held.clone();
        compute::start(self, data.len() + how.dict.len(), move |stop| {
            let (algorithm, level) = encoding(&how, &data)?;
            let mut output = Output::of_cell(usize::MAX, held, stop.clone());
            encode(algorithm, level, &data, &how.dict, &mut output).map(|()| output)
        })
    }

    fn take_encode(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        Ok(self.tickets.take::<Output>(ticket)?.map(|output| output.bytes).map_err(failure_to_wit))
    }

    fn decode_small(&mut self, how: wit::Decoding, data: Vec<u8>) -> Answer<Option<Vec<u8>>> {
        answer(decode_small(&how, &data))
    }

    fn start_decode(&mut self, how: wit::Decoding, data: Vec<u8>) -> wasmtime::Result<Ticket> {
        let held = self.held.clone();
        compute::start(self, data.len() + how.dict.len(), move |stop| {
            let (algorithm, max) = decoding(&how, &data)?;
            let mut output = Output::of_cell(max, held, stop.clone());
            decode(algorithm, &data, &how.dict, &mut output).map(|()| output)
        })
    }

    fn take_decode(&mut self, ticket: Ticket) -> Answer<Vec<u8>> {
        Ok(self.tickets.take::<Output>(ticket)?.map(|output| output.bytes).map_err(failure_to_wit))
    }
}
