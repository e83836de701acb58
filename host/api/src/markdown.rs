//! Pages for people.

use crate::model::{Class, Description, Function, Subject};
use crate::read::Api;
use crate::types::or_nil;
use std::fmt::Write;

/// What stands on every page.
const NOTE: &str = "<!-- Made from api/ by `UPDATE_DOCS=1 cargo test -p perilune-api`. -->";

/// Name and text of each page, an index among them.
pub fn pages(api: &Api) -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), index(api))];
    pages.extend(
        api.descriptions().map(|(name, description)| (format!("{name}.md"), page(name, description))),
    );
    pages
}

/// Whether a subject stands under a heading of the index.
type Belongs = fn(&Subject) -> bool;

fn index(api: &Api) -> String {
    let mut out = format!(
        "{NOTE}\n\n# What Lua sees\n\nFunctions that can fail return `nil` and an error; those that wait suspend their coroutine alone.\n"
    );
    let kinds: [(&str, Belongs); 3] = [
        ("Modules: `require` loads those that the entry lists", |subject| {
            matches!(subject, Subject::Module(_))
        }),
        ("Globals: always there", |subject| matches!(subject, Subject::Global(_))),
        ("Objects that several modules hand out", |subject| *subject == Subject::Objects),
    ];
    for (title, belongs) in kinds {
        let all: Vec<_> = api.descriptions().filter(|(_, one)| belongs(&one.subject)).collect();
        if all.is_empty() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = write!(out, "\n## {title}\n\n| | |\n|---|---|\n");
        for (name, one) in all {
            let _ = writeln!(out, "| [{}]({name}.md) | {} |", one.name().unwrap_or(name), cell(&one.summary));
        }
    }
    out
}

fn page(name: &str, description: &Description) -> String {
    let title = match &description.subject {
        Subject::Module(name) => format!("Module `{name}`"),
        Subject::Global(global) if global == Subject::BASE => "Global functions".to_owned(),
        Subject::Global(name) => format!("Global `{name}`"),
        Subject::Objects => format!("Objects of `{name}`"),
    };
    let mut out = format!("{NOTE}\n\n# {title}\n\n{}\n", description.summary.trim());
    if !description.example.is_empty() {
        let _ = write!(out, "\n```lua\n{}\n```\n", description.example.trim());
    }
    let table = match &description.subject {
        Subject::Global(global) if global == Subject::BASE => "",
        _ => description.name().unwrap_or_default(),
    };
    let join = |name: &str| if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
    if !description.standard.is_empty() {
        let names: Vec<String> = description.standard.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(out, "\nAs in Lua 5.4: {}.\n", names.join(", "));
    }
    if !description.constants.is_empty() {
        out.push_str("\n| constant | value | |\n|---|---|---|\n");
        for (name, constant) in &description.constants {
            let _ = writeln!(out, "| `{}` | `{}` | {} |", join(name), constant.value, cell(&constant.doc));
        }
    }
    if !description.fields.is_empty() {
        out.push_str("\n| field | type | |\n|---|---|---|\n");
        for (name, field) in &description.fields {
            let _ = writeln!(out, "| `{}` | `{}` | {} |", join(name), cell(&field.ty), cell(&field.doc));
        }
    }
    for (name, function) in &description.functions {
        let is_method = function.params.first().is_some_and(|first| first.name == "self");
        let shown = if is_method { format!("{table}:{name}") } else { join(name) };
        self::function(&mut out, "##", &shown, function, is_method);
    }
    for (name, class) in &description.classes {
        self::class(&mut out, name, class);
    }
    out
}

fn class(out: &mut String, name: &str, class: &Class) {
    let _ = write!(out, "\n## `{name}`\n");
    if !class.doc.is_empty() {
        let _ = write!(out, "\n{}\n", class.doc.trim());
    }
    if !class.fields.is_empty() {
        out.push_str("\n| field | type | |\n|---|---|---|\n");
        for (field, one) in &class.fields {
            let _ = writeln!(out, "| `{field}` | `{}` | {} |", cell(&one.ty), cell(&one.doc));
        }
    }
    let object = name.rsplit('.').next().unwrap_or(name).to_lowercase();
    for (method, function) in &class.methods {
        self::function(out, "###", &format!("{object}:{method}"), function, false);
    }
}

fn function(out: &mut String, heading: &str, name: &str, function: &Function, skip_self: bool) {
    let parameters = &function.params[usize::from(skip_self)..];
    let names: Vec<String> = parameters
        .iter()
        .map(|parameter| format!("{}{}", parameter.name, if parameter.optional { "?" } else { "" }))
        .collect();
    let mut results: Vec<String> = function
        .returns
        .iter()
        .map(|result| if function.fails { or_nil(&result.ty) } else { result.ty.clone() })
        .collect();
    if function.fails {
        if results.is_empty() {
            results.push("nil".to_owned());
        }
        results.push("Error?".to_owned());
    }
    let arrow = if results.is_empty() { String::new() } else { format!(" → {}", results.join(", ")) };
    let _ = write!(out, "\n{heading} `{name}({}){arrow}`\n\n{}\n", names.join(", "), function.doc.trim());
    let mut items = Vec::new();
    for parameter in parameters {
        let optional = if parameter.optional { ", optional" } else { "" };
        let doc =
            if parameter.doc.is_empty() { String::new() } else { format!(": {}", parameter.doc.trim()) };
        items.push(format!("- `{}` (`{}`{optional}){doc}", parameter.name, parameter.ty));
    }
    for result in function.returns.iter().filter(|result| !result.doc.is_empty()) {
        items.push(format!("- returns `{}`: {}", result.ty, result.doc.trim()));
    }
    if function.yields {
        items.push("- suspends its coroutine".to_owned());
    }
    if let Some(permission) = &function.permission {
        let each: Vec<String> = permission.each().map(|one| format!("`{one}`")).collect();
        items.push(format!("- permission: {}", each.join(", ")));
    }
    if !items.is_empty() {
        let _ = write!(out, "\n{}\n", items.join("\n"));
    }
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.trim().replace('\n', " ").replace('|', "\\|")
}
