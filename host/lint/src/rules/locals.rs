//! Local variables, parameters and labels that nothing uses, and locals that hide others.

use crate::rule;
use crate::subject::{Findings, Program};
use crate::tree::{Local, Role};
use perilune_registry::quote;
use std::collections::BTreeMap;

pub(crate) fn check(program: &Program<'_, '_>, to: &mut Findings<'_, '_>) {
    let chunk = program.chunk;
    // The place of the last parameter that is read, of each function.
    let mut last_read: BTreeMap<usize, usize> = BTreeMap::new();
    for local in chunk.locals.iter().filter(|local| local.reads > 0) {
        if let Role::Parameter { function, place } = local.role {
            let last = last_read.entry(function).or_default();
            *last = place.max(*last);
        }
    }
    for local in &chunk.locals {
        if let Some(hidden) = local.hides {
            let outer = chunk.locals[hidden].name;
            let message = format!("{} hides another local", quote(local.name.text));
            to.add_with(rule::SHADOWED, local.name.span, message, outer.span, "the other one");
        }
        if local.reads > 0 || local.is_closed || local.name.text.starts_with('_') {
            continue;
        }
        match local.role {
            Role::Receiver => {}
            Role::Parameter { function, place } => {
                if last_read.get(&function).is_none_or(|last| *last < place) && local.name.text != "self" {
                    let message = format!("parameter {} is never read", quote(local.name.text));
                    to.add(rule::UNUSED_PARAMETER, local.name.span, message, Vec::new());
                }
            }
            Role::Variable | Role::Function => unused(local, to),
        }
    }
    for label in chunk.labels.iter().filter(|label| label.uses == 0 && !label.name.text.starts_with('_')) {
        let message = format!("no `goto` leads to {}", quote(label.name.text));
        to.add(rule::UNUSED_LABEL, label.name.span, message, Vec::new());
    }
}

fn unused(local: &Local<'_>, to: &mut Findings<'_, '_>) {
    let what = if local.role == Role::Function { "function" } else { "local" };
    let how = if local.writes > 0 { "is set, but never read" } else { "is never read" };
    let message = format!("{what} {} {how}", quote(local.name.text));
    to.add(rule::UNUSED_LOCAL, local.name.span, message, Vec::new());
}
