//! The entry kind `fs.directory`, and what it shares with `fs.embed`.

use crate::{Access, Directory, Ground, Limits, Mode, Reason, Root, VirtualPath, embed, tree};
use perilune_registry::{Code, Entry, Field, Fields, KindSpec, Problem, Type};
use perilune_resource::kind::bytes;
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_value::{Failure, Value, from_value};
use serde::{Deserialize, Deserializer};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every kind of this crate.
pub const KINDS: &[ResourceKind] = &[DIRECTORY, embed::EMBED];

pub(crate) const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

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
            Field {
                name: "limits",
                ty: Type::Object(LIMITS),
                default: "none",
                doc: "how much it may hold; beyond that writing fails with `RateLimited`, and `details().limit` says at which",
                ..FIELD
            },
        ]),
        placeholders: true,
        check: Some(check),
        ..KindSpec::EMPTY
    },
    open,
};

const LIMITS: &[Field] = &[
    Field {
        name: "size",
        ty: Type::Bytes { min: 1, max: 1 << 50 },
        default: "none",
        doc: "all its files together",
        ..FIELD
    },
    Field {
        name: "file_size",
        ty: Type::Bytes { min: 1, max: 1 << 50 },
        default: "none",
        doc: "each file",
        ..FIELD
    },
    Field {
        name: "files",
        ty: Type::Integer { min: 1, max: 1_000_000_000 },
        default: "none",
        doc: "files and directories",
        ..FIELD
    },
];

#[derive(Deserialize)]
struct Config {
    directory: String,
    #[serde(default)]
    auto_init: bool,
    mode: Option<String>,
    #[serde(default)]
    base: Folder,
    #[serde(default)]
    limits: Written,
}

#[derive(Default, Deserialize)]
struct Written {
    #[serde(default, deserialize_with = "optional_bytes")]
    size: Option<u64>,
    #[serde(default, deserialize_with = "optional_bytes")]
    file_size: Option<u64>,
    files: Option<u64>,
}

fn optional_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    bytes(deserializer).map(|bytes| Some(bytes as u64))
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Folder {
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
    let base = base(opening.entry(), opening.folder(), config.base)?;
    let root = Root::of(opening, "directory", &config.directory, base.as_deref())?;
    let root = if config.auto_init { root.created(mode) } else { root };
    let Written { size, file_size, files } = config.limits;
    let directory = Directory::new(opening.id().to_string(), root, mode);
    Ok(Opened::resource(Arc::new(directory.within(Limits { size, file_size, files }))))
}

/// Why the folder of an `fs.directory` or `fs.embed` cannot be used, for who wants to know before the entry is opened. Nothing for one
/// that makes its folder, for one whose path is not known yet, and for one whose files are in a pack. Blocks.
///
/// # Errors
///
/// As [`Directory::ready`].
pub fn check_folder(entry: &Entry, ground: Ground<'_>) -> Result<(), Failure> {
    if entry.kind() == embed::NAME {
        return embed::check_folder(entry, ground);
    }
    let data = entry.data();
    // What is wrong with its fields is told with them.
    let Ok(config) = from_value::<Config>(data.clone()) else { return Ok(()) };
    if config.auto_init || config.directory.contains("${") {
        return Ok(());
    }
    let base = base(entry, ground.folder, config.base)?;
    Root::on(ground, entry.id(), "directory", &config.directory, base.as_deref())?.open().map(drop)
}

/// The whole file at a path of an entry that holds files, for a host that needs it before anything is opened. Blocks.
///
/// # Errors
///
/// `Invalid` for an entry of another kind, for a directory whose path holds placeholders and for a file of more than `most` bytes, and
/// as [`Directory::open`].
pub fn read_whole(entry: &Entry, ground: Ground<'_>, path: &str, most: u64) -> Result<Vec<u8>, Failure> {
    if entry.kind() == embed::NAME {
        return embed::read_whole(entry, ground, path, most);
    }
    let config: Config = from_value(entry.data().clone())
        .map_err(|error| Failure::invalid(format!("{} holds no files: {error}", entry.id())))?;
    if config.directory.contains("${") {
        let message = format!("{}: where it lies is known only when it is opened", entry.id());
        return Err(Failure::invalid(message));
    }
    let base = base(entry, ground.folder, config.base)?;
    let root = Root::on(ground, entry.id(), "directory", &config.directory, base.as_deref())?.open()?;
    let path = VirtualPath::parse(path)?;
    let named = |reason: Reason| reason.of(format!("{}: {path}", entry.id()));
    let file = tree::open(&root, &path, Access::Read, Mode::default()).map_err(named)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| named(error.into()))?;
    if bytes.len() as u64 > most {
        return Err(Failure::invalid(format!("{}: {path} is larger than {most} bytes", entry.id())));
    }
    Ok(bytes)
}

/// Where on the disk the file at a path of an entry that holds files lies, or would if it were there. `None` where nobody can tell
/// before it is opened, and in a pack.
pub fn location(entry: &Entry, ground: Ground<'_>, path: &str) -> Option<PathBuf> {
    if ground.pack.is_some() {
        return None;
    }
    let root = if entry.kind() == embed::NAME {
        embed::root(entry, ground).ok()?
    } else {
        let config: Config = from_value(entry.data().clone()).ok()?;
        if config.directory.contains("${") {
            return None;
        }
        let base = base(entry, ground.folder, config.base).ok()?;
        Root::on(ground, entry.id(), "directory", &config.directory, base.as_deref()).ok()?
    };
    Some(root.place()?.join(VirtualPath::parse(path).ok()?.as_text()))
}

fn base(entry: &Entry, folder: Option<&Path>, base: Folder) -> Result<Option<PathBuf>, Failure> {
    let Some(folder) = folder else { return Ok(None) };
    match (base, entry.file()) {
        (Folder::Project, _) => Ok(Some(folder.to_owned())),
        (Folder::Module, Some(file)) => {
            Ok(Some(folder.join(Path::new(file).parent().unwrap_or(Path::new("")))))
        }
        (Folder::Module, None) => Err(Failure::invalid(
            "field `base`: `module` is the folder of the file that an entry was read from, and this one was made at run time",
        )),
    }
}
