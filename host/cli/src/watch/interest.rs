//! Which of the files in an application's folder matter.

use perilune::Places;
use std::path::{Path, PathBuf};

/// Folders that hold other programs' files: loading an application passes over them too.
const SKIPPED: [&str; 2] = ["node_modules", "target"];

/// What an application depends on, and could depend on once it is there.
pub(super) struct Interest {
    /// The application's folder, absolute.
    root: PathBuf,
    places: Places,
}

impl Interest {
    pub(super) fn new(root: PathBuf) -> Self {
        Interest { root, places: Places::default() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn set(&mut self, places: Places) {
        self.places = places;
    }

    /// The folders to watch, absolute.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.root.clone()];
        let below = self.places.directories.iter().filter(|folder| !folder.as_os_str().is_empty());
        folders.extend(below.map(|folder| self.root.join(folder)));
        // A root that is a link may be made to lead elsewhere, which its folder is told.
        if self.root.is_symlink() {
            folders.extend(self.root.parent().map(Path::to_owned));
        }
        folders
    }

    /// Whether a change there may change the application. `is_new` says that something has come into being there.
    pub(super) fn includes(&self, path: &Path, is_new: bool) -> bool {
        let Ok(inside) = path.strip_prefix(&self.root) else { return false };
        self.places.files.contains(inside)
            || self.places.directories.contains(inside)
            || inside.as_os_str().is_empty()
            || is_entry_file(inside)
            || (is_new && !is_skipped(inside) && path.is_dir())
    }
}

fn is_entry_file(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    // What an editor marks a file by that is being edited.
    let is_mark = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".#"));
    matches!(extension.as_deref(), Some("yaml" | "yml" | "json"))
        && !is_mark
        && !path.parent().is_some_and(is_skipped)
}

fn is_skipped(folder: &Path) -> bool {
    let mut names = folder.components().map(|part| part.as_os_str().to_string_lossy());
    names.any(|name| name.starts_with('.') || SKIPPED.contains(&name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest() -> Interest {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        let mut interest = Interest::new(PathBuf::from("/app"));
        interest.set(Places {
            directories: paths(&["", "src", ".shared"]),
            files: paths(&["app.yaml", "src/main.lua", ".shared/x.lua"]),
        });
        interest
    }

    #[test]
    fn what_was_read_and_what_could_be_read_matters() {
        for path in [
            "/app",
            "/app/src",
            "/app/src/main.lua",
            "/app/.shared/x.lua",
            "/app/new/deep.yml",
            "/app/perilune.yaml",
        ] {
            assert!(interest().includes(Path::new(path), false), "{path}");
        }
    }

    #[test]
    fn what_is_left_beside_it_does_not() {
        for path in [
            "/app/src/.main.lua.swp",
            "/app/src/main.lua~",
            "/app/src/4913",
            "/app/.#app.yaml",
            "/app/data/shop.db-wal",
            "/app/.git/config.json",
            "/app/node_modules/x/package.json",
            "/app/target/debug/build.yaml",
            "/elsewhere/app.yaml",
        ] {
            assert!(!interest().includes(Path::new(path), true), "{path}");
        }
    }
}
