//! Globals: those that are not there, and those that are made.

use crate::globals::{absent, built_in};
use crate::rule;
use crate::subject::{Findings, Program};
use perilune_api::{Api, Subject};
use perilune_registry::{closest, quote};

/// Names that a suggestion is sought for: it looks at every name there is.
const MAX_SUGGESTIONS: usize = 25;

pub(crate) fn check(program: &Program<'_, '_>, to: &mut Findings<'_, '_>) {
    let globals = program.globals;
    if globals.is_dynamic {
        return;
    }
    let built_in = built_in();
    let subject = to.subject;
    let is_known = |name: &str| built_in.contains(name) || subject.names(name);
    let mut suggestions = 0;
    for (name, span) in &globals.reads {
        if is_known(name) || globals.written.contains(name) {
            continue;
        }
        if let Some(instead) = absent(name) {
            if !globals.tested.contains(name) {
                let message = format!("{} is not in the sandbox", quote(name));
                to.add(rule::ABSENT, *span, message, vec![instead.to_owned()]);
            }
            continue;
        }
        suggestions += 1;
        let names = built_in.iter().copied().chain(subject.imports.keys().copied());
        let names = names.chain(subject.modules.iter().map(|(_, name)| *name));
        let names = names.chain(globals.written.iter().copied());
        let locals = program.chunk.locals.iter().map(|local| local.name.text);
        let close = if suggestions > MAX_SUGGESTIONS { None } else { closest(name, names.chain(locals)) };
        let help = match close {
            _ if is_module(name) => Some(format!("list `{name}` in `modules`")),
            Some(close) if close == *name => {
                Some(format!("there is a local `{name}`, but not in this block or before this line"))
            }
            Some(close) => Some(format!("did you mean `{close}`?")),
            None => None,
        };
        let message = format!("nothing is named {}", quote(name));
        to.add(rule::UNDEFINED, *span, message, help.into_iter().collect());
    }
    for (name, span, is_meant) in &globals.writes {
        if !is_meant && !is_known(name) {
            let message = format!("{} is no local: this makes a global", quote(name));
            to.add(rule::NEW_GLOBAL, *span, message, Vec::new());
        }
    }
}

/// Whether an entry could list it.
fn is_module(name: &str) -> bool {
    Api::built_in().descriptions().any(|(_, one)| one.subject == Subject::Module(name.to_owned()))
}
