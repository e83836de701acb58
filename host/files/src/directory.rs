//! Directories: asynchronous operations on paths.

use crate::choice::{Choice, is_hidden};
use crate::file::{File, Find};
use crate::gate::Gate;
use crate::metadata::{FileType, Item, Metadata};
use crate::quota::{Limits, Quota};
use crate::shelf::{Shelf, missing};
use crate::tree::{self, Access};
use crate::{Mode, Reason, Root, VirtualPath};
use cap_std::fs::Dir;
use perilune_value::{Failure, Kind};
use std::path::PathBuf;
use std::sync::Arc;

/// A directory of the machine that entries may use. Cheap to clone; all clones share their bounds.
///
/// Nothing of it is kept open: a directory that is moved away and made anew is found again, and an entry that is not used costs
/// no descriptor.
#[derive(Clone)]
pub struct Directory {
    place: Arc<Place>,
    gate: Gate,
    quota: Option<Arc<Quota>>,
}

struct Place {
    /// What failures name it by: the id of its entry.
    name: String,
    files: Files,
}

/// Where its files are.
enum Files {
    /// On the disk.
    Folder { root: Root, mode: Mode },
    /// On the disk, of which only some are shown, and none written.
    Chosen { root: Root, choice: Choice },
    /// In a pack.
    Shelf(Shelf),
}

impl Directory {
    /// A directory with a name for messages, such as the id of its entry.
    pub fn new(name: impl Into<String>, root: Root, mode: Mode) -> Self {
        Self::of(name.into(), Files::Folder { root, mode })
    }

    /// A directory of which a choice shows some files, to be read.
    pub(crate) fn chosen(name: String, root: Root, choice: Choice) -> Self {
        Self::of(name, Files::Chosen { root, choice })
    }

    /// A directory inside of a pack.
    pub(crate) fn packed(name: String, shelf: Shelf) -> Self {
        Self::of(name, Files::Shelf(shelf))
    }

    fn of(name: String, files: Files) -> Self {
        Directory { place: Arc::new(Place { name, files }), gate: Gate::default(), quota: None }
    }

    /// Sets how much it may hold.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Directory { quota: Quota::new(limits), ..self }
    }

    /// A directory that the host chose itself.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::new(path.display().to_string(), Root::trusted(path), Mode::default())
    }

    /// Whether it can be used: finds it, and makes it where the entry says so.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when the host does not allow it, `NotFound` when it does not exist, and what else the system says.
    pub async fn ready(&self) -> Result<(), Failure> {
        let place = self.place.clone();
        self.gate.run(move || place.root().map_or(Ok(()), |root| root.open().map(drop))).await
    }

    /// A capability for all of it, for what reads and writes by itself. Blocks.
    ///
    /// # Errors
    ///
    /// As [`Directory::ready`]; `PermissionDenied` where its `mode` does not allow that, or its limits could not be kept.
    pub fn capability(&self, writes: bool) -> Result<Dir, Failure> {
        let refused =
            |why: &str| Err(Failure::new(Kind::PermissionDenied, format!("{}: {why}", self.place.name)));
        let Files::Folder { root, mode } = &self.place.files else {
            return refused("its files are embedded, and no folder holds them alone");
        };
        if !mode.readable() || writes && !mode.writable() {
            return refused("its `mode` does not allow that");
        }
        if writes && self.quota.is_some() {
            return refused("it has limits, which are not kept where something writes by itself");
        }
        root.open()
    }

    /// Opens a regular file.
    ///
    /// # Errors
    ///
    /// | kind | when |
    /// |---|---|
    /// | `NotFound`, `AlreadyExists` | as it says |
    /// | `Invalid` | it is a directory, a pipe, a socket, a device; links lead in a circle |
    /// | `PermissionDenied` | a link leads out; `mode` or the system does not allow it |
    /// | `RateLimited` | too many files of this directory are open; `files` of its limits are reached |
    /// | `Unavailable` | the disk is full, or the machine has no more descriptors |
    pub async fn open(&self, path: &VirtualPath, access: Access) -> Result<File, Failure> {
        let slot = self.gate.slot().map_err(|failure| Failure {
            message: format!("{}: {}", self.place.name, failure.message),
            ..failure
        })?;
        let label = self.place.label(path);
        let name = path.name().to_owned();
        if let Files::Shelf(shelf) = &self.place.files {
            let file = self.place.permits(access.reads()).and_then(|()| shelf.file(path));
            let file = file.map_err(|reason| reason.of(&label))?;
            return Ok(File::packed(file, name, label, self.gate.clone(), slot));
        }
        let quota = self.quota.clone();
        let (file, share) = self
            .run(path, access.reads(), move |dir, path, mode| match quota {
                None => Ok((tree::open(dir, path, access, mode)?, None)),
                Some(quota) => quota.open(dir, path, access, mode).map(|(file, share)| (file, Some(share))),
            })
            .await?;
        let place = self.place.clone();
        let share = share.map(|share| (share, Box::new(move || place.root()?.open().ok()) as Find));
        Ok(File::new(file.into_std(), name, label, access, self.gate.clone(), slot, share))
    }

    /// What is known of a file or directory; links are followed.
    ///
    /// # Errors
    ///
    /// As [`Directory::open`].
    pub async fn metadata(&self, path: &VirtualPath) -> Result<Metadata, Failure> {
        if let Files::Shelf(shelf) = &self.place.files {
            return shelf.metadata(path).map_err(|reason| reason.of(self.place.label(path)));
        }
        self.run(path, true, |dir, path, _| tree::metadata(dir, path)).await
    }

    /// What lies in a directory, sorted by name; `RateLimited` when it is more than `most`.
    ///
    /// # Errors
    ///
    /// As [`Directory::open`].
    pub async fn list(&self, path: &VirtualPath, most: usize) -> Result<Vec<Item>, Failure> {
        if let Files::Shelf(shelf) = &self.place.files {
            return shelf.list(path, most).map_err(|reason| reason.of(self.place.label(path)));
        }
        let place = self.place.clone();
        self.run(path, true, move |dir, path, _| {
            let mut items = tree::list(dir, path, most)?;
            items.retain(|item| place.shows(path, item));
            Ok(items)
        })
        .await
    }

    /// Makes one directory, whose parent must exist.
    ///
    /// # Errors
    ///
    /// As [`Directory::open`].
    pub async fn create_directory(&self, path: &VirtualPath) -> Result<(), Failure> {
        let quota = self.quota.clone();
        let create = move |dir: &Dir, path: &VirtualPath, mode| match quota {
            None => tree::create_directory(dir, path, mode),
            Some(quota) => quota.create_directory(dir, path, mode),
        };
        self.run(path, false, create).await
    }

    /// Removes a file, a link (and not what it leads to) or an empty directory.
    ///
    /// # Errors
    ///
    /// As [`Directory::open`]; `Invalid` for a directory that is not empty.
    pub async fn remove(&self, path: &VirtualPath) -> Result<(), Failure> {
        let quota = self.quota.clone();
        let remove = move |dir: &Dir, path: &VirtualPath, _| match quota {
            None => tree::remove(dir, path),
            Some(quota) => quota.remove(dir, path),
        };
        self.run(path, false, remove).await
    }

    async fn run<T: Send + 'static>(
        &self,
        path: &VirtualPath,
        reads: bool,
        work: impl FnOnce(&Dir, &VirtualPath, Mode) -> Result<T, Reason> + Send + 'static,
    ) -> Result<T, Failure> {
        let (place, path) = (self.place.clone(), path.clone());
        self.gate
            .run(move || {
                let named = |reason: Reason| reason.of(place.label(&path));
                place.permits(reads).map_err(named)?;
                // Operations on a shelf, which reads only, end before they come here.
                let Some(root) = place.root() else { return Err(named(Reason::Embedded)) };
                let dir = root.open()?;
                place.must_show(&dir, &path).map_err(named)?;
                work(&dir, &path, place.mode()).map_err(named)
            })
            .await
    }
}

impl Place {
    fn label(&self, path: &VirtualPath) -> String {
        format!("{}: {}", self.name, perilune_registry::quote(&path.to_string()))
    }

    fn permits(&self, reads: bool) -> Result<(), Reason> {
        match (&self.files, reads) {
            (Files::Folder { mode, .. }, true) if !mode.readable() => Err(Reason::Masked("read")),
            (Files::Folder { mode, .. }, false) if !mode.writable() => Err(Reason::Masked("write")),
            (Files::Chosen { .. } | Files::Shelf(_), false) => Err(Reason::Embedded),
            _ => Ok(()),
        }
    }

    fn mode(&self) -> Mode {
        match &self.files {
            Files::Folder { mode, .. } => *mode,
            Files::Chosen { .. } | Files::Shelf(_) => Mode::default(),
        }
    }

    /// The folder on the disk.
    fn root(&self) -> Option<&Root> {
        match &self.files {
            Files::Folder { root, .. } | Files::Chosen { root, .. } => Some(root),
            Files::Shelf(_) => None,
        }
    }

    /// Refuses a path that a choice does not show, as if nothing were there.
    fn must_show(&self, dir: &Dir, path: &VirtualPath) -> Result<(), Reason> {
        let Files::Chosen { choice, .. } = &self.files else { return Ok(()) };
        let text = path.as_text();
        let is_folder = || !is_hidden(text) && dir.metadata(path.as_path()).is_ok_and(|found| found.is_dir());
        if path.is_root() || choice.shows(text) || is_folder() { Ok(()) } else { Err(missing()) }
    }

    fn shows(&self, folder: &VirtualPath, item: &Item) -> bool {
        let Files::Chosen { choice, .. } = &self.files else { return true };
        let path = match folder.is_root() {
            true => item.name.clone(),
            false => format!("{}/{}", folder.as_text(), item.name),
        };
        match item.file_type {
            FileType::Directory => !is_hidden(&path),
            _ => choice.shows(&path),
        }
    }
}
