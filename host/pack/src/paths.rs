//! Which paths may stand in a pack: those that mean one file below a folder on every system.

use crate::error::PackError;
use std::collections::HashMap;

/// Bytes of a path; PATH_MAX of most systems is four times that, for the folder in front.
const MOST_BYTES: usize = 1024;

/// Bytes of one of its parts: NAME_MAX of every common file system.
const MOST_PART: usize = 255;

/// Refuses a path that could lead out of a folder, or that systems read in different ways.
pub(crate) fn check(path: &str) -> Result<(), PackError> {
    match wrong(path) {
        Some(reason) => Err(PackError::Path { path: path.to_owned(), reason }),
        None => Ok(()),
    }
}

fn wrong(path: &str) -> Option<&'static str> {
    let drive = path.as_bytes();
    if path.is_empty() {
        return Some("is empty");
    }
    if path.len() > MOST_BYTES {
        return Some("has more than 1024 bytes");
    }
    if path.contains('\0') {
        return Some("has a NUL byte");
    }
    if path.chars().any(char::is_control) {
        return Some("has a control character");
    }
    if path.contains('\\') {
        return Some("has a backslash, which separates folders on some systems");
    }
    if path.starts_with('/') {
        return Some("is absolute");
    }
    if drive.len() >= 2 && drive[1] == b':' && drive[0].is_ascii_alphabetic() {
        return Some("begins with a drive letter");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("has an empty part"),
        "." => Some("has the part `.`"),
        ".." => Some("leads out of the pack with `..`"),
        part if part.len() > MOST_PART => Some("has a part of more than 255 bytes"),
        _ => None,
    })
}

/// Refuses paths of one kind of content of which some systems could not keep all: doubles but for their case, and files that are
/// folders as well.
pub(crate) fn check_all<'a>(paths: impl Iterator<Item = &'a str> + Clone) -> Result<(), PackError> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for path in paths.clone() {
        if let Some(first) = seen.insert(path.to_lowercase(), path) {
            if first == path {
                return Err(PackError::Duplicate { path: path.to_owned() });
            }
            return Err(PackError::CaseDouble { first: first.to_owned(), second: path.to_owned() });
        }
    }
    for path in paths {
        let folded = path.to_lowercase();
        for (end, _) in folded.match_indices('/') {
            if let Some(file) = seen.get(&folded[..end]) {
                return Err(PackError::FileAndFolder { file: (*file).to_owned(), inside: path.to_owned() });
            }
        }
    }
    Ok(())
}
