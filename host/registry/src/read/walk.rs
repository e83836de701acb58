//! The baseline: every entry that an application starts with.

use super::files::{Files, ReadError, Tree, shown};
use super::node::{Node, Refusal};
use super::reader::{self, Reader};
use super::{document, json, yaml};
use crate::code::Code;
use crate::entry::Entry;
use crate::origin::Place;
use crate::problem::{Problem, quote};
use crate::report::Report;
use crate::rules::Rules;
use crate::{EntryId, SourceText};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of an entry file. Entries are short; what is long stands in files of its own, behind `file://`.
pub(super) const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Entry files of an application, and directories looked into: a bound on what a stray `-C /` reads.
const MAX_FILES: usize = 10_000;

/// Directories that hold other programs' files.
const SKIPPED: [&str; 2] = ["node_modules", "target"];

/// Settings of the command line lie beside the entries. Who reads them says what is wrong with them.
const SETTINGS: &str = "perilune.yaml";

/// A YAML or JSON file that is no entry file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Relative to the application root.
    pub path: String,
    /// Why it was not read as one, as the end of a sentence that begins with the path.
    pub reason: &'static str,
}

/// Entries before they become a registry: those of directories, and those built in memory.
///
/// What is wrong is collected, not returned: [`Registry::new`](crate::Registry::new) reports it together with what is wrong with
/// the entries themselves.
#[derive(Default)]
pub struct Baseline {
    pub(crate) entries: BTreeMap<EntryId, Arc<Entry>>,
    pub(crate) report: Report,
    /// Whether a file could not be read, so that entries may be missing for no fault of those that name them.
    pub(crate) incomplete: bool,
    ignored: Vec<Ignored>,
}

impl Baseline {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads every `.yaml`, `.yml` and `.json` file below `root`, except in hidden directories, `node_modules` and `target`, and
    /// except `perilune.yaml` in `root` itself, which holds settings.
    ///
    /// Files are read through a handle on `root` that nothing leads out of. Source fields of the kinds in `rules` may refer to
    /// other files by `file://`.
    pub fn read_dir(root: &Path, rules: &Rules) -> Self {
        Reader::new(root).read(rules)
    }

    /// As [`Baseline::read_dir`], of files that lie in no directory. All documents are read, whatever they are called.
    pub fn read_files(files: Files, rules: &Rules) -> Self {
        reader::read_files(files, rules)
    }

    /// Adds an entry; an id that is already there becomes a problem naming both.
    pub fn add(&mut self, entry: Entry) -> &mut Self {
        self.share(Arc::new(entry))
    }

    /// [`Baseline::add`] of an entry that others hold as well.
    pub(super) fn share(&mut self, entry: Arc<Entry>) -> &mut Self {
        let id = entry.id.clone();
        let Some(first) = self.entries.get(&id) else {
            self.entries.insert(id, entry);
            return self;
        };
        let place = |entry: &Entry| entry.origin.place(&entry.id, &"name".into(), crate::origin::Half::Value);
        let problem = Problem::in_field(
            &entry,
            "name",
            Code::DUPLICATE_ID,
            format!("there is another entry {}", quote(&id.to_string())),
        )
        .label("again here")
        .related(place(first), "first here")
        .help("rename or remove one of the two");
        self.report.push(problem);
        self
    }

    /// The entries that could be read, by id; those of a mistake in their fields included.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// The files that were looked at and left alone.
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// What is wrong so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Whether nothing is wrong with any file.
    pub(super) fn is_whole(&self) -> bool {
        self.report.is_empty() && !self.incomplete
    }

    /// Takes over what another one found out, besides its entries.
    pub(super) fn learn(&mut self, other: &Baseline) {
        self.report.append(other.report.clone());
        self.incomplete |= other.incomplete;
        self.ignored.extend_from_slice(&other.ignored);
    }

    /// The candidates, sorted by path, and the directories they were looked for in.
    pub(super) fn find(&mut self, tree: &Tree) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let mut found = Vec::new();
        let mut visited = Vec::new();
        let mut waiting = vec![PathBuf::new()];
        while let Some(directory) = waiting.pop() {
            if visited.len() >= MAX_FILES || found.len() > MAX_FILES {
                let message = format!("there are more than {MAX_FILES} entry files or directories");
                self.unreadable(Place::Name(shown(&directory)), Code::TOO_LARGE, message);
                break;
            }
            let listing = match tree.list(&directory) {
                Ok(listing) => listing,
                Err(error) => {
                    let message = format!("cannot list the directory: {error}");
                    self.unreadable(Place::Name(shown(&directory)), Code::UNREADABLE, message);
                    continue;
                }
            };
            found.extend(listing.files.into_iter().filter(|path| is_candidate(path)));
            waiting.extend(listing.directories.into_iter().filter(|path| !is_skipped(path)));
            for link in listing.links.into_iter().filter(|path| !is_skipped(path)) {
                let problem = Problem::at(
                    Place::Name(shown(&link)),
                    Code::LINKED_DIRECTORY,
                    "a symbolic link to a directory is not followed, it could lead round in a circle",
                );
                self.report.push(
                    problem.help("replace it by the directory, or give it a name that begins with a dot"),
                );
                self.incomplete = true;
            }
            visited.push(directory);
        }
        found.sort();
        (found, visited)
    }

    /// The tree of an entry file; `None` when it is none of ours, or when it is wrong, which is noted.
    pub(super) fn parse(&mut self, path: &Path, file: &Arc<SourceText>, rules: &Rules) -> Option<Node> {
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let parsed = if is_json {
            json::parse(file.text()).map(|root| (root, Vec::new()))
        } else {
            yaml::parse(file.text()).map(|yaml| (yaml.root, yaml.foreign))
        };
        let (root, refusals) = match parsed {
            Ok((Some(root), refusals)) => (root, refusals),
            Ok((None, _)) => {
                let place = Place::Name(file.path().to_owned());
                let problem = Problem::at(place, Code::EMPTY_FILE, "the file is empty");
                self.report.push(problem.help("write `namespace` and `entries`, or remove the file"));
                return None;
            }
            Err(refusal) => {
                self.refuse(file, refusal);
                return None;
            }
        };
        if let Some(reason) = document::foreign(&root, &rules.kinds) {
            self.ignored.push(Ignored { path: file.path().to_owned(), reason });
            return None;
        }
        if !refusals.is_empty() {
            refusals.into_iter().for_each(|refusal| self.refuse(file, refusal));
            return None;
        }
        Some(root)
    }

    pub(super) fn unread(&mut self, path: &Path, error: &ReadError) {
        let (code, help) = match error {
            ReadError::TooLarge { .. } => {
                (Code::TOO_LARGE, Some("spread the entries over several files".to_owned()))
            }
            ReadError::NotUtf8 { utf16: true, .. } => {
                (Code::NOT_UTF8, Some("it is UTF-16; save it as UTF-8".to_owned()))
            }
            ReadError::NotUtf8 { offset, .. } => {
                (Code::NOT_UTF8, Some(format!("the first wrong byte is number {}", offset + 1)))
            }
            _ => (Code::UNREADABLE, None),
        };
        let problem = Problem::at(Place::Name(shown(path)), code, format!("cannot read the file: {error}"));
        self.report.push(problem.maybe_help(help));
        self.incomplete = true;
    }

    fn refuse(&mut self, file: &Arc<SourceText>, refusal: Refusal) {
        let place = |span| Place::Text { text: file.clone(), span };
        let mut problem =
            Problem::at(place(refusal.span), refusal.code, refusal.message).maybe_help(refusal.help);
        if let Some((span, label)) = refusal.related {
            problem = problem.related(place(span), label);
        }
        self.report.push(problem);
        self.incomplete = true;
    }

    pub(super) fn unreadable(&mut self, place: Place, code: Code, message: String) {
        self.report.push(Problem::at(place, code, message));
        self.incomplete = true;
    }
}

fn is_candidate(path: &Path) -> bool {
    // Editors mark a file that is being edited by a link of this name that leads nowhere.
    let is_mark = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".#"));
    if is_mark || path == Path::new(SETTINGS) {
        return false;
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("yaml" | "yml" | "json"))
}

fn is_skipped(directory: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || SKIPPED.contains(&name.as_ref())
}
