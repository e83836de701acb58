//! The recursive way: pieces between separators are put together again as long as they fit.

use super::{Measures, characters, too_large};
use perilune_value::Failure;
use std::collections::VecDeque;

/// The chunks of a text, of so many bytes together. Without `keep_separator`, what separates two chunks is in neither; with it,
/// it begins the second.
pub(super) fn cut<'a>(
    text: &'a str,
    measures: &Measures,
    keep_separator: bool,
    room: usize,
) -> Result<Vec<&'a str>, Failure> {
    let mut cutter = Cutter { text, measures, keep_separator, room, chunks: Vec::new() };
    cutter.cut(0, text.len(), &measures.separators)?;
    Ok(cutter.chunks)
}

struct Cutter<'a, 'm> {
    text: &'a str,
    measures: &'m Measures,
    keep_separator: bool,
    room: usize,
    chunks: Vec<&'a str>,
}

/// A part of the text by its bytes, and its length in characters.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    end: usize,
    length: usize,
}

impl<'a> Cutter<'a, '_> {
    /// Recursion ends with the separators.
    fn cut(&mut self, start: usize, end: usize, separators: &[String]) -> Result<(), Failure> {
        let part = &self.text[start..end];
        let Some(next) = separators.iter().position(|one| !one.is_empty() && part.contains(one.as_str()))
        else {
            return self.cut_anywhere(part);
        };
        let (separator, further) = (&separators[next], &separators[next + 1..]);
        let gap = if self.keep_separator { 0 } else { characters(separator) };
        let mut fitting = VecDeque::new();
        let mut length = 0;
        for piece in self.pieces(start, end, separator) {
            if piece.length <= self.measures.size {
                self.add(piece, gap, &mut fitting, &mut length)?;
            } else {
                self.flush(&mut fitting)?;
                length = 0;
                self.cut(piece.start, piece.end, further)?;
            }
        }
        self.flush(&mut fitting)
    }

    fn pieces(&self, start: usize, end: usize, separator: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut push = |from: usize, to: usize| {
            if from < to {
                pieces.push(Piece { start: from, end: to, length: characters(&self.text[from..to]) });
            }
        };
        let mut from = start;
        for (at, _) in self.text[start..end].match_indices(separator) {
            push(from, start + at);
            from = start + at + if self.keep_separator { 0 } else { separator.len() };
        }
        push(from, end);
        pieces
    }

    /// Adds a piece to those that the next chunk is made of. Those that no longer fit become a chunk, and as many of its last
    /// ones as the overlap allows begin the next.
    fn add(
        &mut self,
        piece: Piece,
        gap: usize,
        fitting: &mut VecDeque<Piece>,
        length: &mut usize,
    ) -> Result<(), Failure> {
        // Empty pieces were left out, so that the gap between two may be more than one separator.
        let between = |fitting: &VecDeque<Piece>| match fitting.back() {
            Some(last) if gap > 0 => characters(&self.text[last.end..piece.start]),
            _ => 0,
        };
        let mut added = between(fitting) + piece.length;
        if *length + added > self.measures.size && !fitting.is_empty() {
            self.emit(fitting)?;
            while *length > self.measures.overlap || (*length > 0 && *length + added > self.measures.size) {
                let Some(first) = fitting.pop_front() else { break };
                *length -= first.length;
                if let Some(next) = fitting.front() {
                    *length -= characters(&self.text[first.end..next.start]);
                }
            }
            added = between(fitting) + piece.length;
        }
        *length += added;
        fitting.push_back(piece);
        Ok(())
    }

    fn flush(&mut self, fitting: &mut VecDeque<Piece>) -> Result<(), Failure> {
        self.emit(fitting)?;
        fitting.clear();
        Ok(())
    }

    fn emit(&mut self, fitting: &VecDeque<Piece>) -> Result<(), Failure> {
        match (fitting.front(), fitting.back()) {
            (Some(first), Some(last)) => self.push(&self.text[first.start..last.end]),
            _ => Ok(()),
        }
    }

    /// Between characters, when no separator is left.
    fn cut_anywhere(&mut self, part: &'a str) -> Result<(), Failure> {
        let Measures { size, overlap, .. } = *self.measures;
        let places: Vec<usize> = part.char_indices().map(|(at, _)| at).chain([part.len()]).collect();
        let last = places.len() - 1;
        let mut from = 0;
        loop {
            let to = (from + size).min(last);
            self.push(&part[places[from]..places[to]])?;
            if to == last {
                return Ok(());
            }
            from = to - overlap;
        }
    }

    fn push(&mut self, chunk: &'a str) -> Result<(), Failure> {
        self.room = self.room.checked_sub(chunk.len() + 16).ok_or_else(too_large)?;
        self.chunks.push(chunk);
        Ok(())
    }
}
