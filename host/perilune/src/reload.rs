//! Files that are edited while the application runs.

use crate::Runtime;
use crate::bytecode::{self, Followed};
use crate::runtime::kinds;
use perilune_files::{Ground, Packed};
use perilune_registry::{Applied, Kinds, Places, Reader, Registry, Reload, Report, Rules};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads the directory of an application again, and puts into effect what has changed: [`Runtime::reloader`] makes it.
pub struct Reloader {
    registry: Arc<Registry>,
    reload: Reload,
    root: PathBuf,
    /// Those that the host allows besides.
    directories: Vec<PathBuf>,
    bytecode: Followed,
    places: Places,
}

impl Runtime {
    /// What reads the application's directory again; `None` for a host without one, also where it has a pack instead.
    ///
    /// A change reaches calls that begin after it. Those under way finish on what they began with, and processes that run are told
    /// that they are outdated.
    pub fn reloader(&self) -> Option<Reloader> {
        let registry = self.inner.registry.clone();
        let host = self.inner.modules.resources.host();
        if host.shared.get::<Packed>().0.is_some() {
            return None;
        }
        let directory = host.folder.as_ref()?;
        let reload = Reload::new(&registry, directory);
        Some(Reloader {
            registry,
            reload,
            root: directory.clone(),
            directories: host.allowed.directories.clone(),
            bytecode: Followed::default(),
            places: Places::default(),
        })
    }
}

impl Reloader {
    /// Reads the files that have changed since the last time, and applies what that means as one version of the registry; `None` where
    /// it means nothing. It waits for files, and so is for a thread that may wait.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the files and the entries. All goes on as it was.
    pub fn reload(&mut self) -> Result<Option<Applied>, Report> {
        let Reloader { reload, root, directories, bytecode, .. } = self;
        let ground = Ground { folder: Some(root), directories, pack: None };
        let applied = reload.apply_with(&self.registry, |entries| bytecode.look(root, entries, ground));
        self.places = reload.places().clone();
        bytecode.add_to(&mut self.places);
        if applied.is_ok() {
            bytecode.accept();
        }
        applied
    }

    /// As [`Reloader::reload`], where nothing but these files has changed since the last time, relative to the directory: no other is looked
    /// at, so that it takes as long as what has changed. `None` where that cannot be done, and everything has to be.
    ///
    /// # Errors
    ///
    /// As [`Reloader::reload`].
    pub fn reload_changed(&mut self, changed: &BTreeSet<PathBuf>) -> Option<Result<Option<Applied>, Report>> {
        self.reload.apply_changed(&self.registry, changed)
    }

    /// The files and directories that the last reading depended on: when one of them changes, it is time to reload.
    pub fn places(&self) -> &Places {
        &self.places
    }
}

/// The files and directories that loading an application depends on, whether or not it can be loaded.
pub fn places(directory: &Path) -> Places {
    let kinds = kinds().fold(Kinds::standard(), |kinds, kind| kinds.with(kind.spec));
    let mut reader = Reader::new(directory);
    let baseline = reader.read(&Rules::new(kinds));
    let entries = baseline.entries().map(|entry| (entry.id().clone(), entry.clone())).collect();
    let mut places = reader.places().clone();
    bytecode::places(directory, &entries, &mut places);
    places
}
