//! What is known of modules, functions and classes.

use perilune_api::{Api, Class, Description, Function, Subject};

/// Name and arguments of a function, and what it gives: `json.encode(value, options?) → string, Error?`.
pub(super) fn signature(name: &str, function: &Function) -> String {
    let mut results: Vec<String> = function.returns.iter().map(|result| result.ty.clone()).collect();
    if function.fails {
        results.push("Error?".to_owned());
    }
    let arrow = if results.is_empty() { String::new() } else { format!(" → {}", results.join(", ")) };
    format!("{name}({}){arrow}", parameters(function))
}

/// The parameters of a function as one writes them.
pub(super) fn parameters(function: &Function) -> String {
    let shown = function.params.iter().filter(|parameter| parameter.name != "self");
    let names: Vec<String> =
        shown.map(|one| format!("{}{}", one.name, if one.optional { "?" } else { "" })).collect();
    names.join(", ")
}

/// The function of a dotted name, such as `json.encode` or `print`.
pub(super) fn function(name: &str) -> Option<&'static Function> {
    let api = Api::built_in();
    let subject = |name: &str| api.module(name).or_else(|| api.global(name));
    match name.split_once('.') {
        Some((first, rest)) => subject(first)?.function(rest),
        None => api.global(Subject::BASE)?.function(name),
    }
}

/// Names of all methods that objects have.
pub(super) fn methods() -> impl Iterator<Item = &'static str> {
    let classes = Api::built_in().descriptions().flat_map(|(_, description)| description.classes.values());
    classes.flat_map(|class| class.methods.keys().map(String::as_str))
}

/// Everything that `.doc` explains.
pub(super) fn names() -> Vec<String> {
    let mut names = Vec::new();
    for (_, description) in Api::built_in().descriptions() {
        let of = description.name().filter(|name| *name != Subject::BASE);
        names.extend(of.map(str::to_owned));
        names.extend(description.functions.keys().map(|function| match of {
            Some(of) => format!("{of}.{function}"),
            None => function.clone(),
        }));
        names.extend(description.classes.keys().cloned());
    }
    names
}

/// What a name means, for people.
pub(super) fn explain(name: &str) -> Option<String> {
    let api = Api::built_in();
    if let Some(description) = api.module(name).or_else(|| api.global(name)) {
        return Some(explain_all(name, description));
    }
    if let Some(found) = function(name) {
        return Some(explain_function(name, found));
    }
    if let Some(class) = api.class(name) {
        return Some(explain_class(name, class));
    }
    let (class, method) = name.split_once(':')?;
    let found = api.class(class)?.methods.get(method)?;
    Some(explain_function(name, found))
}

fn explain_all(name: &str, description: &Description) -> String {
    let mut text = format!("{}\n", description.summary.trim());
    let lines =
        description.functions.iter().map(|(function, what)| signature(&format!("{name}.{function}"), what));
    push_list(&mut text, "", lines);
    push_list(
        &mut text,
        "constants: ",
        description.constants.keys().map(|constant| format!("{name}.{constant}")),
    );
    push_list(
        &mut text,
        "as in Lua 5.4: ",
        description.standard.iter().map(|function| format!("{name}.{function}")),
    );
    push_list(&mut text, "classes: ", description.classes.keys().cloned());
    text
}

/// Signatures stand in lines of their own, names side by side.
fn push_list(text: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        return;
    }
    let separator = if title.is_empty() { "\n" } else { ", " };
    text.push_str(&format!("\n{title}{}\n", items.join(separator)));
}

fn explain_function(name: &str, function: &Function) -> String {
    let mut text = format!("{}\n\n{}\n", signature(name, function), function.doc.trim());
    for parameter in &function.params {
        let doc =
            if parameter.doc.is_empty() { String::new() } else { format!(": {}", parameter.doc.trim()) };
        text.push_str(&format!("\n  {} ({}){doc}", parameter.name, parameter.ty));
    }
    text
}

fn explain_class(name: &str, class: &Class) -> String {
    let mut text = format!("{}\n", class.doc.trim());
    push_list(
        &mut text,
        "",
        class.methods.iter().map(|(method, what)| signature(&format!("{name}:{method}"), what)),
    );
    let fields = class.fields.iter().map(|(field, what)| format!("{field} ({})", what.ty));
    push_list(&mut text, "fields: ", fields);
    text
}
