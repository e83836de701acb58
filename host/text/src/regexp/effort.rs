//! What reading a pattern costs, before its classes of characters are made.
//!
//! Classes become tables of ranges, and where case does not matter each of their characters is looked at, up to a million for one
//! class: a pattern of 16 KB could take 7 s, and patterns are read before anybody knows whether they are quick.

use regex_syntax::ast::{
    Ast, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind, Visitor,
};

/// Characters that there are.
const ALL: u64 = 0x11_0000;
/// Characters of `\w`, and about those of `\pL`.
const WORDS: u64 = 140_000;
/// What a class of Unicode costs in itself, a table of some hundred ranges.
const TABLE: u64 = 10_000;

/// About how many characters and ranges are looked at: 3 ns each (measured), two to four times.
pub(super) fn of(ast: &Ast) -> u64 {
    match regex_syntax::ast::visit(ast, Effort::default()) {
        Ok(effort) => effort,
        Err(never) => match never {},
    }
}

#[derive(Default)]
struct Effort {
    tables: u64,
    /// What is looked at where case does not matter.
    folded: u64,
    /// Whether there is such a place; which it is makes no difference.
    folds: bool,
}

impl Effort {
    fn flags(&mut self, flags: &Flags) {
        let is_i = |kind: &FlagsItemKind| matches!(kind, FlagsItemKind::Flag(Flag::CaseInsensitive));
        self.folds |= flags.items.iter().any(|item| is_i(&item.kind));
    }

    fn class(&mut self, characters: u64) {
        self.tables += TABLE;
        self.folded += characters;
    }
}

impl Visitor for Effort {
    type Output = u64;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<u64, Self::Err> {
        Ok(self.tables + if self.folds { self.folded } else { 0 })
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        match ast {
            Ast::Flags(set) => self.flags(&set.flags),
            Ast::Group(group) => {
                if let GroupKind::NonCapturing(flags) = &group.kind {
                    self.flags(flags);
                }
            }
            Ast::ClassUnicode(_) => self.class(ALL),
            Ast::ClassPerl(_) => self.class(0),
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        match item {
            ClassSetItem::Range(range) => {
                self.folded += u64::from(range.end.c).saturating_sub(u64::from(range.start.c)) + 1;
            }
            ClassSetItem::Unicode(_) => self.class(ALL),
            ClassSetItem::Perl(class) => self.class(if class.negated { ALL } else { WORDS }),
            // What lies within is looked at once more, and may have been turned round.
            ClassSetItem::Bracketed(_) => self.folded += ALL,
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), Self::Err> {
        // Both sides are looked at once more.
        self.folded += 2 * ALL;
        Ok(())
    }
}
