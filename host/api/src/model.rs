//! The parts of a description.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// What one file describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// How scripts come by it.
    pub subject: Subject,
    /// A sentence or two.
    pub summary: String,
    /// Values by their dotted names, such as `type.TEXT`.
    pub constants: BTreeMap<String, Constant>,
    /// Functions by their dotted names, such as `regexp.compile`.
    pub functions: BTreeMap<String, Function>,
    /// Classes of the objects, and shapes of the tables, that the functions take and give.
    pub classes: BTreeMap<String, Class>,
    /// Objects that the table holds.
    pub fields: BTreeMap<String, Field>,
    /// Lua that shows it at work: a source whose `main` runs without arguments; empty where there is none.
    pub example: String,
    /// Names that are as in Lua 5.4's own manual.
    pub standard: Vec<String>,
}

/// How scripts come by what a file describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `require("name")`, for entries that list it.
    Module(String),
    /// A table that is always there. The functions of [`Subject::BASE`] are themselves globals.
    Global(String),
    /// Classes alone; other modules hand their objects out.
    Objects,
}

impl Subject {
    /// The global of which all others are fields.
    pub const BASE: &'static str = "_G";
}

/// A value.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// The value.
    pub value: Scalar,
    /// A sentence.
    #[serde(default)]
    pub doc: String,
}

/// The value of a constant.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string.
    Text(String),
}

impl fmt::Display for Scalar {
    /// As Lua writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(value) => value.fmt(f),
            Scalar::Integer(value) => value.fmt(f),
            Scalar::Float(value) => write!(f, "{value:?}"),
            Scalar::Text(text) => {
                write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
            }
        }
    }
}

/// A function or a method.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// What it does.
    pub doc: String,
    /// Without the object of a method.
    #[serde(default)]
    pub params: Vec<Parameter>,
    /// What it gives when it succeeds.
    #[serde(default)]
    pub returns: Vec<Result>,
    /// Whether it gives `nil` and an error when it fails.
    #[serde(default)]
    pub fails: bool,
    /// Whether it may suspend its coroutine.
    #[serde(default)]
    pub yields: bool,
    /// What policies are asked for.
    #[serde(default)]
    pub permission: Option<Permission>,
}

/// One permission or several.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Permission {
    /// `store.get(id)`
    One(String),
    /// All of these.
    All(Vec<String>),
}

impl Permission {
    /// Each of them.
    pub fn each(&self) -> impl Iterator<Item = &str> {
        match self {
            Permission::One(one) => std::slice::from_ref(one),
            Permission::All(all) => all.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

/// A parameter.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name, or `...`.
    pub name: String,
    /// In the notation of the Lua language server.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// A sentence.
    #[serde(default)]
    pub doc: String,
}

/// A value that a function gives.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Result {
    /// In the notation of the Lua language server.
    #[serde(rename = "type")]
    pub ty: String,
    /// A word for it.
    #[serde(default)]
    pub name: String,
    /// A sentence.
    #[serde(default)]
    pub doc: String,
}

/// A class of objects, or the shape of a table.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// What it is.
    #[serde(default)]
    pub doc: String,
    /// Functions that are called with `:`.
    #[serde(default)]
    pub methods: BTreeMap<String, Function>,
    /// Fields of a table; objects have none.
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
}

/// A field of a table, or an object in a module's.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// In the notation of the Lua language server.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether a table may lack it.
    #[serde(default)]
    pub optional: bool,
    /// A sentence.
    #[serde(default)]
    pub doc: String,
}

impl Description {
    /// The name of the module or global; `None` for objects alone.
    pub fn name(&self) -> Option<&str> {
        match &self.subject {
            Subject::Module(name) | Subject::Global(name) => Some(name),
            Subject::Objects => None,
        }
    }

    /// A function by its dotted name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// A constant by its dotted name.
    pub fn constant(&self, name: &str) -> Option<&Constant> {
        self.constants.get(name)
    }

    /// Dotted names of all that the table holds.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.constants.keys().chain(self.functions.keys()).chain(self.fields.keys());
        own.chain(&self.standard).map(String::as_str)
    }
}
