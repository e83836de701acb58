//! Recorded versions.
//!
//! The protocol knows patches: names that a run has or has not. A version is the patch `change_id@version`; a replaying machine that
//! is notified of that patch is told the version. A patch without a version, from a workflow that another SDK began, is version 1.

const SEPARATOR: char = '@';

pub(crate) fn to_patch(change_id: &str, version: i64) -> String {
    format!("{change_id}{SEPARATOR}{version}")
}

pub(crate) fn from_patch(patch: &str) -> (String, i64) {
    patch
        .rsplit_once(SEPARATOR)
        .and_then(|(change_id, version)| Some((change_id.to_owned(), version.parse().ok()?)))
        .unwrap_or_else(|| (patch.to_owned(), 1))
}
