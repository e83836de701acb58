//! Keys that a table constructor sets twice.

use crate::rule;
use crate::subject::{Findings, Program};
use crate::tree::{Expr, ExprKind, Field, Key, Span};
use crate::walk::{self, Visitor};
use perilune_registry::quote;
use std::collections::HashMap;

pub(crate) fn check<'a>(program: &Program<'_, 'a>, to: &mut Findings<'_, 'a>) {
    walk::block(&program.chunk.block, &mut Tables(to));
}

struct Tables<'f, 's, 'a>(&'f mut Findings<'s, 'a>);

impl<'a> Visitor<'a> for Tables<'_, '_, 'a> {
    fn expr(&mut self, expr: &Expr<'a>) {
        let ExprKind::Table(fields) = &expr.kind else { return };
        let mut seen: HashMap<String, Span> = HashMap::new();
        for (key, span) in fields.iter().filter_map(key) {
            if let Some(first) = seen.get(&key) {
                let message = format!("key {} is set twice", quote(&key));
                self.0.add_with(rule::DUPLICATE_KEY, span, message, *first, "lost");
            } else {
                seen.insert(key, span);
            }
        }
    }
}

/// A key that is a literal, as Lua would write it, with its place.
fn key(field: &Field<'_>) -> Option<(String, Span)> {
    let key = field.key.as_ref()?;
    if let Some((name, span)) = key.name() {
        return Some((name.to_owned(), span));
    }
    let Key::Expr(key) = key else { return None };
    let text = match key.kind {
        ExprKind::Number(text) => format!("[{}]", number(text)?),
        ExprKind::Bool(value) => format!("[{value}]"),
        _ => return None,
    };
    Some((text, key.span))
}

/// `1`, `1.0` and `0x1` are one key.
fn number(text: &str) -> Option<String> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(digits) = hexadecimal {
        return i64::from_str_radix(digits, 16).ok().map(|number| number.to_string());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.to_string());
    }
    text.parse::<f64>().ok().map(|number| number.to_string())
}
