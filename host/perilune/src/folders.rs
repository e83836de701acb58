//! Where an application's folders may lie. That one which servers show is missing is told when the application loads, not to its first
//! visitor.

use crate::components::{FUNCTION_WASM, PROCESS_WASM};
use perilune_files::{Ground, check_folder};
use perilune_pack::Pack;
use perilune_registry::{Code, Entry, EntryId, Everything, FieldPath, Problem};
use perilune_value::{Failure, Kind, Value};
use std::path::PathBuf;

/// The folder of an entry cannot be used.
const FOLDER: Code = Code::new("E405");

/// The kinds of entries that a check looks at.
pub(crate) const KINDS: &[&str] = &["http.static", "fs.directory", "fs.embed"];

/// Where an application's folders may lie.
pub(crate) struct Folders {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) directories: Vec<PathBuf>,
    /// What the application is read from, if it is no directory.
    pub(crate) pack: Option<Pack>,
}

impl Folders {
    /// What is wrong with the folders of `http.static` and `fs.embed` entries. A script that uses a directory may make it first, so
    /// that others are not asked for.
    pub(crate) fn check(&self, all: &Everything<'_>) -> Vec<Problem> {
        let shown = all.of_kind("http.static").filter_map(|shown| self.problem(shown, all));
        shown.chain(all.of_kind("fs.embed").filter_map(|embed| self.missing(embed))).collect()
    }

    fn missing(&self, embed: &Entry) -> Option<Problem> {
        // What is wrong with its fields is told with them.
        let failure =
            check_folder(embed, self.ground()).err().filter(|failure| failure.kind != Kind::Invalid)?;
        // The problem names entry and field itself.
        let named = format!("{}: field `directory`: ", embed.id());
        let why = failure.message.strip_prefix(&named).unwrap_or(&failure.message);
        let message = format!("there are no files to embed: {why}");
        Some(
            Problem::in_field(embed, "directory", FOLDER, message)
                .help("make the folder, or remove the entry"),
        )
    }

    /// The same, as it is handed down.
    pub(crate) fn ground(&self) -> Ground<'_> {
        Ground { folder: self.folder.as_deref(), directories: &self.directories, pack: self.pack.as_ref() }
    }

    /// What is wrong with the directories that components mount: that one is missing, or that it could not be written as its entry
    /// says.
    pub(crate) fn check_mounts(&self, all: &Everything<'_>) -> Vec<Problem> {
        let components = [FUNCTION_WASM, PROCESS_WASM].into_iter().flat_map(|kind| all.of_kind(kind));
        components.flat_map(|component| self.mount_problems(component, all)).collect()
    }

    fn mount_problems(&self, component: &Entry, all: &Everything<'_>) -> Vec<Problem> {
        let Some(Value::Array(mounts)) = component.data().get("mounts") else { return Vec::new() };
        let problem = |(at, mount): (usize, &Value)| {
            let named = mount.get("fs").and_then(Value::as_str)?;
            let id = EntryId::relative(named, component.id().namespace()).ok()?;
            let directory = all.get(&id).filter(|entry| entry.kind() == "fs.directory")?;
            let path = FieldPath::from("mounts").item(at);
            let refused = |field: &str, message: String| {
                Problem::in_field(component, path.clone().key(field), Code::BAD_MOUNT, message)
            };
            if mount.get("write") == Some(&Value::Bool(true)) && directory.data().get("limits").is_some() {
                let message =
                    "the directory has limits, which are not kept where a component writes".to_owned();
                let problem = refused("write", message).related_field(directory, "limits", "these limits");
                return Some(problem.help("mount it without `write`, or name a directory without `limits`"));
            }
            let failure = check_folder(directory, self.ground()).err()?;
            let problem = refused("fs", format!("the directory cannot be mounted: {}", failure.message));
            let problem = problem.related_field(directory, "directory", "this folder");
            Some(help(problem, &failure))
        };
        mounts.iter().enumerate().filter_map(problem).collect()
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
        Some(help(problem, &failure))
    }
}

fn help(problem: Problem, failure: &Failure) -> Problem {
    match failure.kind {
        Kind::NotFound => problem.help("make the folder, or have it made: `auto_init: true`"),
        _ => problem,
    }
}
