//! The entry kinds `env.*`.

use crate::allowlist::Allowlist;
use crate::storage::{self, File, Fixed, Memory, Router, Storage, System};
use crate::variable::Variable;
use perilune_files::{Mode, Root, VirtualPath};
use perilune_registry::{Code, Entry, Field, Fields, KindSpec, Problem, Type, quote};
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_value::{Failure, Value};
use serde::Deserialize;
use std::sync::{Arc, Mutex};

/// Every kind of this crate.
pub const KINDS: &[ResourceKind] = &[MEMORY, FILE, SYSTEM, FIXED, ROUTER, VARIABLE];

/// What a variable may be kept in.
const STORAGES: &[&str] =
    &["env.storage.memory", "env.storage.file", "env.storage.os", "env.storage.static", "env.storage.router"];

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

const MEMORY: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "env.storage.memory",
        doc: "Variables in the host's memory, gone when it ends",
        ..KindSpec::EMPTY
    },
    open: |opening| storage(opening, Memory::default()),
};

const SYSTEM: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "env.storage.os",
        doc: "What the host lets entries read of its own environment; read-only",
        ..KindSpec::EMPTY
    },
    open: |opening| storage(opening, System { allowed: Allowlist::of(opening.shared(), opening.allowed()) }),
};

const FIXED: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "env.storage.static",
        doc: "Variables that stand in the entry; read-only",
        fields: Fields::Known(&[Field {
            name: "values",
            ty: Type::Texts,
            default: "none",
            doc: "names and their values",
            ..FIELD
        }]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open: |opening| {
        let values = match opening.data().get("values") {
            Some(Value::Map(pairs)) => pairs.as_slice(),
            _ => &[],
        };
        let texts = values.iter().filter_map(|(name, value)| Some((name.as_str()?.to_owned(), text(value)?)));
        storage(opening, Fixed { values: texts.collect() })
    },
};

const FILE: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "env.storage.file",
        doc: "Variables in a file of `NAME=value` lines",
        fields: Fields::Known(&[
            Field {
                name: "file_path",
                ty: Type::String,
                required: true,
                doc: "its path: in the application's folder, or below one that the host allows",
                ..FIELD
            },
            Field {
                name: "auto_create",
                ty: Type::Bool,
                default: "false",
                doc: "do without the file until something is set, and make it then",
                ..FIELD
            },
            Field {
                name: "file_mode",
                ty: Type::String,
                default: "0644",
                doc: "octal permissions of the file when it is written",
                ..FIELD
            },
            Field {
                name: "dir_mode",
                ty: Type::String,
                default: "0755",
                doc: "octal permissions of folders that are made for it",
                ..FIELD
            },
        ]),
        placeholders: true,
        check: Some(check_modes),
        ..KindSpec::EMPTY
    },
    open: open_file,
};

const ROUTER: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "env.storage.router",
        doc: "Several storages: the first that has a value answers, the first of all is written",
        fields: Fields::Known(&[Field {
            name: "storages",
            ty: Type::Entries(STORAGES),
            required: true,
            doc: "which, in order",
            ..FIELD
        }]),
        placeholders: true,
        check: Some(|entry| match entry.data().get("storages") {
            Some(Value::Array(items)) if !items.is_empty() => Vec::new(),
            _ => vec![
                Problem::in_field(entry, "storages", Code::BAD_VALUE, "the list is empty")
                    .help("name a storage"),
            ],
        }),
        ..KindSpec::EMPTY
    },
    open: |opening| {
        #[derive(Deserialize)]
        struct Config {
            storages: Vec<String>,
        }
        let config: Config = opening.config()?;
        let storages = config.storages.iter().map(|storage| opening.resource::<Storage>(storage));
        storage(opening, Router::new(storages.collect::<Result<_, _>>()?))
    },
};

const VARIABLE: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: crate::names::VARIABLE,
        doc: "Variable that module `env` and `${env:NAME}` in the fields of entries read",
        fields: Fields::Known(&[
            Field {
                name: "variable",
                ty: Type::String,
                default: "none: it is found by the entry's id alone",
                doc: "name that it is found by, which no other has: letters, digits and `_`",
                ..FIELD
            },
            Field {
                name: "storage",
                ty: Type::Entry(STORAGES),
                required: true,
                doc: "where its value is, under its name, or that of the entry",
                ..FIELD
            },
            Field {
                name: "default",
                ty: Type::Any,
                default: "none",
                doc: "its value when it is not set",
                ..FIELD
            },
            Field { name: "readonly", ty: Type::Bool, default: "false", doc: "refuse to set it", ..FIELD },
        ]),
        placeholders: true,
        check: Some(check_variable),
        ..KindSpec::EMPTY
    },
    open: open_variable,
};

fn storage(opening: &Opening<'_>, backend: impl storage::Backend + 'static) -> Result<Opened, Failure> {
    Ok(Opened::resource(Arc::new(Storage::new(opening.id(), backend))))
}

/// A string, a number or a boolean as text: an environment has nothing else.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(_) => value.as_str().map(str::to_owned),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn check_modes(entry: &Entry) -> Vec<Problem> {
    let problem = |field: &'static str| {
        let text = entry.data().get(field).and_then(Value::as_str).filter(|text| !text.contains("${"))?;
        let message = format!("{} is no octal mode", quote(text));
        let help = "write one such as `\"0600\"`, in quotes";
        Mode::parse(text)
            .is_none()
            .then(|| Problem::in_field(entry, field, Code::BAD_VALUE, message).help(help))
    };
    ["file_mode", "dir_mode"].into_iter().filter_map(problem).collect()
}

fn check_variable(entry: &Entry) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = crate::names::public_name(entry);
    if let Some(name) = name.filter(|name| !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')) {
        let message = format!("{} is no name of a variable", quote(name));
        problems.push(
            Problem::in_field(entry, "variable", Code::BAD_VALUE, message)
                .help("write letters, digits and `_`"),
        );
    }
    if let Some(default) = entry.data().get("default").filter(|default| text(default).is_none()) {
        let message = format!("expected a string, a number or a boolean, found a {}", default.type_name());
        problems.push(Problem::in_field(entry, "default", Code::WRONG_TYPE, message));
    }
    problems
}

fn open_file(opening: &Opening<'_>) -> Result<Opened, Failure> {
    #[derive(Deserialize)]
    struct Config {
        file_path: String,
        #[serde(default)]
        auto_create: bool,
        file_mode: Option<String>,
        dir_mode: Option<String>,
    }
    let config: Config = opening.config()?;
    let mode = |text: &Option<String>, default: &str| {
        let text = text.as_deref().unwrap_or(default);
        Mode::parse(text).ok_or_else(|| Failure::invalid(format!("{} is no octal mode", quote(text))))
    };
    let (permissions, directories) = (mode(&config.file_mode, "0644")?, mode(&config.dir_mode, "0755")?);
    let root = Root::of(opening, "file_path", &config.file_path, opening.folder())?;
    let no_file =
        || Failure::invalid(format!("field `file_path`: {} names no file", quote(&config.file_path)));
    let (folder, name) = root.split().ok_or_else(no_file)?;
    let folder = if config.auto_create { folder.created(directories) } else { folder };
    let label = format!("{}: {}", opening.id(), quote(&config.file_path));
    let file = File {
        folder,
        path: VirtualPath::parse(&name)?,
        label,
        permissions: permissions.bits(),
        auto_create: config.auto_create,
        known: Mutex::default(),
    };
    storage(opening, file)
}

fn open_variable(opening: &Opening<'_>) -> Result<Opened, Failure> {
    #[derive(Deserialize)]
    struct Config {
        variable: Option<String>,
        storage: String,
        #[serde(default)]
        readonly: bool,
    }
    let config: Config = opening.config()?;
    Ok(Opened::resource(Arc::new(Variable {
        id: opening.id().to_string(),
        key: config.variable.unwrap_or_else(|| opening.id().name().to_owned()),
        storage: opening.resource(&config.storage)?,
        default: opening.data().get("default").and_then(text),
        readonly: config.readonly,
    })))
}
