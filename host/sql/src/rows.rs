//! Values on their way out of a database.

use crate::budget::{Budget, Meter};
use perilune_value::{Failure, Value};
use rmp::encode;
use std::ops::Range;

/// What a query returned: an array of maps from column to value as MessagePack. NULL is an absent key; of columns with the
/// same name the last one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    encoded: Vec<u8>,
    count: usize,
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// As they cross into a cell.
    pub fn into_encoded(self) -> Vec<u8> {
        self.encoded
    }

    /// One map a row, for callers in Rust.
    ///
    /// # Errors
    ///
    /// `Invalid` when there are more values than one message may hold.
    pub fn decode(&self) -> Result<Vec<Value>, Failure> {
        match Value::from_msgpack(&self.encoded)? {
            Value::Array(rows) => Ok(rows),
            _ => Ok(Vec::new()),
        }
    }
}

/// What a row's table takes in a cell besides its cells, and what a cell takes besides its text: measured at 56 to 88 bytes
/// and 24 to 40. A million empty rows are few bytes here, but not there.
const ROW: usize = 64;
const CELL: usize = 40;

/// Writes rows straight from what a driver has, without a tree in between. Cells come in the order of the columns.
pub(crate) struct Encoder<'a> {
    out: Vec<u8>,
    /// The columns' names as MessagePack, one after the other, and where each lies: nowhere if a later column has the same.
    names: Vec<u8>,
    keys: Vec<Range<usize>>,
    meter: Meter<'a>,
    count: usize,
    /// Where the header of the row begins, which is written last.
    row: usize,
    /// Column of the next cell, and cells of the row that are not NULL.
    at: usize,
    cells: usize,
    has_columns: bool,
}

/// An array header with 32 bits of length.
const ARRAY_HEADER: usize = 5;

/// Room for a row and its columns as most queries by key have them, so that nothing is allocated twice.
const SHORT_RESULT: usize = 256;
const SHORT_NAMES: usize = 128;
const FEW_COLUMNS: usize = 8;

impl<'a> Encoder<'a> {
    pub(crate) fn new(budget: &'a mut dyn Budget) -> Self {
        let mut out = Vec::with_capacity(SHORT_RESULT);
        out.resize(ARRAY_HEADER, 0);
        Encoder {
            out,
            names: Vec::with_capacity(SHORT_NAMES),
            keys: Vec::with_capacity(FEW_COLUMNS),
            meter: Meter::new(budget),
            count: 0,
            row: 0,
            at: 0,
            cells: 0,
            has_columns: false,
        }
    }

    /// Names the columns; later calls change nothing.
    pub(crate) fn columns<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        if self.has_columns {
            return;
        }
        self.has_columns = true;
        for name in names {
            let start = self.names.len();
            write_text(&mut self.names, name.as_bytes());
            let (before, key) = self.names.split_at(start);
            if let Some(twin) = self.keys.iter_mut().find(|other| before[(*other).clone()] == *key) {
                *twin = 0..0;
            }
            self.keys.push(start..self.names.len());
        }
    }

    pub(crate) fn has_columns(&self) -> bool {
        self.has_columns
    }

    pub(crate) fn begin_row(&mut self) {
        self.row = self.out.len();
        (self.at, self.cells) = (0, 0);
        // Most rows have few columns: their header is one byte.
        self.out.resize(self.row + if self.is_small() { 1 } else { 3 }, 0);
    }

    pub(crate) fn end_row(&mut self) -> Result<(), Failure> {
        if self.is_small() {
            self.out[self.row] = 0x80 | self.cells as u8;
        } else {
            let count =
                u16::try_from(self.cells).map_err(|_| Failure::invalid("a row has too many columns"))?;
            self.out[self.row] = 0xde;
            self.out[self.row + 1..self.row + 3].copy_from_slice(&count.to_be_bytes());
        }
        self.count += 1;
        self.meter.spend(ROW + self.cells * CELL + (self.out.len() - self.row))
    }

    fn is_small(&self) -> bool {
        self.keys.len() < 16
    }

    /// Writes the next cell's key. False when its column does not count.
    fn key(&mut self) -> bool {
        let key = self.keys.get(self.at).cloned().unwrap_or_default();
        self.at += 1;
        self.cells += usize::from(!key.is_empty());
        self.out.extend_from_slice(&self.names[key.clone()]);
        !key.is_empty()
    }

    pub(crate) fn null(&mut self) {
        self.at += 1;
    }

    pub(crate) fn integer(&mut self, value: i64) {
        if self.key() {
            written(encode::write_sint(&mut self.out, value).map(drop));
        }
    }

    pub(crate) fn float(&mut self, value: f64) {
        if self.key() {
            written(encode::write_f64(&mut self.out, value));
        }
    }

    /// A string of any bytes.
    pub(crate) fn text(&mut self, value: &[u8]) {
        if self.key() {
            write_text(&mut self.out, value);
        }
    }

    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Nil => self.null(),
            Value::Integer(value) => self.integer(*value),
            Value::Float(value) => self.float(*value),
            Value::String(value) => self.text(value),
            other if self.key() => self.out.extend_from_slice(&other.to_msgpack()),
            _ => {}
        }
    }

    pub(crate) fn finish(mut self) -> Result<Rows, Failure> {
        let count = u32::try_from(self.count).map_err(|_| crate::budget::too_large())?;
        self.out[0] = 0xdd;
        self.out[1..ARRAY_HEADER].copy_from_slice(&count.to_be_bytes());
        Ok(Rows { encoded: self.out, count: self.count })
    }
}

fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    // Longer values than 32 bits count exceed every budget, and no driver hands them out.
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let header = match std::str::from_utf8(text) {
        Ok(_) => encode::write_str_len(out, length).map(drop),
        Err(_) => encode::write_bin_len(out, length).map(drop),
    };
    written(header.map_err(|error| match error {
        encode::ValueWriteError::InvalidMarkerWrite(error)
        | encode::ValueWriteError::InvalidDataWrite(error) => error,
    }));
    out.extend_from_slice(text);
}

fn written<E: std::fmt::Debug>(result: Result<(), E>) {
    result.expect("invariant: writing to a Vec does not fail");
}
