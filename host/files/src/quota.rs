//! How much a directory may hold.
//!
//! What it holds is measured once, when something is first written, and counted from then on. Who runs into a limit has it measured
//! anew: other programs may have removed files. A file that was removed while it is open takes its bytes until it is closed, as it
//! does on the disk.

use crate::tree::{self, Access};
use crate::{Mode, Reason, VirtualPath};
use cap_std::fs::{Dir, Metadata};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a measurement is not repeated. Whoever writes on at the limit would have the whole directory read each time.
const LASTS: Duration = Duration::from_secs(1);

/// What a directory may hold. Nothing is limited without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files.
    pub size: Option<u64>,
    /// Bytes of each file.
    pub file_size: Option<u64>,
    /// Files and directories.
    pub files: Option<u64>,
}

/// What a directory holds, and what is open of it.
pub(crate) struct Quota {
    limits: Limits,
    /// `None` until something is written. Held by what changes the directory, also while it is measured.
    known: Mutex<Option<Known>>,
    /// Held for moments: files are closed by whoever drops them.
    open: Mutex<Opened>,
}

struct Known {
    bytes: u64,
    files: u64,
    measured: Instant,
}

#[derive(Default)]
struct Opened {
    files: HashMap<Inode, Open>,
    /// Bytes of files that were removed and then closed, which nobody has taken off yet.
    freed: u64,
}

/// A file that is open.
#[derive(Default)]
struct Open {
    times: usize,
    size: u64,
    is_removed: bool,
}

/// Device and number.
type Inode = (u64, u64);

/// An open file of a directory with limits.
pub(crate) struct Share {
    quota: Arc<Quota>,
    inode: Inode,
}

impl Quota {
    pub(crate) fn new(limits: Limits) -> Option<Arc<Self>> {
        let quota = Quota { limits, known: Mutex::default(), open: Mutex::default() };
        (limits != Limits::default()).then(|| Arc::new(quota))
    }

    /// [`tree::open`] within the limits.
    pub(crate) fn open(
        self: &Arc<Self>,
        dir: &Dir,
        path: &VirtualPath,
        access: Access,
        mode: Mode,
    ) -> Result<(cap_std::fs::File, Share), Reason> {
        let (file, found) = match access.reads() {
            true => {
                let file = tree::open(dir, path, access, mode)?;
                let found = file.metadata()?;
                (file, found)
            }
            false => {
                let known = &mut *lock(&self.known);
                let before =
                    dir.metadata(path.as_path()).ok().filter(Metadata::is_file).map(|found| found.len());
                match before {
                    None => self.one_more(known, dir)?,
                    Some(_) => drop(self.now(known, dir)?),
                }
                let file = tree::open(dir, path, access, mode)?;
                let found = file.metadata()?;
                let now = self.now(known, dir)?;
                now.files += u64::from(before.is_none());
                now.changed(before.unwrap_or(0), found.len());
                (file, found)
            }
        };
        let inode = inode(&found);
        let mut opened = lock(&self.open);
        let open = opened.files.entry(inode).or_default();
        open.times += 1;
        open.size = found.len();
        Ok((file, Share { quota: self.clone(), inode }))
    }

    /// [`tree::create_directory`] within the limits.
    pub(crate) fn create_directory(&self, dir: &Dir, path: &VirtualPath, mode: Mode) -> Result<(), Reason> {
        let known = &mut *lock(&self.known);
        self.one_more(known, dir)?;
        tree::create_directory(dir, path, mode)?;
        self.now(known, dir)?.files += 1;
        Ok(())
    }

    /// [`tree::remove`], which makes room.
    pub(crate) fn remove(&self, dir: &Dir, path: &VirtualPath) -> Result<(), Reason> {
        let mut known = lock(&self.known);
        let found = dir.symlink_metadata(path.as_path()).ok().filter(Metadata::is_file);
        tree::remove(dir, path)?;
        if let Some(known) = &mut *known {
            known.files = known.files.saturating_sub(1);
        }
        if let Some(found) = found {
            let mut opened = lock(&self.open);
            match opened.files.get_mut(&inode(&found)) {
                Some(open) => open.is_removed = true,
                None => opened.freed += found.len(),
            }
        }
        Ok(())
    }

    /// What it holds, as far as is known.
    fn now<'k>(&self, known: &'k mut Option<Known>, dir: &Dir) -> Result<&'k mut Known, Reason> {
        let mut now = match known.take() {
            Some(known) => known,
            None => self.measure(dir)?,
        };
        now.changed(std::mem::take(&mut lock(&self.open).freed), 0);
        Ok(known.insert(now))
    }

    /// Makes sure that a limit which is reached is so: others may have removed something.
    fn is_over(
        &self,
        known: &mut Option<Known>,
        dir: &Dir,
        over: impl Fn(&Known) -> bool,
    ) -> Result<bool, Reason> {
        let now = self.now(known, dir)?;
        if !over(now) || now.measured.elapsed() < LASTS {
            return Ok(over(now));
        }
        *known = None;
        Ok(over(self.now(known, dir)?))
    }

    fn one_more(&self, known: &mut Option<Known>, dir: &Dir) -> Result<(), Reason> {
        match self.limits.files {
            Some(most) if self.is_over(known, dir, |now| now.files >= most)? => Err(exceeded(
                "files",
                format!("the directory may hold {most} files and directories: remove some"),
            )),
            _ => self.now(known, dir).map(drop),
        }
    }

    /// Looks at everything. Links count as files without bytes.
    fn measure(&self, dir: &Dir) -> Result<Known, Reason> {
        let mut opened = lock(&self.open);
        opened.freed = 0;
        let removed = opened.files.values().filter(|open| open.is_removed).map(|open| open.size).sum();
        drop(opened);
        let mut known = Known { bytes: removed, files: 0, measured: Instant::now() };
        let mut left = vec![PathBuf::from(".")];
        while let Some(path) = left.pop() {
            let entries = match dir.read_dir(&path) {
                // Somebody else removed it.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                known.files += 1;
                match entry.metadata() {
                    Ok(found) if found.is_dir() => left.push(path.join(entry.file_name())),
                    Ok(found) if found.is_file() => known.changed(0, found.len()),
                    _ => {}
                }
            }
        }
        Ok(known)
    }
}

impl Known {
    fn changed(&mut self, before: u64, after: u64) {
        self.bytes = self.bytes.saturating_sub(before).saturating_add(after);
    }
}

impl Share {
    /// Writes so many bytes at a position, within the limits. The directory is found when it must be measured again.
    pub(crate) fn write(
        &self,
        file: &std::fs::File,
        position: u64,
        bytes: usize,
        find: impl FnOnce() -> Option<Dir>,
        write: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), Reason> {
        let Quota { limits, known, open } = &*self.quota;
        let known = &mut *lock(known);
        let before = file.metadata()?.len();
        let after = before.max(position.saturating_add(bytes as u64));
        if let Some(most) = limits.file_size.filter(|most| after > *most) {
            return Err(exceeded(
                "file_size",
                format!("a file may have {most} bytes, and it would have {after}"),
            ));
        }
        let over = |now: &Known, most| {
            after > before && now.bytes.saturating_sub(before).saturating_add(after) > most
        };
        // A directory that is gone holds nothing that could be counted.
        if let (Some(most), Some(dir)) = (limits.size, find())
            && self.quota.is_over(known, &dir, |now| over(now, most))?
        {
            return Err(exceeded("size", format!("the directory may hold {most} bytes: remove something")));
        }
        let written = write();
        // Also after a failure, which may come half way.
        let now = file.metadata().map_or(after, |found| found.len());
        if let Some(known) = known {
            known.changed(before, now);
        }
        if let Some(open) = lock(open).files.get_mut(&self.inode) {
            open.size = now;
        }
        Ok(written?)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let opened = &mut *lock(&self.quota.open);
        let Some(open) = opened.files.get_mut(&self.inode) else { return };
        open.times -= 1;
        if open.times == 0 {
            if open.is_removed {
                opened.freed += open.size;
            }
            opened.files.remove(&self.inode);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn exceeded(limit: &'static str, message: String) -> Reason {
    Reason::Exceeded { limit, message }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> Inode {
    use cap_std::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Elsewhere files that are open cannot be removed: it is enough to know none.
#[cfg(not(unix))]
fn inode(_: &Metadata) -> Inode {
    (0, 0)
}
