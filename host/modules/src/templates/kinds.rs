//! Entries that are templates, and sets of them.

use super::live::{Engine, LiveSet};
use perilune_registry::{Code, Entry, Field, Fields, KindSpec, Problem, Type};
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_text::templates::{self, Delimiters, Source, Syntax};
use perilune_value::{Failure, Value};
use std::sync::Arc;

/// A template is malformed.
const SYNTAX: Code = Code::new("E404");

/// The kinds.
pub const KINDS: &[ResourceKind] = &[SET, JET, JINJA];

pub(super) const SET_NAME: &str = "template.set";
const JET_NAME: &str = "template.jet";
const JINJA_NAME: &str = "template.jinja";

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

const SET: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: SET_NAME,
        doc: "Templates that see each other by name",
        fields: Fields::Known(&[Field {
            name: "engine",
            ty: Type::Object(&[
                Field {
                    name: "development_mode",
                    ty: Type::Bool,
                    default: "false",
                    doc: "read all templates anew for each page",
                    ..FIELD
                },
                Field {
                    name: "delimiters",
                    ty: Type::Object(&[
                        Field { name: "left", ty: Type::String, default: "{{", doc: "begins an action", ..FIELD },
                        Field { name: "right", ty: Type::String, default: "}}", doc: "ends an action", ..FIELD },
                        Field { name: "comment_left", ty: Type::String, default: "{*", doc: "begins a comment", ..FIELD },
                        Field { name: "comment_right", ty: Type::String, default: "*}", doc: "ends a comment", ..FIELD },
                    ]),
                    doc: "what encloses actions of `template.jet`",
                    ..FIELD
                },
                Field {
                    name: "extensions",
                    ty: Type::Strings,
                    default: "none",
                    doc: "endings of names that may be left out",
                    ..FIELD
                },
                Field { name: "globals", ty: Type::Map, default: "none", doc: "what all templates find besides their data", ..FIELD },
            ]),
            doc: "how the templates are read",
            ..FIELD
        }]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open: |opening| {
        let config: Config = opening.config()?;
        let set = LiveSet::new(opening.id().clone(), opening.host().registry.clone(), config.engine);
        Ok(Opened::resource(Arc::new(set)))
    },
};

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Config {
    engine: Engine,
}

const TEMPLATE_FIELDS: Fields = Fields::Known(&[
    Field { name: "set", ty: Type::Entry(&[SET_NAME]), required: true, doc: "the set that it belongs to", ..FIELD },
    Field { name: "source", ty: Type::Text, required: true, doc: "the template, nearly always a file", ..FIELD },
]);

const META: &[Field] =
    &[Field { name: "name", ty: Type::String, default: "the entry's name", doc: "its name in the set", ..FIELD }];

const JET: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: JET_NAME,
        doc: "Template in Jet's syntax",
        fields: TEMPLATE_FIELDS,
        meta: META,
        // Its set's delimiters may be others; a set looks at its templates with its own.
        check: None,
        ..KindSpec::EMPTY
    },
    open: open_template,
};

const JINJA: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: JINJA_NAME,
        doc: "Template in Jinja's syntax",
        fields: TEMPLATE_FIELDS,
        meta: META,
        check: Some(check_jinja),
        ..KindSpec::EMPTY
    },
    open: open_template,
};

fn open_template(opening: &Opening<'_>) -> Result<Opened, Failure> {
    Err(Failure::invalid(format!("{} is one template; ask for the set that it belongs to", opening.id())))
}

fn check_jinja(entry: &Entry) -> Vec<Problem> {
    let Some(source) = template(entry) else { return Vec::new() };
    match templates::check(&source, &Delimiters::default()) {
        Ok(()) => Vec::new(),
        Err(wrong) => {
            vec![Problem::in_source(entry, "source", wrong.line, None, SYNTAX, format!("template: {}", wrong.message))]
        }
    }
}

/// The template that an entry is.
pub(super) fn template(entry: &Entry) -> Option<Source<'_>> {
    let syntax = match entry.kind() {
        JET_NAME => Syntax::Jet,
        JINJA_NAME => Syntax::Jinja,
        _ => return None,
    };
    let name = entry.meta().get("name").and_then(Value::as_str).unwrap_or_else(|| entry.id().name());
    Some(Source { name, syntax, text: entry.data().get("source").and_then(Value::as_str)? })
}
