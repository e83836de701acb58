//! Which handlers enclose a place, inside out.

use wasmparser::{Catch, Operator};

/// The blocks that are open at a place in a body, outermost first; of a `try_table` its clauses.
#[derive(Default)]
pub(crate) struct Regions {
    open: Vec<Vec<Catch>>,
}

/// One clause, seen from a place inside its region.
#[derive(Clone, Copy)]
pub(crate) struct Handler {
    /// `None` catches every tag.
    pub(crate) tag: Option<u32>,
    /// Whether the handler gets an `exnref`.
    pub(crate) reference: bool,
    /// Counted from the place.
    pub(crate) label: u32,
}

impl Regions {
    /// Follows the instruction just read.
    pub(crate) fn step(&mut self, operator: &Operator) {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.open.push(Vec::new());
            }
            Operator::TryTable { try_table } => self.open.push(try_table.catches.clone()),
            Operator::End => {
                self.open.pop();
            }
            _ => {}
        }
    }

    /// The label of the function itself, counted from here.
    pub(crate) fn function_label(&self) -> u32 {
        u32::try_from(self.open.len()).expect("invariant: a body is shorter than 4 GiB")
    }

    /// Clauses in the order in which they are tried.
    pub(crate) fn handlers(&self) -> impl Iterator<Item = Handler> {
        (1..).zip(self.open.iter().rev()).flat_map(|(outside, clauses)| {
            clauses.iter().map(move |clause| {
                let (tag, reference, label) = match *clause {
                    Catch::One { tag, label } => (Some(tag), false, label),
                    Catch::OneRef { tag, label } => (Some(tag), true, label),
                    Catch::All { label } => (None, false, label),
                    Catch::AllRef { label } => (None, true, label),
                };
                // A clause stands outside of its own region and counts from there.
                Handler { tag, reference, label: outside + label }
            })
        })
    }

    /// Whether an exception thrown here always finds a handler; `thrown` is its tag, if it is known, out of `tags`.
    pub(crate) fn catch(&self, thrown: Option<u32>, tags: u32) -> bool {
        let catches = |tag| self.handlers().any(|handler| handler.tag.is_none_or(|caught| caught == tag));
        match thrown {
            Some(tag) => catches(tag),
            None => self.handlers().any(|handler| handler.tag.is_none()) || (0..tags).all(catches),
        }
    }
}
