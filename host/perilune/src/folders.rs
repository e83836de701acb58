//! Where an application's folders may lie. That one which servers show is missing is told when the application loads, not to its first
//! visitor.

use perilune_files::{Ground, check_folder};
use perilune_registry::{Code, Entry, EntryId, Everything, Problem};
use perilune_value::Value;
use std::path::PathBuf;

/// The folder of an entry cannot be used.
const FOLDER: Code = Code::new("E405");

/// The kinds of entries that a check looks at.
pub(crate) const KINDS: &[&str] = &["http.static", "fs.directory"];

/// Where an application's folders may lie.
pub(crate) struct Folders {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) directories: Vec<PathBuf>,
}

impl Folders {
    /// What is wrong with the folders of `http.static` entries. A script that uses a directory may make it first, so that others are
    /// not asked for.
    pub(crate) fn check(&self, all: &Everything<'_>) -> Vec<Problem> {
        all.of_kind("http.static").filter_map(|shown| self.problem(shown, all)).collect()
    }

    /// The same, as it is handed down.
    pub(crate) fn ground(&self) -> Ground<'_> {
        Ground { folder: self.folder.as_deref(), directories: &self.directories }
    }

    fn problem(&self, shown: &Entry, all: &Everything<'_>) -> Option<Problem> {
        let named = shown.data().get("fs").and_then(Value::as_str)?;
        let id = EntryId::relative(named, shown.id().namespace()).ok()?;
        // What is there and of which kind is the registry's own business.
        let directory = all.get(&id).filter(|entry| entry.kind() == "fs.directory")?;
        let failure = check_folder(directory, self.ground()).err()?;
        let problem = Problem::in_field(
            shown,
            "fs",
            FOLDER,
            format!("there are no files to show: {}", failure.message),
        );
        let problem = problem.related_field(directory, "directory", "this folder");
        Some(match failure.kind {
            perilune_value::Kind::NotFound => {
                problem.help("make the folder, or have it made: `auto_init: true`")
            }
            _ => problem,
        })
    }
}
