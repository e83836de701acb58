//! Reading a directory, again and again: a file that has not changed is neither read nor parsed a second time.

use super::document;
use super::files::{Files, Tree, shown, text};
use super::sources::{Sources, Used};
use super::texts::Texts;
use super::walk::{Baseline, MAX_FILE_BYTES};
use crate::code::Code;
use crate::entry::Entry;
use crate::origin::Place;
use crate::problem::Problem;
use crate::rules::Rules;
use crate::{EntryId, SourceText};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Reads the entries of a directory. Entries that are the same in two readings of one reader are the same `Arc`.
pub struct Reader {
    root: PathBuf,
    texts: Texts,
    parts: HashMap<PathBuf, Part>,
    places: Places,
    /// The entries that were read last, if nothing was wrong with any file.
    whole: Option<BTreeMap<EntryId, Arc<Entry>>>,
}

/// What a reading depends on, relative to the directory that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Directories that were looked into, and those that hold files of `file://`. The root is the empty path.
    pub directories: BTreeSet<PathBuf>,
    /// Files that were read or should have been, as entry files or by `file://`.
    pub files: BTreeSet<PathBuf>,
}

/// What one entry file holds.
struct Part {
    text: Arc<SourceText>,
    /// What is wrong with the file itself; it has no entries.
    findings: Baseline,
    items: Vec<Item>,
}

struct Item {
    /// As it stands in the file.
    written: Entry,
    /// With the texts of `file://` in it, and these.
    resolved: Option<(Arc<Entry>, Vec<Used>)>,
}

impl Reader {
    /// A reader of this directory, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let (texts, parts, places) = (Texts::default(), HashMap::new(), Places::default());
        Reader { root: root.into(), texts, parts, places, whole: None }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads the directory as [`Baseline::read_dir`] does. `rules` are the same each time.
    pub fn read(&mut self, rules: &Rules) -> Baseline {
        let mut baseline = Baseline::new();
        self.whole = None;
        let tree = match Tree::open(&self.root) {
            Ok(tree) => tree,
            Err(error) => {
                let place = Place::Name(self.root.display().to_string());
                let message = format!("cannot open the application directory: {error}");
                baseline.unreadable(place, Code::UNREADABLE, message);
                return baseline;
            }
        };
        self.texts.begin();
        let (files, directories) = baseline.find(&tree);
        let mut sources = Sources::new(&tree, &rules.kinds, rules.limits.bytes, &mut self.texts);
        let mut before = std::mem::take(&mut self.parts);
        for path in files {
            let text = match sources.entry_file(&path, MAX_FILE_BYTES) {
                Ok(text) => text,
                Err(error) => {
                    baseline.unread(&path, &error);
                    continue;
                }
            };
            let mut part = match before.remove(&path) {
                Some(part) if Arc::ptr_eq(&part.text, &text) => part,
                _ => Part::parse(&path, text, rules),
            };
            part.add_to(&mut baseline, &mut sources, path.parent().unwrap_or(Path::new("")));
            self.parts.insert(path, part);
        }
        self.texts.finish();
        self.places = Places::of(directories, self.texts.asked());
        self.whole = baseline.is_whole().then(|| baseline.entries.clone());
        baseline
    }

    /// As [`Reader::read`], where nothing but these files has changed since, relative to the directory: no other is looked at. `None` where
    /// that cannot be done, and everything has to be.
    pub fn read_changed(&mut self, rules: &Rules, changed: &BTreeSet<PathBuf>) -> Option<Baseline> {
        let mut entries = self.whole.take()?;
        let tree = Tree::open(&self.root).ok()?;
        if !self.texts.again(changed) {
            return None;
        }
        let asked = self.texts.count();
        let mut sources = Sources::new(&tree, &rules.kinds, rules.limits.bytes, &mut self.texts);
        let mut baseline = Baseline::new();
        let is_touched = |(path, part): &(&PathBuf, &Part)| changed.contains(*path) || part.uses(changed);
        let touched = self.parts.iter().filter(is_touched).map(|(path, _)| path.clone());
        for path in touched.collect::<Vec<_>>() {
            let mut part = self.parts.remove(&path)?;
            for item in &part.items {
                entries.remove(&item.written.id);
            }
            let text = sources.entry_file(&path, MAX_FILE_BYTES).ok()?;
            if !Arc::ptr_eq(&part.text, &text) {
                part = Part::parse(&path, text, rules);
            }
            part.add_to(&mut baseline, &mut sources, path.parent().unwrap_or(Path::new("")));
            self.parts.insert(path, part);
        }
        // Another file is named, whose folder may have to be watched.
        if self.texts.count() > asked {
            return None;
        }
        for (id, entry) in entries {
            if baseline.entries.insert(id, entry).is_some() {
                return None;
            }
        }
        self.whole = baseline.is_whole().then(|| baseline.entries.clone());
        Some(baseline)
    }

    /// What the last reading of a directory that was there depended on.
    pub fn places(&self) -> &Places {
        &self.places
    }
}

/// Reads the entries of files that lie in no directory.
pub(super) fn read_files(files: Files, rules: &Rules) -> Baseline {
    let Files { documents, sources } = files;
    let (mut baseline, mut texts, tree) = (Baseline::new(), Texts::default(), Tree::kept(sources));
    texts.begin();
    let mut sources = Sources::new(&tree, &rules.kinds, rules.limits.bytes, &mut texts);
    for (path, bytes) in documents {
        let place = Path::new(&path);
        match text(bytes, MAX_FILE_BYTES) {
            Ok(text) => {
                let text = Arc::new(SourceText::new(shown(place), text));
                let directory = place.parent().unwrap_or(Path::new(""));
                Part::parse(place, text, rules).add_to(&mut baseline, &mut sources, directory);
            }
            Err(error) => baseline.unread(place, &error),
        }
    }
    baseline
}

impl Part {
    fn parse(path: &Path, text: Arc<SourceText>, rules: &Rules) -> Self {
        let mut findings = Baseline::new();
        let document = findings.parse(path, &text, rules).map(|root| document::read(&text, &root));
        let document = document.unwrap_or_default();
        findings.incomplete |= !document.problems.is_empty();
        findings.report.extend(document.problems);
        let items = document.entries.into_iter().map(|written| Item { written, resolved: None });
        Part { text, findings, items: items.collect() }
    }

    /// Whether one of these files is part of an entry.
    fn uses(&self, files: &BTreeSet<PathBuf>) -> bool {
        let used = self.items.iter().filter_map(|item| item.resolved.as_ref()).flat_map(|(_, used)| used);
        used.map(Used::path).any(|path| files.contains(path))
    }

    fn add_to(&mut self, baseline: &mut Baseline, sources: &mut Sources<'_>, directory: &Path) {
        baseline.learn(&self.findings);
        for item in &mut self.items {
            let (entry, problems) = item.resolve(sources, directory);
            baseline.report.extend(problems);
            baseline.share(entry);
        }
    }
}

impl Item {
    fn resolve(&mut self, sources: &mut Sources<'_>, directory: &Path) -> (Arc<Entry>, Vec<Problem>) {
        if let Some((entry, used)) = &self.resolved
            && sources.still(used)
        {
            return (entry.clone(), Vec::new());
        }
        let (mut entry, mut used) = (self.written.clone(), Vec::new());
        let problems = sources.resolve(&mut entry, directory, &mut used);
        entry.origin.unresolved = !problems.is_empty();
        let entry = Arc::new(entry);
        self.resolved = problems.is_empty().then(|| (entry.clone(), used));
        (entry, problems)
    }
}

impl Places {
    fn of<'a>(directories: Vec<PathBuf>, files: impl Iterator<Item = &'a Path>) -> Self {
        let mut places = Places { directories: directories.into_iter().collect(), ..Places::default() };
        for file in files {
            let file = without_detours(file);
            places.directories.extend(file.parent().map(Path::to_owned));
            places.files.insert(file);
        }
        places
    }
}

/// A path without `.` and `..`, as those who watch directories name it.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
