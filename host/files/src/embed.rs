//! The entry kind `fs.embed`: files that are part of the application. In a directory they are read where they lie, in a pack they are
//! inside of it.

use crate::choice::{Choice, is_hidden};
use crate::kind::{FIELD, Folder};
use crate::shelf::Shelf;
use crate::{Access, Directory, Ground, Mode, Reason, Root, VirtualPath, tree};
use cap_std::fs::Dir;
use perilune_pack::Pack;
use perilune_registry::{Code, Entry, Field, Fields, KindSpec, Problem, Type, quote};
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_value::{Failure, Value, from_value};
use serde::Deserialize;
use std::path::{Component, Path};
use std::sync::Arc;

/// Name of the kind.
pub(crate) const NAME: &str = "fs.embed";

pub(crate) const EMBED: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: NAME,
        doc: "Files of the application that module `fs` and `http.static` read, and that `perilune pack` puts into the pack",
        fields: Fields::Known(&[
            Field {
                name: "directory",
                ty: Type::String,
                required: true,
                doc: "folder in the application's, or `.`",
                ..FIELD
            },
            Field {
                name: "files",
                ty: Type::StringOrStrings,
                default: "all",
                doc: "patterns of paths in the folder, such as `**/*.html`; names that begin with a dot are left out, `.well-known` excepted",
                ..FIELD
            },
            Field {
                name: "base",
                ty: Type::OneOf(&["project", "module"]),
                default: "project",
                doc: "where the folder's path begins: the application's folder, or that of the file with this entry",
                ..FIELD
            },
        ]),
        check: Some(check),
        ..KindSpec::EMPTY
    },
    open,
};

/// The pack that the application is read from, among what exists once in a host.
#[derive(Default)]
pub struct Packed(pub Option<Pack>);

#[derive(Deserialize)]
struct Config {
    directory: String,
    files: Option<Patterns>,
    #[serde(default)]
    base: Folder,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Patterns {
    One(String),
    Many(Vec<String>),
}

impl Config {
    fn of(entry: &Entry) -> Result<Self, Failure> {
        from_value(entry.data().clone())
            .map_err(|error| Failure::invalid(format!("{} holds no files: {error}", entry.id())))
    }

    fn choice(&self) -> Result<Choice, globset::Error> {
        let patterns = match &self.files {
            None => &[][..],
            Some(Patterns::One(pattern)) => std::slice::from_ref(pattern),
            Some(Patterns::Many(patterns)) => patterns,
        };
        Choice::new(patterns.iter().map(String::as_str))
    }

    /// The folder's path from the application's on, without `/` in front; empty for the application's own.
    fn folder(&self, entry: &Entry) -> Result<String, Failure> {
        let wrong = |why: &str| {
            let text = quote(&self.directory);
            Failure::invalid(format!("{}: field `directory`: {text} {why}", entry.id()))
        };
        if Path::new(&self.directory)
            .components()
            .any(|part| matches!(part, Component::Prefix(_) | Component::RootDir))
        {
            return Err(wrong("is absolute, and what is part of the application lies in its folder"));
        }
        let start = match (self.base, entry.file()) {
            (Folder::Project, _) => "",
            (Folder::Module, Some(file)) => file.rsplit_once('/').map_or("", |(folder, _)| folder),
            (Folder::Module, None) => {
                return Err(wrong("begins at the folder of the entry's file, and the entry has none"));
            }
        };
        let path = VirtualPath::parse_from(&format!("/{start}"), &self.directory)
            .map_err(|_| wrong("leads out of the application's folder"))?;
        Ok(path.as_text().to_owned())
    }

    /// The folder on the disk. Blocks when it is opened.
    fn root(&self, entry: &Entry, application: Option<&Path>) -> Result<Root, Failure> {
        let ground = Ground { folder: application, directories: &[], pack: None };
        Root::on(ground, entry.id(), "directory", &self.folder(entry)?, application)
    }
}

fn check(entry: &Entry) -> Vec<Problem> {
    let Ok(config) = Config::of(entry) else { return Vec::new() };
    let mut problems = Vec::new();
    if let Err(error) = config.choice() {
        let message = format!("it is no pattern: {error}");
        let help = "write one such as `**/*.html` or `images/*.{png,jpg}`";
        problems.push(Problem::in_field(entry, "files", Code::BAD_VALUE, message).help(help));
    }
    if let Err(failure) = config.folder(entry) {
        let message =
            failure.message.split_once("field `directory`: ").map_or("", |(_, rest)| rest).to_owned();
        let help = "name a folder of the application, such as `assets`";
        problems.push(Problem::in_field(entry, "directory", Code::BAD_VALUE, message).help(help));
    }
    problems
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let config: Config = opening.config()?;
    let name = opening.id().to_string();
    let choice =
        config.choice().map_err(|error| Failure::invalid(format!("{name}: field `files`: {error}")))?;
    let directory = match &opening.shared().get::<Packed>().0 {
        Some(pack) => Directory::packed(name, Shelf::new(pack, &config.folder(opening.entry())?, &choice)),
        None => Directory::chosen(name, config.root(opening.entry(), opening.folder())?, choice),
    };
    Ok(Opened::resource(Arc::new(directory)))
}

/// Why the folder of an `fs.embed` cannot be read. Blocks.
pub(crate) fn check_folder(entry: &Entry, ground: Ground<'_>) -> Result<(), Failure> {
    if ground.pack.is_some() {
        return Ok(());
    }
    Config::of(entry)?.root(entry, ground.folder)?.open().map(drop)
}

/// The folder of an `fs.embed` on the disk.
pub(crate) fn root(entry: &Entry, ground: Ground<'_>) -> Result<Root, Failure> {
    Config::of(entry)?.root(entry, ground.folder)
}

/// A whole file of an `fs.embed`. Blocks.
pub(crate) fn read_whole(
    entry: &Entry,
    ground: Ground<'_>,
    path: &str,
    most: u64,
) -> Result<Vec<u8>, Failure> {
    let config = Config::of(entry)?;
    let path = VirtualPath::parse(path)?;
    let named = |reason: Reason| reason.of(format!("{}: {}", entry.id(), quote(&path.to_string())));
    let too_large = || named(Reason::TooMuch(format!("it has more than {most} bytes")));
    let choice = config
        .choice()
        .map_err(|error| Failure::invalid(format!("{}: field `files`: {error}", entry.id())))?;
    if let Some(pack) = ground.pack {
        let file = Shelf::new(pack, &config.folder(entry)?, &choice).file(&path).map_err(named)?;
        if file.size() > most {
            return Err(too_large());
        }
        return file.read().map_err(|error| Failure::internal(format!("{}: {error}", entry.id())));
    }
    let root = config.root(entry, ground.folder)?.open()?;
    if !choice.shows(path.as_text()) {
        return Err(named(crate::shelf::missing()));
    }
    tree::read(&root, &path, usize::try_from(most).unwrap_or(usize::MAX)).map_err(named)
}

/// The files of an `fs.embed` of an application in a directory, to be put into a pack.
pub struct Embedded {
    root: Dir,
    /// The folder's path from the application's on; empty for that itself.
    folder: String,
    paths: Vec<String>,
    /// The entry, for messages.
    owner: String,
}

/// Files of one entry; as many as a pack may have.
const MOST_FILES: usize = 100_000;

impl Embedded {
    /// Finds the files. Blocks.
    ///
    /// # Errors
    ///
    /// What is wrong with the entry's fields, why the folder cannot be read, and `Invalid` for a symbolic link to a directory, which could
    /// lead round in a circle.
    pub fn find(entry: &Entry, application: &Path) -> Result<Self, Failure> {
        let config = Config::of(entry)?;
        let owner = entry.id().to_string();
        let choice =
            config.choice().map_err(|error| Failure::invalid(format!("{owner}: field `files`: {error}")))?;
        let root = config.root(entry, Some(application))?.open()?;
        let mut found = Embedded { root, folder: config.folder(entry)?, paths: Vec::new(), owner };
        found.walk(&choice)?;
        Ok(found)
    }

    fn walk(&mut self, choice: &Choice) -> Result<(), Failure> {
        let mut waiting = vec![String::new()];
        while let Some(folder) = waiting.pop() {
            let named = |reason: Reason| reason.of(format!("{}: `/{folder}`", self.owner));
            let path = if folder.is_empty() { "." } else { folder.as_str() };
            let listed = self.root.read_dir(path).map_err(|error| named(error.into()))?;
            for item in listed {
                let item = item.map_err(|error| named(error.into()))?;
                let Ok(name) = item.file_name().into_string() else {
                    let name = item.file_name().to_string_lossy().into_owned();
                    let message =
                        format!("{}: the name {} in `/{folder}` is not UTF-8", self.owner, quote(&name));
                    return Err(Failure::invalid(message));
                };
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let kind = item.file_type().map_err(|error| named(error.into()))?;
                if kind.is_dir() {
                    if !is_hidden(&path) {
                        waiting.push(path);
                    }
                } else if kind.is_symlink() && self.root.metadata(&path).is_ok_and(|target| target.is_dir()) {
                    if !is_hidden(&path) {
                        let message = "is a symbolic link to a directory, which a pack cannot hold: replace it by the directory";
                        return Err(Failure::invalid(format!("{}: {} {message}", self.owner, quote(&path))));
                    }
                } else if choice.shows(&path) {
                    if self.paths.len() == MOST_FILES {
                        return Err(named(Reason::TooMuch(format!("it holds more than {MOST_FILES} files"))));
                    }
                    self.paths.push(path);
                }
            }
        }
        self.paths.sort();
        Ok(())
    }

    /// The paths of its files from the application's folder on, sorted.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        self.paths.iter().map(|path| match self.folder.as_str() {
            "" => path.clone(),
            folder => format!("{folder}/{path}"),
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Reads the file at a position of [`Embedded::paths`]. Blocks.
    ///
    /// # Errors
    ///
    /// What the system says; `Invalid` for what is no regular file, `RateLimited` for more than `most` bytes.
    pub fn read(&self, position: usize, most: usize) -> Result<Vec<u8>, Failure> {
        let path = self.paths.get(position).map(String::as_str).unwrap_or_default();
        let parsed = VirtualPath::parse(path)?;
        let named = |reason: Reason| reason.of(format!("{}: {}", self.owner, quote(path)));
        let file = tree::open(&self.root, &parsed, Access::Read, Mode::default()).map_err(named)?;
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        if size > most as u64 {
            return Err(named(Reason::TooMuch(format!("it has {size} bytes, more than a pack holds"))));
        }
        tree::read(&self.root, &parsed, most).map_err(named)
    }
}

impl Embedded {
    /// Whether an entry is an `fs.embed`.
    pub fn is_one(entry: &Entry) -> bool {
        entry.kind() == NAME
    }
}

/// The folder of an `fs.embed` made by packing: its only field.
pub fn embedded_folder(folder: &str) -> Value {
    Value::from_iter([("directory", Value::from(folder))])
}
