//! What `require` is asked for, and what an entry lists for it.

use crate::everything::Everything;
use crate::globals::is_always_there;
use crate::rule;
use crate::subject::{Findings, Program};
use perilune_api::Api;
use perilune_registry::{FieldPath, Half, did_you_mean, quote};

pub(crate) fn check(program: &Program<'_, '_>, all: &Everything<'_>, to: &mut Findings<'_, '_>) {
    let (globals, subject) = (program.globals, to.subject);
    if !globals.written.contains("require") {
        for (name, spans) in &globals.required {
            if !subject.names(name) && !is_always_there(name) {
                let message = format!("{} is neither in `modules` nor in `imports`", quote(name));
                for span in spans {
                    to.add(rule::UNLISTED, *span, message.clone(), advice(name, to));
                }
            }
        }
        for span in &globals.computed {
            to.add(rule::DYNAMIC, *span, "the name to require is computed", Vec::new());
        }
    }
    if globals.is_dynamic || !globals.computed.is_empty() {
        return;
    }
    // What is listed is a global as well.
    let is_used = |name: &str| {
        globals.required.contains_key(name) || globals.tried.contains(name) || globals.read.contains(name)
    };
    for (at, name) in &subject.modules {
        // Who imports a library that lists a module may have objects of it, and say so.
        if !is_used(name) && !all.closure_lists(subject.entry, name) {
            let path = FieldPath::from("modules").item(*at);
            let message = format!("the source never uses module {}", quote(name));
            to.add_field(rule::UNUSED_MODULE, path, Half::Value, message, Vec::new());
        }
    }
    for alias in subject.imports.keys() {
        if !is_used(alias) {
            let path = FieldPath::from("imports").key(alias);
            let message = format!("the source never uses import {}", quote(alias));
            to.add_field(rule::UNUSED_IMPORT, path, Half::Key, message, Vec::new());
        }
    }
}

/// What to do about a name that is not listed.
fn advice(name: &str, to: &Findings<'_, '_>) -> Vec<String> {
    if Api::built_in().module(name).is_some() {
        return vec![format!("add it: `modules: [{name}]`")];
    }
    let listed = to.subject.modules.iter().map(|(_, name)| *name).chain(to.subject.imports.keys().copied());
    let known = Api::built_in().descriptions().filter_map(|(_, one)| one.name());
    did_you_mean(name, listed.chain(known)).into_iter().collect()
}
