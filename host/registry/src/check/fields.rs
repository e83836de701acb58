//! One entry by itself: its kind, its fields, their types.

use crate::EntryId;
use crate::code::Code;
use crate::entry::Entry;
use crate::lua::Import;
use crate::origin::Half;
use crate::path::FieldPath;
use crate::problem::{Problem, quote};
use crate::report::Report;
use crate::rules::Rules;
use crate::schema::{Field, Fields, Type};
use crate::suggest::{did_you_mean, known};
use crate::value::{deeper_than, key_text};
use crate::{component, source, units};
use perilune_value::Value;
use std::collections::BTreeSet;

/// Nesting of meta and of data: what [`Value::MAX_DEPTH`] leaves after the tables that hold an entry on its way to Lua.
const MAX_DEPTH: usize = Value::MAX_DEPTH - 8;

pub(crate) fn check(entry: &Entry, rules: &Rules, report: &mut Report) {
    let placeholders = rules.kinds.get(&entry.kind).is_some_and(|kind| kind.placeholders);
    let checker = &mut Checker { entry, rules, report, placeholders };
    if !checker.shape() {
        return;
    }
    let Some(kind) = rules.kinds.get(&entry.kind) else {
        let problem = Problem::in_field(
            entry,
            "kind",
            Code::UNKNOWN_KIND,
            format!("there is no kind {}", quote(&entry.kind)),
        )
        .help_all(known(&entry.kind, rules.kinds.written()));
        return checker.report.push(problem);
    };
    let before = checker.report.len();
    match kind.fields {
        Fields::Free => {}
        Fields::Known(fields) => {
            checker.object(&entry.data, &FieldPath::default(), fields, Unknown::Refused);
            checker.object(&entry.meta, &FieldPath::from("meta"), kind.meta, Unknown::Free);
        }
    }
    if checker.report.len() == before
        && let Some(check) = kind.check
    {
        checker.report.extend(check(entry));
    }
}

/// Whether fields besides the known ones may stand in a map.
#[derive(Clone, Copy, PartialEq)]
enum Unknown {
    Refused,
    Free,
}

struct Checker<'a> {
    entry: &'a Entry,
    rules: &'a Rules,
    report: &'a mut Report,
    placeholders: bool,
}

impl Checker<'_> {
    /// What holds for entries of every kind. False when the fields cannot be looked at.
    fn shape(&mut self) -> bool {
        let entry = self.entry;
        let before = self.report.len();
        for (name, value) in [("meta", &entry.meta), ("data", &entry.data)] {
            if deeper_than(value, MAX_DEPTH) {
                let message = format!("tables nest deeper than {MAX_DEPTH} levels");
                self.report.push(Problem::in_field(entry, name, Code::TOO_COMPLEX, message));
            }
        }
        let free = self.rules.kinds.get(&entry.kind).is_some_and(|kind| matches!(kind.fields, Fields::Free));
        let maps = [("meta", &entry.meta, false), ("data", &entry.data, free)];
        for (name, value, any) in maps {
            match value {
                Value::Map(pairs) if any || pairs.iter().all(|(key, _)| key.as_str().is_some()) => {}
                Value::Map(_) => {
                    let message = format!("the keys of `{name}` must be strings");
                    self.report.push(Problem::in_field(entry, name, Code::WRONG_TYPE, message));
                }
                Value::Nil => self.wrong_type(&name.into(), "a map", value),
                _ if any => {}
                _ => self.wrong_type(&name.into(), "a map", value),
            }
        }
        self.report.len() == before
    }

    fn object(&mut self, value: &Value, path: &FieldPath, fields: &[Field], unknown: Unknown) {
        let pairs = match value {
            Value::Map(pairs) => pairs.as_slice(),
            // An empty table.
            _ => &[],
        };
        for field in fields {
            let path = path.key(field.name);
            match value.get(field.name) {
                Some(value) => self.value(value, &path, &field.ty),
                None if field.required => {
                    self.report.push(
                        Problem::in_field(self.entry, path, Code::MISSING_FIELD, "it is missing")
                            .label("needs it")
                            .help(format!("add `{}`, {}: {}", field.name, field.ty.expected(), field.doc)),
                    );
                }
                None => {}
            }
        }
        if unknown == Unknown::Free {
            return;
        }
        for (key, _) in pairs {
            let key = key_text(key);
            if !fields.iter().any(|field| field.name == key) {
                let message = match path.segments() {
                    [] => format!("{} has no such field", quote(&self.entry.kind)),
                    _ => format!("`{path}` has no such field"),
                };
                self.report.push(
                    Problem::in_half(self.entry, path.key(&key), Half::Key, Code::UNKNOWN_FIELD, message)
                        .help_all(known(&key, fields.iter().map(|field| field.name))),
                );
            }
        }
    }

    fn value(&mut self, value: &Value, path: &FieldPath, ty: &Type) {
        if self.placeholders && has_placeholder(value) && !matches!(ty, Type::Object(_) | Type::Objects(_)) {
            return;
        }
        match (ty, value) {
            (Type::Any, _) | (Type::Bool, Value::Bool(_)) => {}
            // The loader has said why.
            (Type::Source | Type::Text | Type::Component, Value::String(_))
                if self.entry.origin.unresolved => {}
            (Type::Source, Value::String(bytes)) => {
                if let Some((message, help)) = source::refusal(bytes) {
                    self.bad(path, Code::BAD_SOURCE, format!("the source {message}"), help);
                }
            }
            (Type::Text, Value::String(bytes)) => {
                if let Some((message, help)) = source::text_refusal(bytes) {
                    self.bad(path, Code::BAD_SOURCE, format!("the text {message}"), help);
                }
            }
            (Type::Component, Value::String(bytes)) => {
                if let Some((message, help)) = component::refusal(bytes) {
                    self.bad(path, Code::NO_COMPONENT, message, help);
                }
            }
            (Type::String, Value::String(_)) => {
                if value.as_str().is_none_or(|text| text.trim().is_empty()) {
                    self.bad(path, Code::BAD_VALUE, "the string is empty or not UTF-8", "write a name");
                }
            }
            // From Lua an integer may arrive as a float.
            (Type::Integer { min, max }, Value::Integer(_) | Value::Float(_)) => match value.as_integer() {
                Some(n) if (*min..=*max).contains(&n) => {}
                Some(n) => self.bad(
                    path,
                    Code::BAD_VALUE,
                    format!("{n} is out of range"),
                    format!("write {}", ty.expected()),
                ),
                None => self.wrong_type(path, &ty.expected(), value),
            },
            (Type::Duration { max }, Value::String(_)) => {
                let read = value.as_str().and_then(units::duration);
                let most = humantime::format_duration(*max);
                self.quantity(
                    value,
                    path,
                    ty,
                    read,
                    |n| !n.is_zero() && n <= max,
                    format!("above zero, at most {most}"),
                );
            }
            (Type::Bytes { min, max }, Value::String(_)) => {
                let read = value.as_str().and_then(units::bytes);
                let size = |bytes| bytesize::ByteSize(bytes).display().iec();
                let range = format!("from {} to {}", size(*min), size(*max));
                self.quantity(value, path, ty, read, |n| (min..=max).contains(&n), range);
            }
            (Type::Sha256, Value::String(_)) => {
                let digits = value.as_str().and_then(|text| text.strip_prefix("sha256:")).unwrap_or_default();
                if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    let message = format!("{} is no checksum", shown(value));
                    self.bad(path, Code::BAD_VALUE, message, format!("write {}", ty.expected()));
                }
            }
            (Type::OneOf(words), Value::String(_)) => {
                let word = value.as_str().unwrap_or_default();
                if !words.contains(&word) {
                    let message = format!("{} is not {}", shown(value), ty.expected());
                    self.report.push(
                        Problem::in_field(self.entry, path.clone(), Code::BAD_VALUE, message)
                            .maybe_help(did_you_mean(word, words.iter().copied())),
                    );
                }
            }
            (Type::Number { min, max }, Value::Integer(_) | Value::Float(_)) => {
                if value.as_float().is_none_or(|n| !(*min..=*max).contains(&n)) {
                    let message = format!("{} is out of range", shown(value));
                    self.bad(path, Code::BAD_VALUE, message, format!("write {}", ty.expected()));
                }
            }
            (Type::Entry(_), Value::String(_)) => self.entry_id(value, path),
            (Type::Introduces(_) | Type::Introduced(_) | Type::Entries(_), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, &path.item(index), &Type::Entry(&[]));
                }
            }
            (Type::Texts, Value::Map(pairs)) => {
                for (key, value) in pairs {
                    if !matches!(
                        value,
                        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_)
                    ) {
                        self.wrong_type(&path.key(&key_text(key)), "a string, a number or a boolean", value);
                    }
                }
            }
            (Type::Objects(fields), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, &path.item(index), &Type::Object(fields));
                }
            }
            (Type::StringOrStrings, Value::String(_)) => self.value(value, path, &Type::String),
            (Type::StringOrStrings, Value::Array(items)) if !items.is_empty() => {
                self.strings(items, path, ty);
            }
            (Type::Map, Value::Map(_)) | (Type::List, Value::Array(_)) => {}
            (Type::Strings | Type::Modules, Value::Array(items)) => self.strings(items, path, ty),
            (
                Type::Strings
                | Type::Modules
                | Type::Imports
                | Type::Entries(_)
                | Type::Introduces(_)
                | Type::Introduced(_)
                | Type::Objects(_)
                | Type::List,
                Value::Map(pairs),
            ) if pairs.is_empty() => {}
            (Type::Imports | Type::Object(_) | Type::Texts | Type::Map, Value::Array(items))
                if items.is_empty() => {}
            (Type::Imports, Value::Map(pairs)) => {
                for (alias, target) in pairs {
                    self.import(alias, target, path);
                }
            }
            (Type::Object(fields), Value::Map(_)) => self.object(value, path, fields, Unknown::Refused),
            _ => self.wrong_type(path, &ty.expected(), value),
        }
    }

    /// A number with a unit: `read` is `None` when the text is none.
    fn quantity<T>(
        &mut self,
        value: &Value,
        path: &FieldPath,
        ty: &Type,
        read: Option<T>,
        allowed: impl Fn(&T) -> bool,
        range: String,
    ) {
        let reason = match read {
            Some(n) if allowed(&n) => return,
            Some(_) => "is out of range",
            None if value.as_str().is_some_and(|text| text.starts_with('-')) => "is out of range",
            None => "has no known unit",
        };
        let help = format!("write {}, {range}", ty.expected());
        self.bad(path, Code::BAD_VALUE, format!("{} {reason}", shown(value)), help);
    }

    fn strings(&mut self, items: &[Value], path: &FieldPath, ty: &Type) {
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let path = path.item(index);
            match item.as_str() {
                None => self.wrong_type(&path, "a string", item),
                Some(text) if text.trim().is_empty() => {
                    self.bad(&path, Code::BAD_VALUE, "the name is empty", "write a name, or remove the item");
                }
                Some(text) if !seen.insert(text) => {
                    self.bad(
                        &path,
                        Code::BAD_VALUE,
                        format!("{} is listed twice", quote(text)),
                        "remove one of the two",
                    );
                }
                Some(name) if matches!(ty, Type::Modules) => self.module(name, &path),
                Some(_) => {}
            }
        }
    }

    /// Whether it stands for an entry; whether there is one is asked later.
    fn entry_id(&mut self, value: &Value, path: &FieldPath) {
        let text = value.as_str().unwrap_or_default();
        if let Err(error) = EntryId::relative(text, self.entry.id.namespace()) {
            let message = format!("{} is no entry id: {error}", quote(text));
            self.bad(
                path,
                Code::BAD_ID,
                message,
                "write `namespace:name`, or `name` for an entry of this namespace",
            );
        }
    }

    fn module(&mut self, name: &str, path: &FieldPath) {
        if name.contains(':') {
            let message = format!("{} is the id of an entry, not the name of a built-in module", quote(name));
            let alias = crate::EntryId::split(name).1;
            return self.bad(
                path,
                Code::UNKNOWN_MODULE,
                message,
                format!("import it: `imports: {{{alias}: {name}}}`"),
            );
        }
        if !self.rules.modules.contains(name) {
            self.report.push(
                Problem::in_field(
                    self.entry,
                    path.clone(),
                    Code::UNKNOWN_MODULE,
                    format!("there is no module {}", quote(name)),
                )
                .help_all(known(name, self.rules.modules.iter().map(String::as_str))),
            );
        }
    }

    /// One `alias: target`; whether an entry of that id exists is asked later.
    fn import(&mut self, alias: &Value, target: &Value, path: &FieldPath) {
        let path = path.key(&key_text(alias));
        let problem =
            |code, half, message: String| Problem::in_half(self.entry, path.clone(), half, code, message);
        let found = match alias.as_str() {
            None => problem(
                Code::WRONG_TYPE,
                Half::Key,
                format!("an alias must be a string, found {}", type_name(alias)),
            ),
            Some(name) if name.trim().is_empty() => {
                problem(Code::BAD_VALUE, Half::Key, "the alias is empty".to_owned())
                    .help("write the name for `require`")
            }
            Some(name) if self.rules.reserved.contains(name) => {
                let message = format!("{} is always present in Lua, an alias cannot hide it", quote(name));
                problem(Code::RESERVED_NAME, Half::Key, message).help("choose another alias")
            }
            Some(_) => match target.as_str().map(|text| (text, Import::parse(text))) {
                None => problem(
                    Code::WRONG_TYPE,
                    Half::Value,
                    format!("expected `namespace:name`, found {}", type_name(target)),
                ),
                Some((text, Err(error))) => {
                    problem(Code::BAD_ID, Half::Value, format!("{} is no target: {error}", quote(text)))
                        .help("write `namespace:name`")
                }
                Some((_, Ok(Import::Module(name)))) if !self.rules.modules.contains(&name) => {
                    let message = format!(
                        "a target without a namespace is a built-in module, and there is no module {}",
                        quote(&name)
                    );
                    let sibling = format!(
                        "for the entry of this namespace write `{}:{name}`",
                        self.entry.id.namespace()
                    );
                    problem(Code::UNKNOWN_MODULE, Half::Value, message)
                        .maybe_help(did_you_mean(&name, self.rules.modules.iter().map(String::as_str)))
                        .help(sibling)
                }
                Some((_, Ok(_))) => return,
            },
        };
        self.report.push(found);
    }

    fn wrong_type(&mut self, path: &FieldPath, expected: &str, found: &Value) {
        let message = format!("expected {expected}, found {}", type_name(found));
        self.report.push(Problem::in_field(self.entry, path.clone(), Code::WRONG_TYPE, message));
    }

    fn bad(&mut self, path: &FieldPath, code: Code, message: impl Into<String>, help: impl Into<String>) {
        self.report.push(Problem::in_field(self.entry, path.clone(), code, message).help(help));
    }
}

/// Whether a text is to be replaced before it means anything.
pub(crate) fn has_placeholder(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("${"))
}

/// What a value is, as an entry's author would say it.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Map(_) => "a map",
        Value::Error(_) => "an error",
    }
}

fn shown(value: &Value) -> String {
    quote(&key_text(value))
}
