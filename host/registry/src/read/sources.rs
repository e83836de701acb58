//! `file://`: fields whose text stands in a file of its own.

use super::files::{ReadError, Tree, shown};
use super::texts::Texts;
use crate::SourceText;
use crate::code::Code;
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

/// A text that stands in an entry, and the file that it was read from.
pub(crate) type Used = (PathBuf, Arc<SourceText>);

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
        let bytes = used.iter().map(|(_, text)| text.text().len()).sum();
        let Some(room) = self.room.checked_sub(bytes) else { return false };
        let is_same = used.iter().all(|(path, text)| {
            self.texts.get(self.tree, path, MAX_SOURCE_BYTES as u64).is_ok_and(|now| Arc::ptr_eq(&now, text))
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
            if matches!(field.ty, Type::Source | Type::Text) {
                problems.extend(self.resolve_field(entry, field, directory, used));
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
                if let Value::Map(fields) = &mut entry.data
                    && let Some((_, value)) =
                        fields.iter_mut().find(|(key, _)| key.as_str() == Some(field.name))
                {
                    *value = Value::from(text.text());
                }
                entry.origin.add_source(FieldPath::from(field.name), text.clone());
                used.push((path, text));
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
    ) -> Result<Used, Box<Problem>> {
        let problem =
            |message: String| Box::new(Problem::in_field(entry, field, Code::FILE_REFERENCE, message));
        // `file:///x` starts at the application root, `file://x` where the entry is written.
        let path = match reference.strip_prefix('/') {
            Some(from_root) => PathBuf::from(from_root),
            None => directory.join(reference),
        };
        if reference.trim_matches('/').is_empty() {
            return Err(Box::new(problem("the path after `file://` is empty".to_owned()).help(HOW)));
        }
        let text = self.texts.get(self.tree, &path, MAX_SOURCE_BYTES as u64).map_err(|error| {
            let message = format!("cannot use the file {}: {error}", quote(reference));
            Box::new(self.explain(*problem(message), &error, &path))
        })?;
        // Each entry holds a copy, so that one large file named by many entries counts many times.
        self.room = self.room.checked_sub(text.text().len()).ok_or_else(|| {
            problem("the sources of this application together exceed the registry's limit".to_owned())
        })?;
        Ok((path, text))
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

const HOW: &str =
    "`file://x.lua` is relative to the directory of this file, `file:///x.lua` to the application root";
