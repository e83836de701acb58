//! Where results grow, within bounds.

use crate::compute::{Stop, no_memory};
use perilune_cell::{Held, Reservation};
use perilune_value::{Failure, Kind};
use std::io::{self, Write};
use std::sync::Arc;

/// A result that grows to so many bytes and no further. Memory is taken as bytes arrive, whatever the data claims to hold.
pub struct Output {
    /// What there is.
    pub bytes: Vec<u8>,
    max: usize,
    cell: Option<Cell>,
    full: bool,
    refusal: Option<Failure>,
}

/// For whom the result is.
struct Cell {
    held: Arc<Held>,
    stop: Stop,
    counted: usize,
    reservations: Vec<Reservation>,
}

/// Memory is counted in steps of at least so many bytes.
const STEP: usize = 64 << 10;

impl Output {
    /// At most `max` bytes.
    pub fn new(max: usize) -> Self {
        Output { bytes: Vec::new(), max, cell: None, full: false, refusal: None }
    }

    /// At most `max` bytes, and no more than the cell's memory limit allows.
    pub(crate) fn of_cell(max: usize, held: Arc<Held>, stop: Stop) -> Self {
        let cell = Cell { held, stop, counted: 0, reservations: Vec::new() };
        Output { cell: Some(cell), ..Output::new(max) }
    }

    /// Whether the result had more than `max` bytes.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Whether work should go on.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.cell.as_ref().map_or(Ok(()), |cell| cell.stop.check())
    }

    /// Fails when writing did, for those who lose what writing says.
    pub(super) fn written(&self) -> io::Result<()> {
        if self.refusal.is_some() { Err(io::Error::other("a bound is reached")) } else { Ok(()) }
    }

    /// Why writing failed, if it was for a bound and not for what was read.
    pub(super) fn refusal(&mut self) -> Option<Failure> {
        self.refusal.take()
    }

    fn make_room(&mut self, more: usize) -> Result<(), Failure> {
        self.check()?;
        let size = self.bytes.len() + more;
        if size > self.max {
            self.full = true;
            let message = format!("compress: the result is larger than `max_size`, {} bytes", self.max);
            return Err(Failure::new(Kind::Internal, message).with_detail("limit", "max_size"));
        }
        if let Some(cell) = &mut self.cell {
            cell.count(size)?;
        }
        Ok(())
    }
}

impl Cell {
    /// Counts memory for a result of so many bytes: twice what is there, as vectors grow, or what is needed where that is too
    /// much.
    fn count(&mut self, size: usize) -> Result<(), Failure> {
        while self.counted < size {
            let needed = size - self.counted;
            let generous = needed.max(self.counted).max(STEP);
            let (step, reserved) = match self.held.reserve(generous) {
                Some(reserved) => (generous, reserved),
                None => (needed, self.held.reserve(needed).ok_or_else(no_memory)?),
            };
            self.counted += step;
            self.reservations.push(reserved);
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if let Err(refusal) = self.make_room(piece.len()) {
            self.refusal = Some(refusal);
            self.written()?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
