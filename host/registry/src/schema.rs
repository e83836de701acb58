//! The table of kinds: one definition per field gives validation, help and documentation.

use crate::entry::Entry;
use crate::kinds::source_kind;
use crate::path::FieldPath;
use crate::problem::Problem;
use crate::together::Together;
use perilune_value::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// One field of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What its value must be.
    pub ty: Type,
    /// Whether an entry without it is refused.
    pub required: bool,
    /// What an absent field means, in words; empty when it means nothing.
    pub default: &'static str,
    /// One line for help and documentation.
    pub doc: &'static str,
}

/// What the value of a field must be.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Type {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// A string that is not empty.
    String,
    /// Lua text, or `file://…`, which the loader replaces by the file's text.
    Source,
    /// Text that is not Lua, or `file://…`, which the loader replaces by the file's text.
    Text,
    /// `file://…`, which the loader replaces by the file's bytes: a WebAssembly component.
    Component,
    /// An integer in a range, both ends included.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A duration above zero such as `30s`, `500ms` or `1m30s`.
    Duration {
        /// The longest.
        max: Duration,
    },
    /// A size such as `64MiB`, in bytes.
    Bytes {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A SHA-256 checksum: `sha256:` and 64 hexadecimal digits.
    Sha256,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A list of strings, none empty, none twice.
    Strings,
    /// A string, or a list of strings that is not empty.
    StringOrStrings,
    /// A list of names that the entry makes known to [`Type::Introduced`]; the text says of what, such as `group of policies`.
    /// `name` stands for one of the entry's namespace.
    Introduces(&'static str),
    /// A list of names each of which some entry introduces.
    Introduced(&'static str),
    /// A list of names of built-in modules.
    Modules,
    /// A map from alias to entry id; a target without a namespace is a built-in module.
    Imports,
    /// A number in a range, both ends included.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// The id of an entry of one of these kinds, or of any when there are none; `name` stands for one of the same namespace.
    Entry(&'static [&'static str]),
    /// A list of such ids.
    Entries(&'static [&'static str]),
    /// A map whose values are strings, numbers or booleans.
    Texts,
    /// A list of any values.
    List,
    /// A map with any fields.
    Map,
    /// A map with fields of its own.
    Object(&'static [Field]),
    /// A list of such maps.
    Objects(&'static [Field]),
}

impl Type {
    /// What is expected, as it stands in messages and help: `a list of strings`.
    pub fn expected(&self) -> String {
        match self {
            Type::Any => "any value".to_owned(),
            Type::Bool => "`true` or `false`".to_owned(),
            Type::String => "a string".to_owned(),
            Type::Source => "Lua text or `file://path.lua`".to_owned(),
            Type::Text => "text or `file://path`".to_owned(),
            Type::Component => "`file://path.wasm`".to_owned(),
            Type::Integer { min, max } => format!("an integer from {min} to {max}"),
            Type::Duration { .. } => "a duration such as `30s`, `500ms` or `1m30s`".to_owned(),
            Type::Bytes { .. } => "a size such as `64MiB`".to_owned(),
            Type::Sha256 => "`sha256:` and 64 hexadecimal digits".to_owned(),
            Type::OneOf(words) => {
                format!(
                    "one of {}",
                    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
                )
            }
            Type::Strings => "a list of strings".to_owned(),
            Type::StringOrStrings => "a string or a list of strings".to_owned(),
            Type::Introduces(what) | Type::Introduced(what) => format!("a list of names, each of a {what}"),
            Type::Modules => "a list of module names".to_owned(),
            Type::Imports => "a map of alias to `namespace:name`".to_owned(),
            Type::Number { min, max } => format!("a number from {min} to {max}"),
            Type::Entry([]) => "the id of an entry".to_owned(),
            Type::Entry(kinds) => format!("the id of a {}", kinds.join(" or ")),
            Type::Entries([]) => "a list of ids of entries".to_owned(),
            Type::Entries(kinds) => format!("a list of ids of {}", kinds.join(" or ")),
            Type::Texts => "a map of texts".to_owned(),
            Type::List => "a list".to_owned(),
            Type::Object(_) | Type::Map => "a map".to_owned(),
            Type::Objects(_) => "a list of maps".to_owned(),
        }
    }
}

/// The fields that a kind's entries may have.
#[derive(Clone, Copy, Debug)]
pub enum Fields {
    /// These and no others.
    Known(&'static [Field]),
    /// Any; the data may be any value.
    Free,
}

impl Fields {
    pub(crate) fn known(&self) -> &'static [Field] {
        match self {
            Fields::Known(fields) => fields,
            Fields::Free => &[],
        }
    }
}

/// One kind of entry.
#[derive(Clone, Copy, Debug)]
pub struct KindSpec {
    /// The text after `kind:`.
    pub name: &'static str,
    /// One line for help and documentation.
    pub doc: &'static str,
    /// The fields of its data.
    pub fields: Fields,
    /// Fields of its metadata that mean something; other metadata is free.
    pub meta: &'static [Field],
    /// Whether other entries can import it.
    pub importable: bool,
    /// Whether strings may hold placeholders such as `${env:NAME}`. A field that is one is checked when the entry is opened.
    pub placeholders: bool,
    /// What the fields cannot say one by one; called when each is right by itself.
    pub check: Option<fn(&Entry) -> Vec<Problem>>,
    /// What entries of this kind and others cannot say alone.
    pub together: Option<&'static Together>,
    /// Shows the values that no field describes, such as those of options whose names depend on another field.
    pub hidden: Option<HiddenValues>,
}

/// See [`KindSpec::hidden`].
pub type HiddenValues = fn(&Entry, &mut dyn FnMut(&Type, &Value, FieldPath));

impl KindSpec {
    /// A kind without fields that nothing imports; a base for `..`.
    pub const EMPTY: KindSpec = KindSpec {
        name: "",
        doc: "",
        fields: Fields::Known(&[]),
        meta: &[],
        importable: false,
        placeholders: false,
        check: None,
        together: None,
        hidden: None,
    };

    /// Shows each value of an entry that a known field or the kind itself describes, with its type and path.
    pub fn each_value(&self, entry: &Entry, visit: &mut dyn FnMut(&Type, &Value, FieldPath)) {
        each(self.fields.known(), &entry.data, &FieldPath::default(), visit);
        each(self.meta, &entry.meta, &FieldPath::from("meta"), visit);
        if let Some(hidden) = self.hidden {
            hidden(entry, visit);
        }
    }

    /// Data whose placeholders were replaced by texts: a text in a field of numbers or truth values becomes one, if it is one.
    pub(crate) fn typed(&self, mut data: Value) -> Value {
        typed(self.fields.known(), &mut data);
        data
    }

    /// Name, purpose and fields as lines of text, for a terminal.
    pub fn help(&self) -> String {
        let mut out = format!("{}: {}\n", self.name, self.doc);
        for (name, field) in self.flat() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {name:<20} {}{}", field.doc, notes(&field));
        }
        out
    }

    /// Name, purpose and fields as a section with a table, for documentation.
    pub fn markdown(&self) -> String {
        let mut out = format!("### `{}`\n\n{}.\n", self.name, self.doc);
        let fields = self.flat();
        if !fields.is_empty() {
            out.push_str("\n| field | value | required | default | meaning |\n|---|---|---|---|---|\n");
        }
        for (name, field) in fields {
            let required = if field.required { "yes" } else { "" };
            let _ = writeln!(
                out,
                "| `{name}` | {} | {required} | {} | {} |",
                field.ty.expected(),
                field.default,
                field.doc
            );
        }
        out
    }

    /// All fields with dotted names, those of `meta` last.
    fn flat(&self) -> Vec<(String, Field)> {
        let mut fields = Vec::new();
        flatten("", self.fields.known(), &mut fields);
        flatten("meta.", self.meta, &mut fields);
        fields
    }
}

fn flatten(prefix: &str, fields: &[Field], out: &mut Vec<(String, Field)>) {
    for field in fields {
        out.push((format!("{prefix}{}", field.name), *field));
        if let Type::Object(nested) | Type::Objects(nested) = field.ty {
            flatten(&format!("{prefix}{}.", field.name), nested, out);
        }
    }
}

fn each(fields: &[Field], value: &Value, path: &FieldPath, visit: &mut dyn FnMut(&Type, &Value, FieldPath)) {
    for field in fields {
        let Some(value) = value.get(field.name) else { continue };
        let path = path.key(field.name);
        match (&field.ty, value) {
            (Type::Object(nested), _) => each(nested, value, &path, visit),
            (Type::Objects(nested), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    each(nested, item, &path.item(index), visit);
                }
            }
            (Type::Entries(kinds), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    visit(&Type::Entry(kinds), item, path.item(index));
                }
            }
            (ty, value) => visit(ty, value, path),
        }
    }
}

fn typed(fields: &[Field], value: &mut Value) {
    let Value::Map(pairs) = value else { return };
    for (key, value) in pairs {
        let Some(field) = fields.iter().find(|field| key.as_str() == Some(field.name)) else { continue };
        let read = match (&field.ty, &mut *value) {
            (Type::Object(nested), value) => {
                typed(nested, value);
                None
            }
            (Type::Objects(nested), Value::Array(items)) => {
                items.iter_mut().for_each(|item| typed(nested, item));
                None
            }
            (Type::Integer { .. }, Value::String(bytes)) => number(bytes).map(Value::Integer),
            (Type::Number { .. }, Value::String(bytes)) => number(bytes).map(Value::Float),
            (Type::Bool, Value::String(bytes)) => number(bytes).map(Value::Bool),
            _ => None,
        };
        if let Some(read) = read {
            *value = read;
        }
    }
}

fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

fn notes(field: &Field) -> String {
    match (field.required, field.default) {
        (true, _) => " (required)".to_owned(),
        (false, "") => String::new(),
        (false, default) => format!(" (default: {default})"),
    }
}

/// The kinds that a registry knows.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    kinds: BTreeMap<&'static str, KindSpec>,
}

impl Kinds {
    /// No kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, kind: KindSpec) -> Self {
        self.kinds.insert(kind.name, kind);
        self
    }

    /// The kind of a name.
    pub fn get(&self, name: &str) -> Option<&KindSpec> {
        self.kinds.get(name)
    }

    /// All kinds by name.
    pub fn iter(&self) -> impl Iterator<Item = &KindSpec> {
        self.kinds.values()
    }

    /// The names of kinds that somebody writes by hand: nobody means bytecode by a word that is not quite right.
    pub(crate) fn written(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.kinds.keys().copied().filter(|name| source_kind(name) == *name)
    }
}
