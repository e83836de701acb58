//! `file://`: fields whose text or bytes stand in a file of its own.

use super::files::{ReadError, Stamp, Tree, shown};
use super::texts::Texts;
use crate::SourceText;
use crate::code::Code;
use crate::component::MAX_COMPONENT_BYTES;
use crate::entry::Entry;
use crate::path::FieldPath;
use crate::problem::{Problem, quote};
use crate::schema::{Field, Kinds, Type};
use crate::source::{FILE_SCHEME, MAX_SOURCE_BYTES};
use crate::suggest::did_you_mean;
use perilune_value::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads source files.
pub(crate) struct Sources<'a> {
    tree: &'a Tree,
    kinds: &'a Kinds,
    /// Bytes that all entries together may still take.
    room: usize,
    texts: &'a mut Texts,
}

/// What stands in an entry, and the file that it was read from.
pub(crate) enum Used {
    Text(PathBuf, Arc<SourceText>),
    /// The bytes are not kept besides: the stamp tells whether they are the same.
    Bytes(PathBuf, Stamp),
}

impl Used {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Used::Text(path, _) | Used::Bytes(path, _) => path,
        }
    }
}

impl<'a> Sources<'a> {
    pub(crate) fn new(tree: &'a Tree, kinds: &'a Kinds, room: usize, texts: &'a mut Texts) -> Self {
        Sources { tree, kinds, room, texts }
    }

    /// The text of an entry file.
    pub(crate) fn entry_file(&mut self, path: &Path, max: u64) -> Result<Arc<SourceText>, ReadError> {
        self.texts.get(self.tree, path, max)
    }

    /// Whether files still hold the texts that were used, and there is room for these.
    pub(crate) fn still(&mut self, used: &[Used]) -> bool {
        let bytes = used.iter().map(|used| match used {
            Used::Text(_, text) => text.text().len() as u64,
            Used::Bytes(_, stamp) => stamp.length(),
        });
        let bytes = usize::try_from(bytes.sum::<u64>()).unwrap_or(usize::MAX);
        let Some(room) = self.room.checked_sub(bytes) else { return false };
        let is_same = used.iter().all(|used| match used {
            Used::Text(path, text) => {
                let now = self.texts.get(self.tree, path, MAX_SOURCE_BYTES as u64);
                now.is_ok_and(|now| Arc::ptr_eq(&now, text))
            }
            Used::Bytes(path, stamp) => {
                let now = self.texts.stamp(self.tree, path);
                stamp.is_settled() && now.is_ok_and(|now| now == *stamp)
            }
        });
        if is_same {
            self.room = room;
        }
        is_same
    }

    /// Replaces `file://…` by the file's text in every source field of the entry's kind, and adds what it took to `used`.
    /// `directory` holds the entry's file.
    pub(crate) fn resolve(
        &mut self,
        entry: &mut Entry,
        directory: &Path,
        used: &mut Vec<Used>,
    ) -> Vec<Problem> {
        let kinds = self.kinds;
        let mut problems = Vec::new();
        for field in kinds.get(&entry.kind).map(|kind| kind.fields.known()).unwrap_or_default() {
            match field.ty {
                Type::Source | Type::Text => {
                    problems.extend(self.resolve_field(entry, field, directory, used));
                }
                Type::Component => problems.extend(self.resolve_component(entry, field, directory, used)),
                _ => {}
            }
        }
        problems
    }

    fn resolve_field(
        &mut self,
        entry: &mut Entry,
        field: &Field,
        directory: &Path,
        used: &mut Vec<Used>,
    ) -> Option<Problem> {
        let reference = entry.data.get(field.name)?.as_str()?.strip_prefix(FILE_SCHEME)?.to_owned();
        match self.read(entry, field.name, &reference, directory) {
            Ok((path, text)) => {
                replace(entry, field, Value::from(text.text()));
                entry.origin.add_source(FieldPath::from(field.name), text.clone());
                used.push(Used::Text(path, text));
                None
            }
            Err(problem) => Some(*problem),
        }
    }

    fn read(
        &mut self,
        entry: &Entry,
        field: &str,
        reference: &str,
        directory: &Path,
    ) -> Result<(PathBuf, Arc<SourceText>), Box<Problem>> {
        let problem =
            |message: String| Box::new(Problem::in_field(entry, field, Code::FILE_REFERENCE, message));
        let path = path(reference, directory)
            .ok_or_else(|| Box::new(problem("the path after `file://` is empty".to_owned()).help(HOW)))?;
        let text = self.texts.get(self.tree, &path, MAX_SOURCE_BYTES as u64).map_err(|error| {
            let message = format!("cannot use the file {}: {error}", quote(reference));
            Box::new(self.explain(*problem(message), &error, &path))
        })?;
        self.take_room(text.text().len()).map_err(problem)?;
        Ok((path, text))
    }

    fn resolve_component(
        &mut self,
        entry: &mut Entry,
        field: &Field,
        directory: &Path,
        used: &mut Vec<Used>,
    ) -> Option<Problem> {
        let reference = entry.data.get(field.name)?.as_str()?.strip_prefix(FILE_SCHEME)?.to_owned();
        let problem = |message: String| Problem::in_field(entry, field.name, Code::FILE_REFERENCE, message);
        let Some(path) = path(&reference, directory) else {
            return Some(problem("the path after `file://` is empty".to_owned()).help(HOW));
        };
        // Before the bytes: a change in between is found in the next round.
        let stamp = self.texts.stamp(self.tree, &path);
        let read =
            stamp.and_then(|stamp| Ok((stamp, self.tree.read_bytes(&path, MAX_COMPONENT_BYTES as u64)?)));
        let (stamp, bytes) = match read {
            Ok(read) => read,
            Err(error) => {
                let problem = problem(format!("cannot use the file {}: {error}", quote(&reference)));
                return Some(match error {
                    ReadError::TooLarge { .. } => problem.help("build it without debugging information"),
                    ReadError::Directory => problem.help("name the component in it"),
                    error => self.explain(problem, &error, &path),
                });
            }
        };
        if let Err(message) = self.take_room(bytes.len()) {
            return Some(problem(message));
        }
        replace(entry, field, Value::String(bytes));
        entry.origin.add_file(FieldPath::from(field.name), shown(&path));
        used.push(Used::Bytes(path, stamp));
        None
    }

    /// Each entry holds a copy, so that one large file named by many entries counts many times.
    fn take_room(&mut self, bytes: usize) -> Result<(), String> {
        let exceeded = || "the sources of this application together exceed the registry's limit".to_owned();
        self.room = self.room.checked_sub(bytes).ok_or_else(exceeded)?;
        Ok(())
    }

    fn explain(&self, problem: Problem, error: &ReadError, path: &Path) -> Problem {
        match error {
            ReadError::Missing => {
                problem.maybe_help(self.similar(path)).help(format!("looked for {}", quote(&shown(path))))
            }
            ReadError::Escapes => problem.help("keep sources inside the application directory").help(HOW),
            ReadError::TooLarge { .. } => problem.help("split the source into libraries"),
            ReadError::Bytecode => problem.help("give the Lua text it was compiled from"),
            ReadError::NotUtf8 { .. } => problem.help("save the file as UTF-8"),
            ReadError::Directory => problem.help("name the Lua file in it"),
            ReadError::Special | ReadError::Other(_) => problem,
        }
    }

    fn similar(&self, path: &Path) -> Option<String> {
        let name = path.file_name()?.to_str()?;
        let listing = self.tree.list(path.parent()?).ok()?;
        did_you_mean(name, listing.files.iter().filter_map(|file| file.file_name()?.to_str()))
    }
}

/// Where a reference leads: `file:///x` starts at the application root, `file://x` where the entry is written.
fn path(reference: &str, directory: &Path) -> Option<PathBuf> {
    let is_empty = reference.trim_matches('/').is_empty();
    (!is_empty).then(|| match reference.strip_prefix('/') {
        Some(from_root) => PathBuf::from(from_root),
        None => directory.join(reference),
    })
}

fn replace(entry: &mut Entry, field: &Field, by: Value) {
    if let Value::Map(fields) = &mut entry.data
        && let Some((_, value)) = fields.iter_mut().find(|(key, _)| key.as_str() == Some(field.name))
    {
        *value = by;
    }
}

const HOW: &str =
    "`file://x.lua` is relative to the directory of this file, `file:///x.lua` to the application root";
