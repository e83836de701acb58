//! Definitions for the Lua language server: what it completes, explains and checks.

use crate::model::{Class, Description, Field, Function, Subject};
use crate::read::{Api, ERROR};
use crate::types::or_nil;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What every file says about itself; editors show it, and [`settings`] relies on it.
pub const MARK: &str = "Written by `perilune editor`; it writes this file anew.";

/// Where an application keeps the files.
pub const FOLDER: &str = ".perilune/lua";

/// Globals whose tables the language server knows from Lua itself; only what is added is written.
const KNOWN: [&str; 5] = ["coroutine", "math", "string", "table", Subject::BASE];

/// Words that cannot name a parameter.
const KEYWORDS: [&str; 22] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// Name and text of each file.
pub fn files(api: &Api) -> Vec<(String, String)> {
    api.descriptions().map(|(name, description)| (format!("{name}.lua"), file(name, description))).collect()
}

/// The settings that make the language server read them: the text of a `.luarc.json`.
pub fn settings() -> String {
    format!(
        r#"{{
  "$schema": "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
  "runtime.version": "Lua 5.4",
  "runtime.builtin": {{ "debug": "disable", "io": "disable", "os": "disable", "utf8": "disable" }},
  "workspace.library": ["{FOLDER}"],
  "workspace.checkThirdParty": false
}}
"#
    )
}

fn file(name: &str, description: &Description) -> String {
    let mut out = Text::default();
    match &description.subject {
        Subject::Module(module) => out.line(&format!("---@meta {module}")),
        _ => out.line("---@meta _"),
    }
    out.line(&format!("-- {MARK}"));
    if name == "errors" {
        out.line("");
        out.line(&format!("---@alias {ERROR} error"));
    }
    for (class, one) in &description.classes {
        out.class(class, one);
    }
    match &description.subject {
        Subject::Objects => {}
        Subject::Module(module) => {
            let table = local(module);
            out.line("");
            out.doc(&description.summary);
            out.line(&format!("---@class module.{module}"));
            out.fields(&description.fields);
            out.line(&format!("local {table} = {{}}"));
            out.table(&table, description);
            out.line("");
            out.line(&format!("return {table}"));
        }
        Subject::Global(global) if KNOWN.contains(&global.as_str()) => {
            let table = if global == Subject::BASE { String::new() } else { global.clone() };
            out.table(&table, description);
        }
        Subject::Global(global) => {
            out.line("");
            out.doc(&description.summary);
            out.line(&format!("---@class global.{global}"));
            out.fields(&description.fields);
            out.line(&format!("{global} = {{}}"));
            out.table(global, description);
        }
    }
    out.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// Text in comments that belong to what follows.
    fn doc(&mut self, text: &str) {
        for line in text.lines() {
            self.line(&format!("---{line}"));
        }
    }

    fn class(&mut self, name: &str, class: &Class) {
        self.line("");
        self.doc(&class.doc);
        self.line(&format!("---@class {name}"));
        self.fields(&class.fields);
        // A class may be named like a global, such as `channel`, which a local of that name would hide.
        let table = if name.contains('.') { local(name) } else { format!("{name}_") };
        self.line(&format!("local {table} = {{}}"));
        for (method, function) in &class.methods {
            self.function(&format!("{table}:{method}"), function, false);
        }
    }

    fn fields(&mut self, fields: &BTreeMap<String, Field>) {
        for (field, one) in fields {
            let mark = if one.optional { "?" } else { "" };
            self.line(
                format!("---@field {field}{mark} {} {}", one.ty, one.doc.replace('\n', " ")).trim_end(),
            );
        }
    }

    /// The contents of a module's or a global's table; those of globals themselves when `table` is empty.
    fn table(&mut self, table: &str, description: &Description) {
        let join = |name: &str| if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
        let mut inner = BTreeSet::new();
        for name in description.constants.keys().chain(description.functions.keys()) {
            for (at, _) in name.match_indices('.') {
                inner.insert(&name[..at]);
            }
        }
        for name in inner {
            self.line("");
            self.line(&format!("{} = {{}}", join(name)));
        }
        for (name, constant) in &description.constants {
            self.line("");
            self.doc(&constant.doc);
            self.line(&format!("{} = {}", join(name), constant.value));
        }
        for (name, function) in &description.functions {
            // A table whose functions take itself is called with a colon.
            let is_method = function.params.first().is_some_and(|first| first.name == "self");
            let name = match join(name) {
                name if is_method => replace_last_dot(&name),
                name => name,
            };
            self.function(&name, function, is_method);
        }
    }

    fn function(&mut self, name: &str, function: &Function, skip_self: bool) {
        self.line("");
        self.doc(&function.doc);
        if function.yields {
            self.line("---");
            self.line("---Suspends its coroutine.");
        }
        if let Some(permission) = &function.permission {
            let each: Vec<String> = permission.each().map(|one| format!("`{one}`")).collect();
            self.line("---");
            self.line(&format!("---Permission: {}.", each.join(", ")));
        }
        let parameters = &function.params[usize::from(skip_self)..];
        let named = |name: &str| if KEYWORDS.contains(&name) { format!("{name}_") } else { name.to_owned() };
        let mut names = Vec::new();
        for parameter in parameters {
            let name = named(&parameter.name);
            let mark = if parameter.optional && name != "..." { "?" } else { "" };
            let line =
                format!("---@param {name}{mark} {} {}", parameter.ty, parameter.doc.replace('\n', " "));
            self.line(line.trim_end());
            names.push(name);
        }
        for result in &function.returns {
            let ty = if function.fails { or_nil(&result.ty) } else { result.ty.clone() };
            let mut line = format!("---@return {ty}");
            if !result.name.is_empty() {
                // Writing to a string cannot fail.
                let _ = write!(line, " {}", result.name);
            }
            if !result.doc.is_empty() {
                let _ = write!(line, " # {}", result.doc.replace('\n', " "));
            }
            self.line(&line);
        }
        if function.fails {
            if function.returns.is_empty() {
                self.line("---@return nil");
            }
            self.line(&format!("---@return {ERROR}? err"));
        }
        self.line(&format!("function {name}({}) end", names.join(", ")));
    }
}

/// A name for a local variable.
fn local(name: &str) -> String {
    let name = name.replace('.', "_");
    if KEYWORDS.contains(&name.as_str()) { format!("{name}_") } else { name }
}

fn replace_last_dot(name: &str) -> String {
    name.rsplit_once('.').map_or_else(|| name.to_owned(), |(table, method)| format!("{table}:{method}"))
}
