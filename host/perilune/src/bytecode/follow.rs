//! Files of bytecode while an application's files are followed: entries name them by `path` in a folder, and not by `file://`.

use perilune_files::{Ground, location};
use perilune_registry::{Entry, EntryId, LuaCode, LuaEntry, Places, source_kind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;
use std::time::SystemTime;

/// What tells that a file is another one.
type Stamp = Option<(u64, SystemTime)>;

/// Files of bytecode in an application's folder, as they were when they were last found to be right.
#[derive(Default)]
pub(crate) struct Followed {
    /// By the path from the application's folder on.
    known: BTreeMap<PathBuf, Stamp>,
    /// As they were found last.
    found: BTreeMap<PathBuf, Stamp>,
}

impl Followed {
    /// Finds the files of these entries in an application's folder, and the entries whose files have changed.
    pub(crate) fn look(
        &mut self,
        root: &Path,
        entries: &BTreeMap<EntryId, Arc<Entry>>,
        ground: Ground<'_>,
    ) -> Vec<Arc<Entry>> {
        self.found.clear();
        let mut touched = Vec::new();
        for (entry, file) in files(root, entries, ground) {
            let stamp = stamp(&root.join(&file));
            if self.known.get(&file) != Some(&stamp) {
                touched.push(entry.clone());
            }
            self.found.insert(file, stamp);
        }
        touched
    }

    /// What was found last is right.
    pub(crate) fn accept(&mut self) {
        self.known.clone_from(&self.found);
    }

    /// The files, and the folders in which they are or will be.
    pub(crate) fn add_to(&self, places: &mut Places) {
        add(self.found.keys(), places);
    }
}

/// Adds the files of bytecode of these entries.
pub(crate) fn places(root: &Path, entries: &BTreeMap<EntryId, Arc<Entry>>, places: &mut Places) {
    let ground = Ground { folder: Some(root), directories: &[], pack: None };
    let files: Vec<PathBuf> = files(root, entries, ground).map(|(_, file)| file).collect();
    add(files.iter(), places);
}

fn add<'a>(files: impl Iterator<Item = &'a PathBuf>, places: &mut Places) {
    for file in files {
        // One that is not there yet is told of by the next folder above that is.
        places.directories.extend(file.ancestors().skip(1).map(Path::to_owned));
        places.files.insert(file.clone());
    }
}

fn files<'a>(
    root: &Path,
    entries: &'a BTreeMap<EntryId, Arc<Entry>>,
    ground: Ground<'a>,
) -> impl Iterator<Item = (&'a Arc<Entry>, PathBuf)> {
    let root = absolute(root).ok();
    let precompiled = entries.values().filter(|entry| source_kind(entry.kind()) != entry.kind());
    precompiled.filter_map(move |entry| {
        let LuaCode::Bytecode { fs, path, .. } = LuaEntry::decode(entry).ok()?.code else { return None };
        let file = location(entries.get(&fs)?, ground, &path)?;
        Some((entry, file.strip_prefix(root.as_ref()?).ok()?.to_owned()))
    })
}

fn stamp(file: &Path) -> Stamp {
    let metadata = file.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}
