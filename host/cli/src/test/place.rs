//! The line of a file that a failure comes from.

use perilune::{EntryId, Failure, Snapshot};

/// A line of an entry's source.
pub(crate) struct Place {
    /// The file, relative to the application; the entry's id where the source is in no file line by line.
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: usize,
    /// What stands there.
    pub(crate) text: String,
}

/// Where a failure was raised or made, if its stack says so.
pub(crate) fn of(failure: &Failure, snapshot: &Snapshot) -> Option<Place> {
    frames(failure).find_map(|frame| {
        let (position, _) = frame.split_once(": in ")?;
        let (id, line) = position.rsplit_once(':')?;
        let (id, line) = (EntryId::parse(id).ok()?, line.parse::<usize>().ok()?);
        let entry = snapshot.get(&id)?;
        let text = entry.data().get("source")?.as_str()?.lines().nth(line.checked_sub(1)?)?.to_owned();
        Some(match entry.source_place("source") {
            Some((file, first)) => Place { file, line: first + line - 1, text },
            None => Place { file: id.to_string(), line, text },
        })
    })
}

/// The frames of a failure's stack, the innermost first: `app:total:12: in function main`.
pub(crate) fn frames(failure: &Failure) -> impl Iterator<Item = &str> {
    // The first line is the message; messages of several lines have no frame's indentation.
    let stack = failure.stack.as_deref().unwrap_or_default();
    stack.lines().skip(1).filter(|line| line.starts_with('\t')).map(str::trim)
}
