//! What a pattern costs, before it is compiled.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Two figures that bound time and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// States of the automaton when every repetition is written out.
    pub(super) states: u64,
    /// How many of them can be active at once: what one byte of text costs the slowest engine.
    pub(super) width: u64,
}

impl Cost {
    /// Recursion ends with the nesting of the pattern, which the parser bounds.
    pub(super) fn of(hir: &Hir) -> Cost {
        match hir.kind() {
            HirKind::Empty => Cost::default(),
            HirKind::Look(_) => Cost { states: 1, width: 1 },
            HirKind::Literal(literal) => {
                let bytes = literal.0.len() as u64;
                Cost { states: bytes, width: bytes }
            }
            // A range of characters is a few sequences of ranges of bytes; of one class only few are halfway at a time.
            HirKind::Class(Class::Unicode(class)) => {
                Cost { states: 4 + 3 * class.ranges().len() as u64, width: 4 }
            }
            HirKind::Class(Class::Bytes(_)) => Cost { states: 1, width: 1 },
            HirKind::Repetition(repetition) => {
                let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
                let one = Cost::of(&repetition.sub);
                Cost {
                    states: one.states.saturating_add(1).saturating_mul(times.into()),
                    width: one.width.saturating_add(1).saturating_mul(times.into()),
                }
            }
            HirKind::Capture(capture) => Cost::sum([Cost { states: 2, width: 2 }, Cost::of(&capture.sub)]),
            HirKind::Concat(parts) | HirKind::Alternation(parts) => Cost::sum(parts.iter().map(Cost::of)),
        }
    }

    fn sum(parts: impl IntoIterator<Item = Cost>) -> Cost {
        parts.into_iter().fold(Cost::default(), |sum, part| Cost {
            states: sum.states.saturating_add(part.states),
            width: sum.width.saturating_add(part.width),
        })
    }
}
