//! Goes through a tree in the order of the source.

use crate::tree::{Block, Expr, ExprKind, Field, Function, Key, Stat, StatKind};

/// What is told of each node, before what is in it.
pub(crate) trait Visitor<'a> {
    /// A block begins.
    fn block(&mut self, _block: &Block<'a>) {}
    /// A statement begins.
    fn stat(&mut self, _stat: &Stat<'a>) {}
    /// A statement has ended: what a `local` declares can be seen from here on.
    fn after(&mut self, _stat: &Stat<'a>) {}
    /// An expression begins.
    fn expr(&mut self, _expr: &Expr<'a>) {}
}

/// Shows a block and all in it.
pub(crate) fn block<'a>(block: &Block<'a>, to: &mut dyn Visitor<'a>) {
    to.block(block);
    for one in &block.stats {
        stat(one, to);
    }
}

fn stat<'a>(stat: &Stat<'a>, to: &mut dyn Visitor<'a>) {
    to.stat(stat);
    match &stat.kind {
        StatKind::Local { values, .. } | StatKind::Return(values) => exprs(values, to),
        StatKind::Assign { targets, values } => {
            exprs(values, to);
            targets.iter().for_each(|one| target(one, to));
        }
        StatKind::Call(call) => expr(call, to),
        StatKind::Function { name, body } => {
            target(name, to);
            function(body, to);
        }
        StatKind::LocalFunction { body } => function(body, to),
        StatKind::If { arms, otherwise } => {
            for (condition, inner) in arms {
                expr(condition, to);
                block(inner, to);
            }
            if let Some(inner) = otherwise {
                block(inner, to);
            }
        }
        StatKind::While { condition, block: inner } => {
            expr(condition, to);
            block(inner, to);
        }
        StatKind::Repeat { block: inner, condition } => {
            block(inner, to);
            expr(condition, to);
        }
        StatKind::Do(inner) => block(inner, to),
        StatKind::For { values, block: inner } => {
            exprs(values, to);
            block(inner, to);
        }
        StatKind::Break | StatKind::Goto | StatKind::Label | StatKind::Empty => {}
    }
    to.after(stat);
}

/// What is assigned to is not read; what it is a field of is.
fn target<'a>(at: &Expr<'a>, to: &mut dyn Visitor<'a>) {
    if let ExprKind::Index { object, key } = &at.kind {
        expr(object, to);
        if let Key::Expr(key) = key {
            expr(key, to);
        }
    }
}

fn function<'a>(function: &Function<'a>, to: &mut dyn Visitor<'a>) {
    block(&function.block, to);
}

fn exprs<'a>(exprs: &[Expr<'a>], to: &mut dyn Visitor<'a>) {
    for one in exprs {
        expr(one, to);
    }
}

/// Shows an expression and all in it.
pub(crate) fn expr<'a>(at: &Expr<'a>, to: &mut dyn Visitor<'a>) {
    to.expr(at);
    match &at.kind {
        ExprKind::Index { object, key } => {
            expr(object, to);
            if let Key::Expr(key) = key {
                expr(key, to);
            }
        }
        ExprKind::Call { callee, args } => {
            expr(callee, to);
            exprs(args, to);
        }
        ExprKind::Method { object, args, .. } => {
            expr(object, to);
            exprs(args, to);
        }
        ExprKind::Function(body) => function(body, to),
        ExprKind::Table(fields) => {
            for Field { key, value } in fields {
                if let Some(Key::Expr(key)) = key {
                    expr(key, to);
                }
                expr(value, to);
            }
        }
        ExprKind::Binary { left, right, .. } => {
            expr(left, to);
            expr(right, to);
        }
        ExprKind::Unary { operand, .. } | ExprKind::Paren(operand) => expr(operand, to),
        ExprKind::Nil
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::Dots
        | ExprKind::Local(_)
        | ExprKind::Global(_)
        | ExprKind::Bad => {}
    }
}
