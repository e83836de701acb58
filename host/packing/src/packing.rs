//! From an application to a pack.

use crate::document;
use crate::error::PackingError;
use crate::precompile::{self, Precompiler};
use crate::select::select;
use perilune_files::Embedded;
use perilune_pack::{Content, Limits, Pack, Writer};
use perilune_registry::{Baseline, Entry, EntryId, Files, Registry, SourceText, VersionId};
use perilune_value::{Failure, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// How an application is packed.
#[derive(Clone, Debug, Default)]
pub struct PackOptions {
    /// Which entries are kept as bytecode, without their text: none, or those that these patterns mean, or all where there are no
    /// patterns. A pattern is an id, a name, `namespace:**` or `**`.
    pub bytecode: Option<Vec<String>>,
}

/// How far packing is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Files and entries that are done.
    pub done: usize,
    /// Those that there are.
    pub total: usize,
    /// What comes next.
    pub next: &'a str,
}

/// From the id of an entry and its source to a file of bytecode.
pub type Compile<'a> = dyn Fn(&str, &str) -> Result<Vec<u8>, Failure> + 'a;

/// What compiles Lua ahead of its run.
#[derive(Clone, Copy)]
pub struct Compiler<'a> {
    /// Its name: bytecode of any other is refused.
    pub version: &'a str,
    /// Makes a file of bytecode of the source of the entry with this id. Equal sources give equal bytes.
    pub compile: &'a Compile<'a>,
}

/// An application that was read without problems.
#[derive(Clone, Copy)]
pub struct Application<'a> {
    /// Its entries, as they were read.
    pub registry: &'a Registry,
    /// Its folder.
    pub folder: Option<&'a Path>,
    /// The pack that it was read from, if it was one: embedded files are taken from there.
    pub pack: Option<&'a Pack>,
}

/// Packs an application. The result is signed and turned into bytes by [`Writer::finish`]. `progress` is told of each step, and stops
/// all with false. Blocks.
///
/// # Errors
///
/// [`PackingError`].
pub fn pack(
    application: Application<'_>,
    options: &PackOptions,
    compiler: &Compiler<'_>,
    progress: &mut dyn FnMut(Progress<'_>) -> bool,
) -> Result<Writer, PackingError> {
    let registry = application.registry;
    let mut packing = Packing { registry, bytecode: BTreeMap::new(), progress, done: 0, total: 0 };
    packing.pack(options, compiler, application.folder, application.pack)
}

struct Packing<'a> {
    registry: &'a Registry,
    /// What becomes of entries that are kept as bytecode.
    bytecode: BTreeMap<EntryId, Entry>,
    progress: &'a mut dyn FnMut(Progress<'_>) -> bool,
    done: usize,
    total: usize,
}

impl Packing<'_> {
    fn pack(
        &mut self,
        options: &PackOptions,
        compiler: &Compiler<'_>,
        folder: Option<&Path>,
        origin: Option<&Pack>,
    ) -> Result<Writer, PackingError> {
        // Whatever has changed since then, the files have not.
        let snapshot =
            self.registry.snapshot_at(VersionId::BASELINE).unwrap_or_else(|_| self.registry.snapshot());
        let entries: Vec<Arc<Entry>> = snapshot.entries().cloned().collect();
        let selected = match &options.bytecode {
            Some(patterns) => select(&entries, patterns, self.registry.rules().kinds())?,
            None => BTreeSet::new(),
        };
        let embedded = find_embedded(&entries, folder.filter(|_| origin.is_none()))?;
        let copied: Vec<_> = origin.into_iter().flat_map(Pack::all).filter(is_embedded).collect();
        self.total = selected.len() + embedded.iter().map(Embedded::len).sum::<usize>() + copied.len();

        let mut writer = Writer::new();
        writer.describe("perilune", env!("CARGO_PKG_VERSION"))?;
        let mut written = BTreeSet::new();
        for file in &copied {
            self.step(file.path())?;
            writer.add(file.content(), file.path(), &file.read()?)?;
            written.insert(file.path().to_owned());
        }
        if !selected.is_empty() {
            writer.describe("compiler", compiler.version)?;
            let mut compiler = Precompiler::new(compiler);
            for entry in entries.iter().filter(|entry| selected.contains(entry.id())) {
                self.step(&entry.id().to_string())?;
                let (made, path, bytecode) = compiler.compile(entry)?;
                writer.add(Content::Bytecode, &format!("{}/{path}", precompile::FOLDER), &bytecode)?;
                self.bytecode.insert(entry.id().clone(), made);
            }
        }
        let files = self.files(&entries)?;
        for (path, text) in &files.documents {
            writer.add(Content::Document, path, text)?;
        }
        for (path, text) in &files.sources {
            writer.add(Content::Source, path, text)?;
        }
        for files in &embedded {
            for (position, path) in files.paths().enumerate() {
                self.step(&path)?;
                // Folders of several entries may overlap.
                if written.insert(path.clone()) {
                    let most = usize::try_from(Limits::default().contents).unwrap_or(usize::MAX);
                    let bytes = files.read(position, most).map_err(PackingError::Failed)?;
                    writer.add(Content::Embedded, &path, &bytes)?;
                }
            }
        }
        Ok(writer)
    }

    fn step(&mut self, next: &str) -> Result<(), PackingError> {
        let progress = Progress { done: self.done, total: self.total, next };
        self.done += 1;
        if (self.progress)(progress) { Ok(()) } else { Err(PackingError::Stopped) }
    }

    /// The files of entries, and what they refer to, as the registry will read them from the pack.
    fn files(&self, entries: &[Arc<Entry>]) -> Result<Files, PackingError> {
        let mut documents: BTreeMap<&str, (&Arc<SourceText>, Vec<&Entry>)> = BTreeMap::new();
        let mut files = Files::default();
        for entry in entries {
            let document = entry.document().ok_or_else(|| PackingError::NoFile(entry.id().to_string()))?;
            let (first, of_document) = documents.entry(document.path()).or_insert((document, Vec::new()));
            if first.text() != document.text() {
                return Err(PackingError::TwoTexts(document.path().to_owned()));
            }
            of_document.push(entry);
            let is_bytecode = self.bytecode.contains_key(entry.id());
            for (field, text) in entry.sources() {
                if is_bytecode && field.to_string() == "source" {
                    continue;
                }
                let bytes = text.text().as_bytes();
                match files.sources.get(text.path()) {
                    Some(first) if first != bytes => {
                        return Err(PackingError::TwoTexts(text.path().to_owned()));
                    }
                    Some(_) => {}
                    None => drop(files.sources.insert(text.path().to_owned(), bytes.to_vec())),
                }
            }
        }
        for entry in entries {
            for (path, bytes) in binaries(entry) {
                match files.sources.get(path) {
                    Some(first) if first != bytes => return Err(PackingError::TwoTexts(path.to_owned())),
                    Some(_) => {}
                    None => drop(files.sources.insert(path.to_owned(), bytes.to_vec())),
                }
            }
        }
        for (path, (document, entries)) in documents {
            let text = match entries.iter().any(|entry| self.bytecode.contains_key(entry.id())) {
                false => document.text().to_owned(),
                true => self.write_anew(&entries)?,
            };
            files.documents.insert(path.to_owned(), text.into_bytes());
        }
        let holder = self.holder(entries)?;
        if let Some(holder) = &holder {
            let text = document::write(holder.id().namespace(), [(holder, None)].into_iter());
            let text = text.ok_or_else(|| PackingError::Unfaithful(holder.id().to_string()))?;
            if files.documents.insert(precompile::DOCUMENT.to_owned(), text.into_bytes()).is_some() {
                return Err(PackingError::Taken(holder.id().to_string()));
            }
        }
        self.read_back(&files, entries, holder)?;
        Ok(files)
    }

    /// The entry that shows the folder of bytecode, where there is some and the application does not have it already, having been
    /// packed before.
    fn holder(&self, entries: &[Arc<Entry>]) -> Result<Option<Entry>, PackingError> {
        let holder = precompile::holding().map_err(|error| PackingError::Unfaithful(error.to_string()))?;
        match entries.iter().find(|entry| entry.id() == holder.id()) {
            _ if self.bytecode.is_empty() => Ok(None),
            Some(own) if **own == holder => Ok(None),
            Some(own) => Err(PackingError::Taken(own.id().to_string())),
            None => Ok(Some(holder)),
        }
    }

    fn write_anew(&self, entries: &[&Entry]) -> Result<String, PackingError> {
        let now: Vec<(Entry, Option<usize>)> = entries
            .iter()
            .map(|entry| match self.bytecode.get(entry.id()) {
                Some(made) => (made.clone(), entry.line()),
                None => (with_references(entry), entry.line()),
            })
            .collect();
        let namespace = entries.first().map_or("", |entry| entry.id().namespace());
        document::write(namespace, now.iter().map(|(entry, line)| (entry, *line)))
            .ok_or_else(|| PackingError::Unfaithful(namespace.to_owned()))
    }

    /// Makes sure that the registry reads what was written as what it has now.
    fn read_back(
        &self,
        files: &Files,
        entries: &[Arc<Entry>],
        holder: Option<Entry>,
    ) -> Result<(), PackingError> {
        let baseline = Baseline::read_files(files.clone(), self.registry.rules());
        let read: BTreeMap<&EntryId, &Arc<Entry>> =
            baseline.entries().map(|entry| (entry.id(), entry)).collect();
        let meant =
            entries.iter().map(|entry| self.bytecode.get(entry.id()).unwrap_or(entry)).chain(holder.as_ref());
        let mut count = 0;
        for entry in meant {
            count += 1;
            let is_same =
                |read: &&Arc<Entry>| form(read) == form(entry) && binaries(read).eq(binaries(entry));
            if !read.get(entry.id()).is_some_and(is_same) {
                return Err(PackingError::Unfaithful(entry.id().to_string()));
            }
        }
        match (baseline.report().is_empty(), read.len() == count) {
            (true, true) => Ok(()),
            _ => Err(PackingError::Unfaithful("the application".to_owned())),
        }
    }
}

/// What tells entries apart, also those with a number that equals nothing, not even itself.
fn form(entry: &Entry) -> Option<String> {
    let mut entry = entry.clone();
    for (field, path) in entry.clone().files() {
        entry = entry.with_field(&field.to_string(), format!("file:///{path}"));
    }
    document::write(entry.id().namespace(), std::iter::once((&entry, None)))
}

/// Files whose bytes stand in an entry: components.
fn binaries(entry: &Entry) -> impl Iterator<Item = (&str, &[u8])> {
    entry.files().filter_map(|(field, path)| match entry.data().get(&field.to_string()) {
        Some(Value::String(bytes)) => Some((path, bytes.as_slice())),
        _ => None,
    })
}

/// The entry as it was written: with references to files instead of their texts, each where the text stands.
fn with_references(entry: &Entry) -> Entry {
    let Value::Map(fields) = entry.data() else { return entry.clone() };
    let mut fields = fields.clone();
    let texts = entry.sources().map(|(field, text)| (field, text.path()));
    for (field, path) in texts.chain(entry.files()) {
        let name = field.to_string();
        if let Some((_, value)) = fields.iter_mut().find(|(key, _)| key.as_str() == Some(&name)) {
            *value = Value::from(format!("file:///{path}"));
        }
    }
    entry.clone().with_data(Value::Map(fields))
}

fn is_embedded(file: &perilune_pack::File) -> bool {
    matches!(file.content(), Content::Embedded | Content::Bytecode)
}

/// The files of `fs.embed` entries in the folder of an application.
fn find_embedded(entries: &[Arc<Entry>], folder: Option<&Path>) -> Result<Vec<Embedded>, PackingError> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let embeds = entries.iter().filter(|entry| Embedded::is_one(entry));
    embeds.map(|entry| Embedded::find(entry, folder).map_err(PackingError::Failed)).collect()
}
