//! What was typed in earlier sessions.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Inputs that are kept.
pub(super) const MOST: usize = 2_000;

/// The file that keeps them, in the folder for a user's state; `None` where there is no such folder, or it cannot be made.
pub(super) fn file() -> Option<PathBuf> {
    let folder = folder(|name| std::env::var_os(name).map(PathBuf::from))?;
    match make(&folder) {
        Ok(()) => Some(folder.join("repl_history")),
        Err(error) => {
            tracing::debug!(%error, folder = %folder.display(), "what is typed cannot be kept");
            None
        }
    }
}

fn folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // A relative folder would be another one for each directory that a session begins in.
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .or_else(|| absolute("LOCALAPPDATA"));
    state.map(|state| state.join("perilune"))
}

/// A folder that only its user can look into: what is typed may hold secrets.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_users_own() {
        let with = |set: &'static [(&'static str, &'static str)]| {
            folder(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value)))
        };
        assert_eq!(
            with(&[("XDG_STATE_HOME", "/state"), ("HOME", "/home/x")]),
            Some("/state/perilune".into())
        );
        assert_eq!(
            with(&[("XDG_STATE_HOME", "here"), ("HOME", "/home/x")]),
            Some("/home/x/.local/state/perilune".into())
        );
        assert_eq!(with(&[]), None);
    }
}
