//! The entry kind `fs.directory`.

use crate::{Directory, Mode, Root};
use perilune_registry::{Code, Entry, Field, Fields, KindSpec, Problem, Type};
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_value::{Failure, Value};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every kind of this crate.
pub const KINDS: &[ResourceKind] = &[DIRECTORY];

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

const DIRECTORY: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "fs.directory",
        doc: "Directory that module `fs` and `http.static` read and write",
        fields: Fields::Known(&[
            Field {
                name: "directory",
                ty: Type::String,
                required: true,
                doc: "its path: in the application's folder, or below one that the host allows",
                ..FIELD
            },
            Field {
                name: "auto_init",
                ty: Type::Bool,
                default: "false",
                doc: "make it when it is missing",
                ..FIELD
            },
            Field {
                name: "mode",
                ty: Type::String,
                default: "0755",
                doc: "octal permissions that mask what is done: without 0400 nothing is read, without 0200 nothing written",
                ..FIELD
            },
            Field {
                name: "base",
                ty: Type::OneOf(&["project", "module"]),
                default: "project",
                doc: "where a relative path begins: the application's folder, or that of the file with this entry",
                ..FIELD
            },
        ]),
        placeholders: true,
        check: Some(check),
        ..KindSpec::EMPTY
    },
    open,
};

#[derive(Deserialize)]
struct Config {
    directory: String,
    #[serde(default)]
    auto_init: bool,
    mode: Option<String>,
    #[serde(default)]
    base: Base,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Base {
    #[default]
    Project,
    Module,
}

fn check(entry: &Entry) -> Vec<Problem> {
    let mode = entry.data().get("mode").and_then(Value::as_str).filter(|text| !text.contains("${"));
    match mode {
        Some(text) if Mode::parse(text).is_none() => {
            let message = format!("{} is no octal mode", perilune_registry::quote(text));
            vec![
                Problem::in_field(entry, "mode", Code::BAD_VALUE, message)
                    .help("write one such as `\"0755\"` or `\"0555\"`, in quotes"),
            ]
        }
        _ => Vec::new(),
    }
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let mode = match &config.mode {
        None => Mode::default(),
        Some(text) => Mode::parse(text).ok_or_else(|| {
            let text = perilune_registry::quote(text);
            Failure::invalid(format!("field `mode`: {text} is no octal mode such as `0755`"))
        })?,
    };
    let base = base(opening, config.base)?;
    let root = Root::of(opening, "directory", &config.directory, base.as_deref())?;
    let root = if config.auto_init { root.created(mode) } else { root };
    Ok(Opened::resource(Arc::new(Directory::new(opening.id().to_string(), root, mode))))
}

fn base(opening: &Opening<'_>, base: Base) -> Result<Option<PathBuf>, Failure> {
    let Some(folder) = opening.folder() else { return Ok(None) };
    match (base, opening.entry().file()) {
        (Base::Project, _) => Ok(Some(folder.to_owned())),
        (Base::Module, Some(file)) => {
            Ok(Some(folder.join(Path::new(file).parent().unwrap_or(Path::new("")))))
        }
        (Base::Module, None) => Err(Failure::invalid(
            "field `base`: `module` is the folder of the file that an entry was read from, and this one was made at run time",
        )),
    }
}
