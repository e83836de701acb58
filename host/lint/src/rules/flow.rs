//! Code that nothing reaches.

use crate::rule;
use crate::subject::{Findings, Program};
use crate::tree::{Block, Expr, ExprKind, Stat, StatKind};
use crate::walk::{self, Visitor};

pub(crate) fn check<'a>(program: &Program<'_, 'a>, to: &mut Findings<'_, 'a>) {
    let has_error = !program.globals.written.contains("error");
    walk::block(&program.chunk.block, &mut Flow { to, has_error });
}

struct Flow<'f, 's, 'a> {
    to: &'f mut Findings<'s, 'a>,
    /// Whether `error` is Lua's.
    has_error: bool,
}

impl<'a> Visitor<'a> for Flow<'_, '_, 'a> {
    fn block(&mut self, block: &Block<'a>) {
        let mut stats = block.stats.iter().skip_while(|stat| !self.is_last(stat));
        let Some(last) = stats.next() else { return };
        let after = stats.find(|stat| !matches!(stat.kind, StatKind::Empty));
        if let Some(after) = after.filter(|stat| !matches!(stat.kind, StatKind::Label)) {
            let message = format!("nothing gets here: {}", reason(last));
            self.to.add(rule::UNREACHABLE, after.span, message, Vec::new());
        }
    }
}

impl Flow<'_, '_, '_> {
    /// Whether nothing behind a statement is reached.
    fn is_last(&self, stat: &Stat<'_>) -> bool {
        match &stat.kind {
            StatKind::Return(_) | StatKind::Break | StatKind::Goto => true,
            StatKind::Call(call) => self.has_error && is_error(call),
            StatKind::Do(block) => self.ends(block),
            StatKind::If { arms, otherwise } => {
                otherwise.as_ref().is_some_and(|block| self.ends(block))
                    && arms.iter().all(|(_, block)| self.ends(block))
            }
            StatKind::While { condition, block } => {
                matches!(condition.bare().kind, ExprKind::Bool(true) | ExprKind::Number(_)) && !leaves(block)
            }
            _ => false,
        }
    }

    fn ends(&self, block: &Block<'_>) -> bool {
        let has_label = block.stats.iter().any(|stat| matches!(stat.kind, StatKind::Label));
        !has_label && block.stats.iter().any(|stat| self.is_last(stat))
    }
}

fn is_error(call: &Expr<'_>) -> bool {
    matches!(&call.kind, ExprKind::Call { callee, .. } if matches!(callee.kind, ExprKind::Global("error")))
}

/// Whether a loop may be left: a `break` that is its own, or any `goto`.
fn leaves(block: &Block<'_>) -> bool {
    block.stats.iter().any(|stat| match &stat.kind {
        StatKind::Break | StatKind::Goto => true,
        StatKind::Do(block) => leaves(block),
        StatKind::If { arms, otherwise } => {
            arms.iter().any(|(_, block)| leaves(block)) || otherwise.as_ref().is_some_and(leaves)
        }
        StatKind::While { block, .. } | StatKind::Repeat { block, .. } | StatKind::For { block, .. } => {
            jumps(block)
        }
        _ => false,
    })
}

/// Whether there is a `goto`, which may lead out of all loops.
fn jumps(block: &Block<'_>) -> bool {
    block.stats.iter().any(|stat| match &stat.kind {
        StatKind::Goto => true,
        StatKind::Do(block)
        | StatKind::While { block, .. }
        | StatKind::Repeat { block, .. }
        | StatKind::For { block, .. } => jumps(block),
        StatKind::If { arms, otherwise } => {
            arms.iter().any(|(_, block)| jumps(block)) || otherwise.as_ref().is_some_and(jumps)
        }
        _ => false,
    })
}

/// Why nothing behind a statement is reached.
fn reason(stat: &Stat<'_>) -> &'static str {
    match &stat.kind {
        StatKind::Break => "`break` leaves the loop before",
        StatKind::Goto => "`goto` jumps away before",
        StatKind::Call(_) => "`error` is raised before",
        StatKind::While { .. } => "the loop before has no end",
        _ => "each way before it ends in `return`, `break`, `goto` or `error`",
    }
}
