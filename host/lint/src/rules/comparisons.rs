//! Comparisons whose answer is known beforehand.

use crate::rule;
use crate::subject::{Findings, Program};
use crate::tree::{Expr, ExprKind, Op, Unary};
use crate::walk::{self, Visitor};
use perilune_registry::{closest, quote};

/// What `type` gives.
const TYPES: [&str; 8] = ["nil", "number", "string", "boolean", "table", "function", "thread", "userdata"];

pub(crate) fn check<'a>(program: &Program<'_, 'a>, to: &mut Findings<'_, 'a>) {
    let has_type = !program.globals.written.contains("type");
    walk::block(&program.chunk.block, &mut Comparisons { to, has_type });
}

struct Comparisons<'f, 's, 'a> {
    to: &'f mut Findings<'s, 'a>,
    /// Whether `type` is Lua's.
    has_type: bool,
}

impl<'a> Visitor<'a> for Comparisons<'_, '_, 'a> {
    fn expr(&mut self, expr: &Expr<'a>) {
        let ExprKind::Binary { op, left, right } = &expr.kind else { return };
        let always = match op {
            Op::Equal => "false",
            Op::NotEqual => "true",
            Op::Order => return self.order(expr, left.bare(), right.bare()),
            _ => return,
        };
        let (left, right) = (left.bare(), right.bare());
        let mut helps = Vec::new();
        let message = if is_nan(left) || is_nan(right) {
            helps.push("`x ~= x` asks whether `x` is NaN".to_owned());
            format!("nothing equals NaN, itself included: this is always {always}")
        } else if is_new(left) || is_new(right) {
            helps.push("`next(t) == nil` asks whether a table is empty".to_owned());
            format!("a new table or function equals nothing else: this is always {always}")
        } else if let (Some(one), Some(other)) = (kind(left), kind(right))
            && one != other
        {
            let is_not = matches!(left.kind, ExprKind::Unary { op: Unary::Not, .. });
            helps.extend(is_not.then(|| "`not` binds first: write `not (x == y)`, or `x ~= y`".to_owned()));
            format!("a {one} never equals a {other}: this is always {always}")
        } else if let Some(name) = self.type_name(left, right).or_else(|| self.type_name(right, left)) {
            helps.extend(closest(name, TYPES).map(|name| format!("did you mean `{name}`?")));
            format!("`type` never gives {}: this is always {always}", quote(name))
        } else {
            return;
        };
        self.to.add(rule::CONSTANT, expr.span, message, helps);
    }
}

impl<'a> Comparisons<'_, '_, 'a> {
    fn order(&mut self, expr: &Expr<'a>, left: &Expr<'a>, right: &Expr<'a>) {
        if is_nan(left) || is_nan(right) {
            let message = "NaN is neither less nor greater than anything: this is always false";
            self.to.add(rule::CONSTANT, expr.span, message, Vec::new());
        } else if matches!(left.kind, ExprKind::Nil) || matches!(right.kind, ExprKind::Nil) {
            self.to.add(rule::CONSTANT, expr.span, "comparing with nil always raises an error", Vec::new());
        }
    }

    /// What `type(…)` is compared with, if that is no name of a type.
    fn type_name<'e>(&self, call: &Expr<'a>, text: &'e Expr<'a>) -> Option<&'e str> {
        let ExprKind::Call { callee, .. } = &call.kind else { return None };
        let ExprKind::String(Some(text)) = &text.kind else { return None };
        let is_type = self.has_type && matches!(callee.kind, ExprKind::Global("type"));
        (is_type && !TYPES.contains(&text.as_ref())).then_some(text.as_ref())
    }
}

/// `0/0`, and that with a sign.
fn is_nan(expr: &Expr<'_>) -> bool {
    let is_zero = |expr: &Expr<'_>| matches!(expr.bare().kind, ExprKind::Number("0" | "0.0"));
    match &expr.bare().kind {
        ExprKind::Binary { op: Op::Divide, left, right } => is_zero(left) && is_zero(right),
        ExprKind::Unary { op: Unary::Minus, operand } => is_nan(operand),
        _ => false,
    }
}

fn is_new(expr: &Expr<'_>) -> bool {
    matches!(expr.kind, ExprKind::Table(_) | ExprKind::Function(_))
}

/// The type of a value, where the text tells it.
fn kind(expr: &Expr<'_>) -> Option<&'static str> {
    match &expr.bare().kind {
        ExprKind::Nil => Some("nil"),
        ExprKind::Bool(_) | ExprKind::Unary { op: Unary::Not, .. } => Some("boolean"),
        ExprKind::Binary { op: Op::Equal | Op::NotEqual | Op::Order, .. } => Some("boolean"),
        ExprKind::Number(_) | ExprKind::Unary { op: Unary::Length, .. } => Some("number"),
        ExprKind::String(_) => Some("string"),
        _ => None,
    }
}
