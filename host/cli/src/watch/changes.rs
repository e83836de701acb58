//! What the system tells of files, put together into moments at which it is worth looking.
//!
//! A file that is saved at one go, or renamed into place, is looked at at once: that it is closed, or has its new name, says that it is
//! complete. Where files are still open, gone, or several, whoever changes them is given a moment to get through with it.

use super::interest::Interest;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use perilune::Places;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Nothing more is told for so long after the last of several changes: a tool that writes a hundred files pauses for less between them.
const QUIET: Duration = Duration::from_millis(20);

/// Changes that go on and on are looked at after so long all the same.
const LONGEST: Duration = Duration::from_millis(250);

/// What there is to look at.
pub(super) struct News {
    /// When the first change was told.
    pub(super) since: Instant,
    /// The one file that was saved, from the application's folder on, where that is all.
    pub(super) saved: Option<PathBuf>,
}

/// Changes of an application's files.
pub(super) struct Changes {
    shared: Arc<Shared>,
    armed: Option<Armed>,
}

#[derive(Default)]
struct Told {
    /// When the first of them was told.
    since: Option<Instant>,
    /// Files that somebody is writing, or that are gone and may come back.
    open: HashSet<PathBuf>,
    complete: HashSet<PathBuf>,
    /// Whether the system has lost count.
    all: bool,
}

struct Shared {
    interest: Mutex<Interest>,
    told: Mutex<Told>,
    woken: Notify,
}

/// What is watched now.
struct Armed {
    _watcher: RecommendedWatcher,
    folders: Vec<Folder>,
}

/// A folder, and which one of that name.
#[derive(PartialEq, Eq)]
struct Folder {
    path: PathBuf,
    identity: (u64, u64),
}

impl Changes {
    /// Of the application in this folder, absolute. Nothing is watched before [`Changes::arm`].
    pub(super) fn of(root: PathBuf) -> Self {
        let interest = Mutex::new(Interest::new(root));
        let shared = Shared { interest, told: Mutex::default(), woken: Notify::new() };
        Changes { shared: Arc::new(shared), armed: None }
    }

    /// Watches these places. True when other folders are watched now than before: then something may have happened unseen.
    pub(super) fn arm(&mut self, places: &Places) -> notify::Result<bool> {
        let folders: Vec<Folder> = {
            let mut interest = lock(&self.shared.interest);
            interest.set(places.clone());
            interest.folders().into_iter().filter_map(Folder::of).collect()
        };
        if self.armed.as_ref().is_some_and(|armed| armed.folders == folders) {
            return Ok(false);
        }
        // A new watcher each time: one that goes on confuses folders that have changed places.
        let shared = self.shared.clone();
        let mut watcher = notify::recommended_watcher(move |event| shared.hear(event))?;
        for folder in &folders {
            match watcher.watch(&folder.path, RecursiveMode::NonRecursive) {
                Err(error) if !is_missing(&error) => return Err(error),
                _ => {}
            }
        }
        self.armed = Some(Armed { _watcher: watcher, folders });
        Ok(true)
    }

    /// Whether the application's own folder is watched: it was there when it was looked for.
    pub(super) fn has_root(&self) -> bool {
        let is_root = |folder: &Folder| folder.path == lock(&self.shared.interest).root();
        self.armed.as_ref().is_some_and(|armed| armed.folders.iter().any(is_root))
    }

    /// Waits until something has changed, and whoever changes it is through. Without word from the system it is time to look again after
    /// `patience`.
    pub(super) async fn next(&self, patience: Option<Duration>) -> News {
        let heard = async {
            loop {
                if let Some(since) = lock(&self.shared.told).since {
                    return since;
                }
                self.shared.woken.notified().await;
            }
        };
        let since = match patience {
            None => heard.await,
            Some(patience) => tokio::time::timeout(patience, heard).await.unwrap_or_else(|_| Instant::now()),
        };
        while !self.is_one_save() && self.is_more(since + LONGEST).await {}
        let told = std::mem::take(&mut *lock(&self.shared.told));
        let saved = told.is_one_save().then(|| told.complete.into_iter().next()).flatten();
        let root = lock(&self.shared.interest).root().to_owned();
        let saved = saved.and_then(|path| path.strip_prefix(root).ok().map(Path::to_owned));
        News { since, saved }
    }

    /// Whether more is told soon.
    pub(super) async fn more(&self) -> bool {
        let latest = Instant::now() + QUIET;
        loop {
            if lock(&self.shared.told).since.is_some() {
                return true;
            }
            // What wakes may be news that was taken before.
            if Instant::now() >= latest || !self.is_more(latest).await {
                return lock(&self.shared.told).since.is_some();
            }
        }
    }

    fn is_one_save(&self) -> bool {
        lock(&self.shared.told).is_one_save()
    }

    async fn is_more(&self, latest: Instant) -> bool {
        let until = latest.min(Instant::now() + QUIET);
        tokio::time::timeout_at(until.into(), self.shared.woken.notified()).await.is_ok()
    }
}

impl Told {
    /// Whether all that was told is that one file is complete.
    fn is_one_save(&self) -> bool {
        self.complete.len() == 1 && self.open.is_empty() && !self.all
    }
}

impl Shared {
    fn hear(&self, event: notify::Result<Event>) {
        let Ok(event) = event else { return self.tell(|told| told.all = true) };
        if event.need_rescan() {
            return self.tell(|told| told.all = true);
        }
        let (is_complete, is_new) = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => (true, false),
            EventKind::Modify(ModifyKind::Metadata(_)) => (true, false),
            EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Any)) => (true, true),
            // Both names were told before, each by itself.
            EventKind::Modify(ModifyKind::Name(RenameMode::Both)) | EventKind::Access(_) => return,
            EventKind::Create(_) => (false, true),
            EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Any | EventKind::Other => (false, false),
        };
        for path in event.paths {
            if !lock(&self.interest).includes(&path, is_new) {
                continue;
            }
            self.tell(|told| {
                if !is_complete {
                    told.complete.remove(&path);
                    told.open.insert(path);
                } else if !matches!(event.kind, EventKind::Modify(ModifyKind::Metadata(_)))
                    || !told.open.contains(&path)
                {
                    told.open.remove(&path);
                    told.complete.insert(path);
                }
            });
        }
    }

    fn tell(&self, what: impl FnOnce(&mut Told)) {
        let mut told = lock(&self.told);
        told.since.get_or_insert_with(Instant::now);
        what(&mut told);
        drop(told);
        self.woken.notify_one();
    }
}

impl Folder {
    fn of(path: PathBuf) -> Option<Self> {
        let metadata = path.metadata().ok().filter(std::fs::Metadata::is_dir)?;
        Some(Folder { identity: identity(&metadata), path })
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_metadata: &std::fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// A folder that was there a moment ago; the one that it was in tells that it is gone.
fn is_missing(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
