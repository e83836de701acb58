//! `perilune.yaml`: keys nested by their dots.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | finding and reading it |
//! | `keys.rs` | from its tree to settings |
//! | `tree.rs` | from its text to a tree |

mod keys;
mod tree;

use crate::code::Code;
use crate::definition::Definition;
use crate::problem::{Place, Problem, Problems, Text};
use crate::value::Value;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of settings in an application's folder.
pub const FILE: &str = "perilune.yaml";

/// What people also call it.
const ALMOST: [&str; 2] = ["perilune.yml", ".perilune.yaml"];

/// Bytes of such a file: the largest that anybody needs is a few hundred lines.
const MAX_BYTES: u64 = 1 << 20;

/// A file of settings, and who wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// Whether the operator has named it; an application brings its own along.
    pub(crate) named: bool,
}

/// What a file sets.
pub(crate) type Assigned = Vec<(&'static Definition, Value, Place)>;

/// The file of an application's folder, if there is one.
pub(crate) fn in_folder(folder: &Path, problems: &mut Problems) -> Option<Found> {
    let path = shown(&folder.join(FILE));
    if fs::symlink_metadata(&path).is_ok() {
        return Some(Found { path, named: false });
    }
    let almost = ALMOST.iter().map(|name| shown(&folder.join(name))).find(|path| path.is_file())?;
    let message = format!("{} is not read: a file of settings is called `{FILE}`", almost.display());
    let place = Place::Name(almost.display().to_string());
    problems.push(
        Problem::new(Code::UNREADABLE, place, message)
            .help(format!("rename it, or name it with `--config {}`", almost.display())),
    );
    None
}

/// Without a `./` that nobody has typed.
fn shown(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

/// What the file sets; what is wrong with it joins the problems.
pub(crate) fn read(found: &Found, problems: &mut Problems) -> Assigned {
    let place = || Place::Name(found.path.display().to_string());
    let text = match text(found) {
        Ok(text) => text,
        Err((message, help)) => {
            problems.push(
                Problem::new(Code::UNREADABLE, place(), format!("cannot read the settings: {message}"))
                    .maybe_help(help),
            );
            return Assigned::new();
        }
    };
    let text = Arc::new(Text { path: found.path.display().to_string(), text });
    match tree::parse(&text) {
        Ok(None) => Assigned::new(),
        Ok(Some(root)) => keys::read(&text, &root, found, problems),
        Err(problem) => {
            problems.push(*problem);
            Assigned::new()
        }
    }
}

type Unread = (String, Option<String>);

fn text(found: &Found) -> Result<String, Unread> {
    let plain = |error: io::Error| (without_number(&error), None);
    let metadata = fs::metadata(&found.path).map_err(plain)?;
    if metadata.is_dir() {
        let inside = found.path.join(FILE);
        let help = inside.is_file().then(|| format!("name the file: `--config {}`", inside.display()));
        return Err(("it is a folder".to_owned(), help));
    }
    // A pipe that the operator names is meant; in an application's folder it would be waited for.
    if !found.named && !metadata.is_file() {
        return Err(("it is no regular file".to_owned(), None));
    }
    let mut bytes = Vec::new();
    let file = File::open(&found.path).map_err(plain)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(plain)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err((format!("it has more than {}", Value::Bytes(MAX_BYTES)), None));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to() + 1;
        ("it is not UTF-8".to_owned(), Some(format!("the first wrong byte is number {byte}")))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// `No such file or directory`, without the number that Rust adds.
fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
